//! What becomes of Pods that say nothing, through the real API server: its defaults before, its validation after.

use std::fs;

use serde_json::{Value, json};

use super::api::{Cluster, eventually, path};
use super::chart::install;
use super::control_plane::AUDITED;
use super::place::inside;
use super::release::{SHOP, gone};

/// Where mutators only tell what they would do.
const TRIAL: &str = "trial";

/// The shipped set as it is, but for one namespace. Two seconds of a machine that is short of time are no failure of the
/// product.
async fn judged(cluster: &Cluster) {
    cluster.namespace(TRIAL, json!({})).await;
    cluster.namespace(AUDITED, json!({})).await;
    let told = json!({"select": {"policies": ["harden_security_context"]}, "where": {"namespaces": [TRIAL]},
        "set": {"enforcement": "warn"}});
    let values = json!({"webhooks": {"mutating": {"timeoutSeconds": 5}}, "configuration": {"overrides": [told]}});
    install(cluster, &values).await;
    // The probe proves validation only.
    eventually(async || {
        let answer = cluster.create(&silent("canary", SHOP), "dryRun=All").await;
        answer.status == 201 && answer.body["spec"]["securityContext"] == hardened_pod()
    })
    .await;
}

/// A Pod that says nothing about its security.
fn silent(name: &str, namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "web", "image": "registry.example.com/shop/web:4.2"}]}})
}

/// What the shipped set makes of silence, for the Pod...
fn hardened_pod() -> Value {
    json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"}})
}

/// ...and for each container.
fn hardened_container() -> Value {
    json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
}

#[track_caller]
fn is_hardened(pod: &Value) {
    assert_eq!(pod["spec"]["securityContext"], hardened_pod(), "{pod}");
    assert_eq!(pod["spec"]["containers"][0]["securityContext"], hardened_container(), "{pod}");
}

/// Runs `kubectl`, which must succeed, and has what it wrote to both.
#[track_caller]
fn kubectl(cluster: &Cluster, arguments: &[&str], stdin: &Value) -> String {
    let output = cluster.run("kubectl", arguments, &stdin.to_string());
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "kubectl {arguments:?}: {said}");
    said
}

#[test]
fn a_pod_that_says_nothing_is_hardened_admitted_and_then_left_alone() {
    inside(async |cluster| {
        judged(&cluster).await;
        let pod = silent("silent", SHOP);
        let apply = ["apply", "--filename", "-"];
        let said = kubectl(&cluster, &apply, &pod);
        assert!(said.contains("pod/silent created"), "{said}");
        assert!(said.contains("Warning: ") && said.contains("livenessProbe"), "{said}");
        for filled in ["runAsNonRoot", "readOnlyRootFilesystem", "seccompProfile", "capabilities"] {
            assert!(!said.contains(filled), "warned of what was filled in: {said}");
        }
        // The scheduler's change is none of ours.
        eventually(async || cluster.get(&path(&pod)).await["spec"]["nodeName"].is_string()).await;
        let created = cluster.get(&path(&pod)).await;
        is_hardened(&created);
        let said = kubectl(&cluster, &apply, &pod);
        assert!(said.contains("pod/silent unchanged"), "{said}");
        let answer = cluster.merge(&path(&pod), &json!({"metadata": {"labels": {"team": "shop"}}})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["spec"], created["spec"], "an update changed more than was asked for");
        gone(&cluster, &path(&pod)).await;
    });
}

#[test]
fn a_pod_that_says_what_it_needs_keeps_it() {
    inside(async |cluster| {
        judged(&cluster).await;
        let mut pod = silent("outspoken", SHOP);
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true, "runAsUser": 1000});
        pod["spec"]["containers"][0]["securityContext"] = json!({"readOnlyRootFilesystem": false});
        let answer = cluster.create(&pod, "dryRun=All").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let spec = &answer.body["spec"];
        assert_eq!(
            (&spec["securityContext"]["runAsUser"], &spec["securityContext"]["runAsGroup"]),
            (&json!(1000), &json!(65532))
        );
        let security = &spec["containers"][0]["securityContext"];
        assert_eq!(
            (&security["readOnlyRootFilesystem"], &security["allowPrivilegeEscalation"]),
            (&json!(false), &json!(false))
        );
        // What it may not have it does not get either: filling in is no way around validation.
        pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
        let answer = cluster.create(&pod, "dryRun=All").await;
        assert!(answer.is_denied() && answer.message().contains("pss_privileged"), "{answer:?}");
    });
}

#[test]
fn the_pods_of_a_deployment_are_hardened_and_its_template_is_not() {
    inside(async |cluster| {
        judged(&cluster).await;
        let spec = &silent("web", SHOP)["spec"];
        let mut template = json!({"metadata": {"labels": {"app": "web"}}, "spec": spec});
        // All that templates have to say for themselves, as nobody fills in what is kept in git.
        template["spec"]["securityContext"] = json!({"runAsNonRoot": true});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": SHOP},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
        let apply = ["apply", "--filename", "-"];
        kubectl(&cluster, &apply, &deployment);
        let pods = format!("/api/v1/namespaces/{SHOP}/pods?labelSelector=app%3Dweb");
        eventually(async || cluster.get(&pods).await["items"][0]["status"]["phase"] == "Running").await;
        is_hardened(&cluster.get(&pods).await["items"][0]);
        let found = cluster.get(&path(&deployment)).await;
        let spec = &found["spec"]["template"]["spec"];
        assert_eq!(spec["securityContext"], json!({"runAsNonRoot": true}));
        assert_eq!(spec["containers"][0]["securityContext"], Value::Null);
        let said = kubectl(&cluster, &apply, &deployment);
        assert!(said.contains("deployment.apps/web unchanged"), "{said}");
        gone(&cluster, &path(&deployment)).await;
        eventually(async || cluster.get(&pods).await["items"].as_array().unwrap().is_empty()).await;
    });
}

#[test]
fn kubectl_debug_adds_a_shell_to_a_hardened_pod_but_no_privileges() {
    inside(async |cluster| {
        judged(&cluster).await;
        let pod = silent("debugged", SHOP);
        assert_eq!(cluster.create(&pod, "").await.status, 201);
        let image = "--image=registry.example.com/tools/shell:1.0";
        let debug = |profile: &'static str, shell: &'static str| {
            ["debug", "debugged", "--namespace", SHOP, image, profile, "--container", shell, "--", "sleep", "1"]
        };
        // What kubectl takes unless told may trace other processes.
        for profile in ["--profile=general", "--profile=sysadmin"] {
            let refused = cluster.run("kubectl", &debug(profile, "privileged"), "");
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && said.contains("container \"privileged\""), "{profile}: {said}");
        }
        kubectl(&cluster, &debug("--profile=restricted", "shell"), &Value::Null);
        kubectl(&cluster, &debug("--profile=baseline", "another"), &Value::Null);
        let found = cluster.get(&path(&pod)).await;
        is_hardened(&found);
        let shells = found["spec"]["ephemeralContainers"].as_array().unwrap();
        let names: Vec<&Value> = shells.iter().map(|shell| &shell["name"]).collect();
        assert_eq!(names, ["shell", "another"]);
        gone(&cluster, &path(&pod)).await;
    });
}

#[test]
fn a_mutator_on_trial_tells_what_it_would_do() {
    inside(async |cluster| {
        judged(&cluster).await;
        let mut pod = silent("trial", TRIAL);
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true});
        let answer = cluster.create(&pod, "dryRun=All").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.body["spec"]["securityContext"], json!({"runAsNonRoot": true}));
        let told = "harden_security_context: would set spec.securityContext.runAsUser to 65532";
        assert!(answer.warnings.iter().any(|warning| warning.contains(told)), "{answer:?}");
    });
}

#[test]
fn the_audit_log_names_who_changed_a_pod() {
    inside(async |cluster| {
        judged(&cluster).await;
        let answer = cluster.create(&silent("audited", AUDITED), "dryRun=All").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let log = cluster.home.join("audit.jsonl");
        let event = || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let mut events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            events.rfind(|event| event["objectRef"]["name"] == "audited")
        };
        eventually(async || event().is_some()).await;
        let annotations = event().unwrap()["annotations"].clone();
        assert_eq!(annotations["mutate.portcullis.dev/mutated-by"], "harden_security_context", "{annotations}");
        let revision = &annotations["mutate.portcullis.dev/revision"];
        assert!(revision.is_string() && *revision == annotations["validate.portcullis.dev/revision"], "{annotations}");
    });
}
