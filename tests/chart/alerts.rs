//! The alerts, under Prometheus' own tool: they are valid, and each fires when it should and only then.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::render::{Release, directory, succeeds};
use crate::tool::tool;

/// The rules of a release with everything on, as Prometheus reads them. YAML is a superset of JSON.
fn rules(release: &Release) -> Option<Value> {
    Some(release.clone().set(&["metrics.prometheusRule.enabled=true"]).objects()?.one("PrometheusRule")["spec"].clone())
}

fn alerts(rules: &Value) -> Vec<&Value> {
    rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect()
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let Some(rules) = rules(&Release::default()) else { return };
    let Some(mut promtool) = tool("promtool") else { return };
    let directory = tempfile::tempdir().unwrap();
    let cases = include_str!("alerts.yaml");
    fs::write(directory.path().join("rules.yaml"), rules.to_string()).unwrap();
    fs::write(directory.path().join("alerts.yaml"), cases).unwrap();
    succeeds(promtool.args(["test", "rules"]).arg(directory.path().join("alerts.yaml")));
    for alert in alerts(&rules) {
        let fires = format!("alertname=\"{}\",", alert["alert"].as_str().unwrap());
        assert!(cases.contains(&format!("labels: '{{{fires}")), "no case of alerts.yaml expects {fires}");
    }
}

#[test]
fn prometheus_accepts_the_rules_rendered_and_plain() {
    let directory_of_rules = tempfile::tempdir().unwrap();
    let rendered = directory_of_rules.path().join("rules.yaml");
    for name in ["dev", "prod"] {
        let Some(rules) = rules(&Release::environment(name)) else { return };
        let Some(mut promtool) = tool("promtool") else { return };
        fs::write(&rendered, rules.to_string()).unwrap();
        succeeds(promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(&rendered));
    }
    let Some(mut promtool) = tool("promtool") else { return };
    succeeds(
        promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(directory().join("files/alerts.yaml")),
    );
}

#[test]
fn a_release_is_told_of_itself_only() {
    let release = Release { name: "blue".to_owned(), namespace: "admission".to_owned(), ..Release::default() };
    let Some(rules) = rules(&release) else { return };
    for alert in alerts(&rules) {
        let expression = alert["expr"].as_str().unwrap();
        let selected = expression.matches(r#"job="blue-portcullis",namespace="admission""#).count();
        let series = expression.matches("portcullis_").count() + expression.matches("up{").count();
        assert_eq!(selected, series, "{expression}");
    }
}

#[test]
fn what_fires_says_what_it_means_and_where_to_read_on() {
    let operations = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let operations = fs::read_to_string(operations).unwrap();
    let set = r#"metrics.prometheusRule.runbookUrl="https://example.com/operations.md#""#;
    let Some(rules) = rules(&Release::default().set(&[set])) else { return };
    for alert in alerts(&rules) {
        let name = alert["alert"].as_str().unwrap();
        assert!(operations.contains(&format!("\n### {name}\n")), "docs/operations.md does not say what {name} means");
        let annotations = &alert["annotations"];
        assert!(annotations["summary"].is_string() && annotations["description"].is_string(), "{name}");
        let link = format!("https://example.com/operations.md#{}", name.to_lowercase());
        assert_eq!(annotations["runbook_url"], link.as_str());
        assert!(
            ["critical", "warning", "info"].iter().any(|severity| alert["labels"]["severity"] == *severity),
            "{name}"
        );
    }
}

#[test]
fn an_alert_can_be_left_out() {
    let Some(all) = rules(&Release::default()) else { return };
    let fewer =
        rules(&Release::default().set(&[r#"metrics.prometheusRule.disabled=["PortcullisNoRequests"]"#])).unwrap();
    assert_eq!(alerts(&fewer).len() + 1, alerts(&all).len());
    assert!(!fewer.to_string().contains("PortcullisNoRequests"));
}
