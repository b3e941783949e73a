//! Traces: none unless asked for, and a way out for nothing else.

use serde_json::{Value, json};

use crate::command::policy;
use crate::render::{Objects, Release};

/// Egress rules of the network policy beyond those of a release as it is.
fn further_egress(values: &[&str]) -> Option<Vec<Value>> {
    let egress = |objects: Objects| objects.one("NetworkPolicy")["spec"]["egress"].as_array().unwrap().clone();
    let usual = egress(Release::default().objects()?);
    let all = egress(Release::default().set(values).objects()?);
    Some(all.into_iter().filter(|rule| !usual.contains(rule)).collect())
}

fn variables(objects: &Objects) -> Vec<(String, Value)> {
    let container = &objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0];
    let variables = container["env"].as_array().unwrap().iter();
    variables.map(|variable| (variable["name"].as_str().unwrap().to_owned(), variable["value"].clone())).collect()
}

#[test]
fn traces_go_where_they_are_sent_and_nowhere_else() {
    for (endpoint, port) in [
        ("http://collector.monitoring.svc:4318", 4318),
        ("https://collector.example.com", 443),
        ("http://collector.example.com/otlp/v1/traces", 80),
        ("https://[fd00::1]:4319/", 4319),
    ] {
        let set = format!("traces.endpoint={}", json!(endpoint));
        let Some(rules) = further_egress(&[&set]) else { return };
        let names = json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]});
        assert_eq!(rules, [json!({"ports": [{"port": port, "protocol": "TCP"}]}), names], "{endpoint}");
    }
    let to = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]);
    let traces = json!({"endpoint": "http://collector.monitoring.svc:4318", "to": to});
    let rules = further_egress(&[&format!("traces={traces}")]).unwrap();
    assert_eq!(rules[0], json!({"ports": [{"port": 4318, "protocol": "TCP"}], "to": to}));
}

#[test]
fn the_server_is_told_of_traces_in_its_own_units() {
    let traces = r#"traces={"endpoint":"http://collector:4318","ratio":0.00001,"policiesAboveMicroseconds":30000000}"#;
    let Some(objects) = Release::default().set(&[traces]).objects() else { return };
    let usual = variables(&Release::default().objects().unwrap());
    let further: Vec<(String, Value)> =
        variables(&objects).into_iter().filter(|variable| !usual.contains(variable)).collect();
    let value = |name: &str| further.iter().find(|(found, _)| found == name).unwrap().1.as_str().unwrap().to_owned();
    assert_eq!(further.len(), 3, "{further:?}");
    assert_eq!(value("PORTCULLIS_OTLP_ENDPOINT"), "http://collector:4318");
    assert_eq!(value("PORTCULLIS_TRACE_POLICIES_ABOVE"), "30000000");
    assert!((value("PORTCULLIS_TRACE_RATIO").parse::<f64>().unwrap() - 0.00001).abs() < 1e-12);
    let help = String::from_utf8(policy(["serve", "--help"]).output().unwrap().stdout).unwrap();
    for (name, _) in further {
        assert!(help.contains(&format!("[env: {name}=")), "{name} is not in:\n{help}");
    }
}
