//! The release as operators install it, with Helm.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::api::{Cluster, eventually};
use super::release::{self, SHOP, gone};

/// The release's namespace.
pub(super) const GUARD: &str = "guard";

/// The release, its Deployment and its webhook configurations.
pub(super) const NAME: &str = "portcullis";

/// Where the chart is.
pub(super) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/portcullis");

/// What differs from the defaults: a build that is not optimised, on two cores that a whole cluster shares.
fn values() -> Value {
    json!({
        "image": {"repository": "registry.example.com/portcullis"},
        "minReadySeconds": 1,
        "server": {"policyBudgetMilliseconds": 1000, "drainDelayMilliseconds": 2000},
    })
}

/// Has the release installed with the values `further`, and nothing else that judges.
pub(super) async fn install(cluster: &Cluster, further: &Value) {
    release::remove(cluster).await;
    cluster.namespace(GUARD, json!({})).await;
    cluster.namespace(SHOP, json!({})).await;
    upgrade(cluster, NAME, GUARD, further);
}

/// Installs or upgrades a release, and waits for it and for its probe.
#[track_caller]
pub(super) fn upgrade(cluster: &Cluster, name: &str, namespace: &str, further: &Value) {
    let output = try_upgrade(cluster, name, namespace, further, &["--wait", "--timeout", "3m"]);
    assert!(output.status.success(), "helm upgrade: {}", String::from_utf8_lossy(&output.stderr));
}

/// The same by other rules, which may fail.
pub(super) fn try_upgrade(cluster: &Cluster, name: &str, namespace: &str, further: &Value, rules: &[&str]) -> Output {
    let [common, further] = [("values", &values()), ("further", further)].map(|(kind, values)| {
        let file = cluster.home.join(format!("{name}-{kind}.yaml"));
        fs::write(&file, values.to_string()).unwrap();
        file.display().to_string()
    });
    let files = ["--reset-values", "--values", &common, "--values", &further];
    let release = ["upgrade", name, CHART, "--install", "--namespace", namespace];
    cluster.run("helm", &[&release[..], &files, rules].concat(), "")
}

/// Removes a release, if there is one.
pub(super) async fn uninstall(cluster: &Cluster, name: &str, namespace: &str) {
    helm(cluster, &["uninstall", name, "--namespace", namespace, "--ignore-not-found", "--wait", "--timeout", "2m"]);
    // Helm waits for what it deletes, not for the Pods of it.
    gone(cluster, &format!("/api/v1/namespaces/{namespace}")).await;
}

/// Runs Helm, which must succeed.
#[track_caller]
pub(super) fn helm(cluster: &Cluster, arguments: &[&str]) -> String {
    let output = cluster.run("helm", arguments, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "helm {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The validating configuration's only webhook.
pub(super) async fn webhook(cluster: &Cluster) -> Value {
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let list = cluster.get(path).await;
    let mut found = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["metadata"]["annotations"]["meta.helm.sh/release-name"] == NAME);
    found.next().unwrap_or_else(|| panic!("no configuration is the release's: {list}"))["webhooks"][0].clone()
}

/// What is in the cluster with the release's name on it: kinds and names.
pub(super) async fn leftovers(cluster: &Cluster) -> Vec<String> {
    let output = cluster.run("kubectl", &["api-resources", "--verbs=list", "--output", "name"], "");
    let kinds = String::from_utf8(output.stdout).unwrap();
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !kind.starts_with("events")).collect();
    let selector = format!("app.kubernetes.io/instance={NAME}");
    let found = cluster.run(
        "kubectl",
        &["get", &kinds.join(","), "--all-namespaces", "--selector", &selector, "--output", "name"],
        "",
    );
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The environments of the chart.
pub(super) fn environments() -> Vec<String> {
    let entries = fs::read_dir(Path::new(CHART).join("environments")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The replicas of the release.
pub(super) async fn pods(cluster: &Cluster) -> Vec<Value> {
    let path = format!("/api/v1/namespaces/{GUARD}/pods?labelSelector=app.kubernetes.io%2Fcomponent%3Dserver");
    cluster.get(&path).await["items"].as_array().unwrap().clone()
}

/// Waits until no Pod of the release is left that is ending.
pub(super) async fn settled(cluster: &Cluster, replicas: usize) {
    eventually(async || pods(cluster).await.len() == replicas).await;
}
