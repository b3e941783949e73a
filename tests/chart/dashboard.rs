//! The dashboard: every query is one that Prometheus can read, on panels that can be told apart.
//! tests/metrics/live.rs asks them of a real Prometheus.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::dashboard::{dashboard, queries};
use crate::render::{Release, succeeds};
use crate::tool::tool;

#[test]
fn every_query_is_one_that_prometheus_can_read() {
    let queries = queries();
    let rules: Vec<Value> =
        queries.iter().enumerate().map(|(at, (_, query))| json!({"record": format!("q{at}"), "expr": query})).collect();
    let Some(mut promtool) = tool("promtool") else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yaml");
    fs::write(&file, json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string()).unwrap();
    succeeds(promtool.args(["check", "rules"]).arg(file));
}

#[test]
fn a_panel_shows_each_of_what_operators_ask_for() {
    let queries = queries();
    let metrics: BTreeSet<&str> = queries
        .iter()
        .flat_map(|(_, query)| query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with("portcullis_"))
        .collect();
    for metric in [
        "portcullis_admission_requests_total",
        "portcullis_admission_duration_seconds_bucket",
        "portcullis_policy_decisions_total",
        "portcullis_mutations_total",
        "portcullis_certificate_expiry_timestamp_seconds",
    ] {
        assert!(metrics.contains(metric), "{metric} is not shown: {metrics:?}");
    }
}

#[test]
fn panels_have_a_number_each_and_do_not_overlap() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut cells = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["title"]);
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(cells.insert((x, y)), "{} covers another panel", panel["title"]);
        }
    }
}

#[test]
fn the_release_carries_it_whole() {
    let Some(objects) = Release::default().set(&["metrics.dashboard.enabled=true"]).objects() else { return };
    let text = objects.named("ConfigMap", "portcullis-dashboard")["data"]["portcullis.json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), dashboard());
}
