//! What users see of the webhook through the API server.

use hyper::Method;
use serde_json::{Value, json};

use super::api::{eventually, path};
use super::place::inside;
use super::release::{self, SHOP, fine, gone, privileged, without_liveness};

#[test]
fn a_pod_that_policy_denies_is_refused_with_the_reason() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let answer = cluster.create(&privileged("refused"), "").await;
        assert!(answer.is_denied(), "{answer:?}");
        let said = answer.message();
        assert!(said.starts_with("admission webhook \"validate.portcullis.dev\" denied the request: "), "{said}");
        assert!(said.contains("pss_privileged") && said.contains("container \"web\""), "{said}");
        assert_eq!(answer.body["reason"], "Forbidden");
        let output = cluster.run("kubectl", &["get", "pods", "--namespace", SHOP, "--output", "name"], "");
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    });
}

#[test]
fn a_pod_that_policy_warns_of_is_created_with_the_warning() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let pod = without_liveness("warned");
        let answer = cluster.create(&pod, "").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.warnings.len(), 1, "{answer:?}");
        assert!(
            answer.warnings[0].starts_with("299 - \"") && answer.warnings[0].contains("livenessProbe"),
            "{answer:?}"
        );
        gone(&cluster, &path(&pod)).await;
        let answer = cluster.create(&fine("quiet"), "dryRun=All").await;
        assert_eq!((answer.status, answer.warnings.len()), (201, 0), "{answer:?}");
    });
}

#[test]
fn a_workload_of_any_kind_is_judged_by_its_template() {
    inside(async |cluster| {
        release::install(&cluster).await;
        for (version, kind, spec) in workloads() {
            for (pod, status) in [(fine("a"), 201), (privileged("a"), 403)] {
                let object = workload(version, kind, &spec, &pod);
                let answer = cluster.create(&object, "dryRun=All").await;
                assert_eq!((answer.status, answer.is_denied()), (status, status == 403), "{kind}: {answer:?}");
                assert_eq!(answer.message().contains("pss_privileged"), status == 403, "{kind}: {answer:?}");
            }
        }
    });
}

/// Each kind with what its spec has beside the template.
fn workloads() -> [(&'static str, &'static str, Value); 7] {
    let selector = json!({"selector": {"matchLabels": {"app": "web"}}});
    [
        ("apps/v1", "Deployment", json!({"replicas": 2, "selector": selector["selector"]})),
        ("apps/v1", "ReplicaSet", selector.clone()),
        ("apps/v1", "StatefulSet", json!({"serviceName": "web", "selector": selector["selector"]})),
        ("apps/v1", "DaemonSet", selector),
        ("v1", "ReplicationController", json!({"selector": {"app": "web"}})),
        ("batch/v1", "Job", json!({})),
        ("batch/v1", "CronJob", json!({"schedule": "0 3 * * *"})),
    ]
}

fn workload(version: &str, kind: &str, spec: &Value, pod: &Value) -> Value {
    let mut template = json!({"metadata": {"labels": {"app": "web"}}, "spec": pod["spec"]});
    let mut spec = spec.clone();
    if version == "batch/v1" {
        template["spec"]["restartPolicy"] = "Never".into();
    }
    if kind == "CronJob" {
        spec["jobTemplate"] = json!({"spec": {"template": template}});
    } else {
        spec["template"] = template;
    }
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "web", "namespace": SHOP}, "spec": spec})
}

#[test]
fn an_ephemeral_container_is_judged_when_it_is_added() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let pod = fine("debugged");
        assert_eq!(cluster.create(&pod, "").await.status, 201);
        let added = |security: Value| {
            let container = json!({"name": "shell", "image": "registry.example.com/tools/shell:1.0",
                "securityContext": security});
            let change = json!({"metadata": {"name": "debugged"}, "spec": {"ephemeralContainers": [container]}});
            let path = format!("{}/ephemeralcontainers", path(&pod));
            let cluster = cluster.clone();
            async move { cluster.merge(&path, &change).await }
        };
        let answer = added(json!({"privileged": true})).await;
        assert!(answer.is_denied() && answer.message().contains("container \"shell\""), "{answer:?}");
        let answer = added(json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        gone(&cluster, &path(&pod)).await;
    });
}

#[test]
fn exec_does_not_reach_the_webhook() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let pod = fine("exec");
        assert_eq!(cluster.create(&pod, "").await.status, 201);
        let status = path(&pod);
        eventually(async || cluster.get(&status).await["status"]["phase"] == "Running").await;
        // The nodes here serve no exec: the API server's attempt to reach them shows that admission is behind it.
        let output = cluster.run("kubectl", &["exec", "--namespace", SHOP, "exec", "--", "true"], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("10.99.0.1:10250") && !said.contains("portcullis"), "{said}");
        gone(&cluster, &path(&pod)).await;
    });
}

#[test]
fn a_namespace_is_deleted_with_all_that_is_in_it() {
    inside(async |cluster| {
        release::install(&cluster).await;
        cluster.namespace("leaving", json!({})).await;
        let mut pod = fine("web");
        pod["metadata"]["namespace"] = "leaving".into();
        pod["metadata"]["finalizers"] = json!(["example.com/hold"]);
        assert_eq!(cluster.create(&pod, "").await.status, 201);
        cluster.delete("/api/v1/namespaces/leaving").await;
        let held = path(&pod);
        eventually(async || !cluster.get(&held).await["metadata"]["deletionTimestamp"].is_null()).await;
        let answer = cluster.merge(&held, &json!({"metadata": {"finalizers": null}})).await;
        assert!(answer.status == 200 || answer.status == 404, "{answer:?}");
        gone(&cluster, "/api/v1/namespaces/leaving").await;
    });
}

#[test]
fn a_dry_run_is_judged_and_changes_nothing() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let pod = fine("dry");
        assert!(cluster.create(&privileged("dry"), "dryRun=All").await.is_denied());
        assert_eq!(cluster.create(&pod, "dryRun=All").await.status, 201);
        assert_eq!(cluster.send(Method::GET, &path(&pod), None).await.status, 404);
    });
}
