//! The chart's dashboard and alerts on a real Prometheus that scrapes a real server: nothing asks for what is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::prometheus::Prometheus;
use super::traffic::{start_with, traffic};
use crate::client::{Client, Serves as _};
use crate::dashboard::{files, queries};
use crate::policies::policy_text;
use crate::review::named;
use crate::wait::eventually;

/// Policies that patch: two agree about one Pod and differ about another.
fn mutators() -> Vec<(&'static str, String)> {
    let wants = |value: &str| {
        let set = |name: &str, value: &str| {
            format!(
                "mutate contains {{\"op\": \"set\", \"path\": [\"metadata\", \"labels\", \"tier\"], \"value\": \"{value}\"}} \
                 if startswith(input.request.name, \"{name}\")"
            )
        };
        format!("{}\n\n{}", set("plain", "web"), set("denied", value))
    };
    vec![("one", policy_text("one", &[], &wants("a"))), ("other", policy_text("other", &[], &wants("b")))]
}

/// What only a server in a cluster has, which `tests/cluster` asks for there.
const OF_A_CLUSTER: [&str; 2] = ["portcullis_watch_synced_timestamp_seconds", "portcullis_denial_events_total"];

fn wants_a_cluster(query: &str) -> bool {
    OF_A_CLUSTER.iter().any(|metric| query.contains(metric))
}

#[tokio::test]
async fn every_panel_shows_something_and_every_alert_can_be_evaluated() {
    let directory = tempfile::tempdir().unwrap();
    let server = start_with(directory.path(), &mutators()).await;
    traffic(&server).await;
    let rules = files().join("alerts.yaml");
    let Some(prometheus) = Prometheus::start(directory.path(), server.operations(), &rules).await else { return };

    // A rate wants two scrapes.
    eventually(|| prometheus.query("count_over_time(portcullis_build_info[1m]) >= 2").len() == 1).await;
    let mut client = Client::connect(&server).await;
    for path in ["/validate", "/mutate"] {
        assert_eq!(client.post(path, named("plain")).await.status, 200);
    }
    let empty: Vec<(String, String)> = queries()
        .into_iter()
        .filter(|(_, query)| prometheus.query(query).is_empty() != wants_a_cluster(query))
        .collect();
    assert!(empty.is_empty(), "these panels show nothing, or what only a cluster has: {empty:#?}");

    let healthy = |rule: &Value| rule["health"] == "ok";
    eventually(|| prometheus.rules().iter().all(|rule| rule["health"] != "unknown")).await;
    let alerts = prometheus.rules();
    assert!(alerts.len() >= 10 && alerts.iter().all(healthy), "{alerts:#?}");
    let expressions: String = alerts.iter().filter_map(|rule| rule["query"].as_str()).collect::<Vec<_>>().join(" ");
    let words = expressions.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metrics: BTreeSet<&str> = words.filter(|word| word.starts_with("portcullis_")).collect();
    assert!(metrics.len() >= 8, "{metrics:?}");
    for metric in metrics.into_iter().filter(|metric| !OF_A_CLUSTER.contains(metric)) {
        assert!(!prometheus.query(metric).is_empty(), "an alert asks for {metric}, which the server does not have");
    }
}
