//! The manifests that the documents show: each can be read, names what it is, and is what the documents speak of.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::render::{Objects, Release, succeeds};
use crate::tool::tool;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rollout")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(name: &str) -> Objects {
    Objects::read(&fs::read_to_string(directory().join(name)).unwrap())
}

#[test]
fn every_manifest_can_be_read_and_is_spoken_of() {
    let document = fs::read_to_string(directory().join("../../docs/rollout.md")).unwrap();
    let files = files();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(document.contains(&format!("examples/rollout/{name}")), "docs/rollout.md does not speak of {name}");
        let objects = read(&name);
        assert!(!objects.0.is_empty(), "{name} is empty");
        if name.contains("values") {
            continue;
        }
        for object in &objects.0 {
            assert!(object["apiVersion"].is_string() && object["kind"].is_string(), "{name}: {object}");
            assert!(object["metadata"]["name"].is_string(), "{name}: {object}");
        }
    }
}

#[test]
fn values_of_blue_and_green_are_taken_and_share_no_namespace() {
    let release = |name: &str| Release {
        name: name.to_owned(),
        files: vec![directory().join(format!("values-{name}.yaml"))],
        ..Release::default()
    };
    let (Some(blue), Some(green)) = (release("blue").objects(), release("green").objects()) else { return };
    let selector =
        |objects: &Objects| objects.one("ValidatingWebhookConfiguration")["webhooks"][0]["namespaceSelector"].clone();
    let expression = |objects: &Objects, operator: &str| {
        let selector = selector(objects);
        let all = selector["matchExpressions"].as_array().unwrap().clone();
        all.into_iter()
            .find(|expression| expression["key"] == "policy-set" && expression["operator"] == operator)
            .unwrap()
    };
    // What is labelled green is green's, all else is blue's: no namespace is judged by both or by neither.
    assert_eq!(expression(&blue, "NotIn")["values"], expression(&green, "In")["values"]);
}

#[test]
fn a_rollout_is_taken_back_within_two_minutes_under_the_three_conditions() {
    let template = read("argo-analysis-template.yaml");
    let metrics = template.one("AnalysisTemplate")["spec"]["metrics"].as_array().unwrap().clone();
    let metric = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap().clone();
    for (name, condition) in
        [("error-rate", "result[0] <= 0.05"), ("latency", "result[0] <= 0.5"), ("availability", "result[0] >= 0.999")]
    {
        let metric = metric(name);
        assert_eq!(metric["successCondition"], condition);
        let seconds: u64 = metric["interval"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
        let failures = metric["failureLimit"].as_u64().unwrap() + 1;
        assert!(seconds * failures <= 120, "{name}: {failures} measurements, {seconds} s apart");
    }
}

#[test]
fn flagger_measures_the_webhook_and_never_takes_its_deployment_over() {
    for file in files() {
        let objects = read(file.file_name().unwrap().to_str().unwrap());
        assert!(objects.all("Canary").is_empty(), "{}: its Service would select nothing", file.display());
    }
    let metrics = read("flagger-metrics.yaml");
    let names: Vec<&Value> =
        metrics.all("MetricTemplate").into_iter().map(|template| &template["metadata"]["name"]).collect();
    assert_eq!(names, ["portcullis-error-rate", "portcullis-latency", "portcullis-availability"]);
    for template in metrics.all("MetricTemplate") {
        let query = template["spec"]["query"].as_str().unwrap();
        // Of an application's Canary, {{ namespace }} is the application's.
        let count = |text: &str| query.matches(text).count();
        assert_eq!(count("portcullis_"), count(r#"namespace="portcullis-system""#), "{query}");
    }
}

#[test]
fn every_condition_is_one_that_prometheus_can_read() {
    let argo = read("argo-analysis-template.yaml");
    let metrics = argo.one("AnalysisTemplate")["spec"]["metrics"].as_array().unwrap();
    let mut queries: Vec<&Value> = metrics.iter().map(|metric| &metric["provider"]["prometheus"]["query"]).collect();
    let flagger = read("flagger-metrics.yaml");
    queries.extend(flagger.all("MetricTemplate").into_iter().map(|template| &template["spec"]["query"]));
    assert_eq!(queries.len(), 6);
    let rule = |query: &&Value| {
        let query = query.as_str().unwrap().replace("{{args.job}}", "portcullis");
        let query = query.replace("{{ interval }}", "1m");
        assert!(!query.contains("{{"), "{query}");
        json!({"record": "condition", "expr": query, "labels": {"of": "a roll-out"}})
    };
    let groups: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(at, query)| json!({"name": format!("condition {at}"), "rules": [rule(query)]}))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yaml");
    fs::write(&file, json!({"groups": groups}).to_string()).unwrap();
    let Some(mut promtool) = tool("promtool") else { return };
    succeeds(promtool.args(["check", "rules"]).arg(file));
}
