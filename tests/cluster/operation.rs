//! What operators do with the release: install, upgrade, drain, rotate, uninstall. Nothing fails meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::eventually;
use super::chart::{
    self, CHART, GUARD, NAME, environments, helm, install, leftovers, settled, try_upgrade, upgrade, webhook,
};
use super::load::Load;
use super::place::inside;
use super::probe::get;
use super::release::{self, SHOP, fine, privileged};

/// Load before and after a change.
const MARGIN: Duration = Duration::from_secs(2);

#[test]
fn a_fresh_install_denies_and_an_uninstall_leaves_nothing() {
    inside(async |cluster| {
        chart::uninstall(&cluster, NAME, GUARD).await;
        install(&cluster, &json!({})).await;
        let webhook = webhook(&cluster).await;
        assert_eq!(webhook["failurePolicy"], "Fail", "the probe has not set it");
        assert!(!webhook["clientConfig"]["caBundle"].as_str().unwrap_or_default().is_empty(), "{webhook}");
        assert!(cluster.create(&privileged("installed"), "dryRun=All").await.is_denied());
        assert_eq!(cluster.create(&fine("installed"), "dryRun=All").await.status, 201);
        // What an alert and a panel ask for, and no server without a cluster has.
        for pod in chart::pods(&cluster).await {
            let metrics = get(&format!("{}:9443", pod["status"]["podIP"].as_str().unwrap()), "/metrics").await.unwrap();
            assert!(
                metrics.contains("\nportcullis_watch_synced_timestamp_seconds{resource=\"namespaces\"} 1"),
                "{metrics}"
            );
        }
        helm(&cluster, &["test", NAME, "--namespace", GUARD, "--timeout", "1m"]);
        chart::uninstall(&cluster, NAME, GUARD).await;
        assert_eq!(leftovers(&cluster).await, [""; 0]);
        assert_eq!(cluster.create(&privileged("free"), "dryRun=All").await.status, 201);
    });
}

#[test]
fn an_upgrade_that_would_refuse_nothing_fails_and_is_taken_back() {
    inside(async |cluster| {
        chart::uninstall(&cluster, NAME, GUARD).await;
        // Where the API server refuses the canary Pod itself, its Deployment proves the webhook.
        let enforced = |level: Value| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
        assert_eq!(cluster.merge("/api/v1/namespaces/default", &enforced(json!("baseline"))).await.status, 200);
        let quick = json!({"probe": {"timeoutSeconds": 30}});
        install(&cluster, &quick).await;
        assert_eq!(webhook(&cluster).await["failurePolicy"], "Fail", "the probe has not set it");

        let warn = json!([{"select": {"policies": ["*"]}, "set": {"enforcement": "warn"}}]);
        let harmless = json!({"probe": {"timeoutSeconds": 30}, "configuration": {"overrides": warn}});
        // Without --wait: the probe does not take the old Pods' word.
        let failed = try_upgrade(&cluster, NAME, GUARD, &harmless, &["--timeout", "2m"]);
        assert!(!failed.status.success(), "{failed:?}");
        let answer = cluster.create(&privileged("slipped"), "dryRun=All").await;
        assert_eq!(answer.status, 201, "{failed:?} {answer:?}");
        helm(&cluster, &["rollback", NAME, "--namespace", GUARD, "--wait", "--timeout", "2m"]);
        settled(&cluster, 2).await;
        assert!(cluster.create(&privileged("refused"), "dryRun=All").await.is_denied());

        let failed = try_upgrade(&cluster, NAME, GUARD, &harmless, &["--atomic", "--timeout", "2m"]);
        assert!(!failed.status.success(), "{failed:?}");
        settled(&cluster, 2).await;
        assert!(cluster.create(&privileged("refused"), "dryRun=All").await.is_denied());
        assert_eq!(webhook(&cluster).await["failurePolicy"], "Fail", "the probe after the rollback has not set it");
        assert_eq!(cluster.merge("/api/v1/namespaces/default", &enforced(Value::Null)).await.status, 200);
    });
}

/// Refuses Pods of the shop that do not say whose they are.
fn strict() -> Value {
    json!({"configuration": {"overrides": [{
        "select": {"policies": ["require_annotations"]},
        "where": {"namespaces": [SHOP]},
        "set": {"enforcement": "deny", "parameters": {"kinds": ["Pod"], "required": {"example.com/team": ""}}},
    }]}})
}

#[test]
fn an_upgrade_with_a_change_of_policy_fails_no_admission() {
    inside(async |cluster| {
        install(&cluster, &json!({})).await;
        let anonymous = fine("load-anonymous");
        let load = Load::start(&cluster, Some(anonymous.clone()));
        sleep(MARGIN).await;
        upgrade(&cluster, NAME, GUARD, &strict());
        settled(&cluster, 2).await;
        sleep(MARGIN).await;
        for _ in 0..20 {
            let answer = cluster.create(&anonymous, "dryRun=All").await;
            assert!(answer.is_denied() && answer.message().contains("require_annotations"), "{answer:?}");
        }
        load.finish("helm upgrade with a change of policy").await.is_clean();
    });
}

#[test]
fn a_node_is_drained_without_a_failed_admission() {
    inside(async |cluster| {
        install(&cluster, &json!({})).await;
        let load = Load::start(&cluster, None);
        sleep(MARGIN).await;
        let nodes = ["node-a", "node-b", "node-c"];
        for node in nodes {
            let output = cluster.run(
                "kubectl",
                &["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s"],
                "",
            );
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let uncordoned = cluster.run("kubectl", &["uncordon", node], "");
            assert!(uncordoned.status.success(), "{}", String::from_utf8_lossy(&uncordoned.stderr));
        }
        settled(&cluster, 2).await;
        sleep(MARGIN).await;
        load.finish("drain of each node").await.is_clean();
    });
}

#[test]
fn certificate_and_authority_rotate_without_a_failed_admission() {
    inside(async |cluster| {
        // A certificate that is there lives as long as it says, whatever the values say now.
        chart::uninstall(&cluster, NAME, GUARD).await;
        // Renewed at two thirds: every 20 and every 40 seconds.
        let lifetimes = json!({"lifetime": "30s", "caLifetime": "60s"});
        install(&cluster, &json!({"certificates": {"selfManaged": lifetimes}})).await;
        let bundle = async || webhook(&cluster).await["clientConfig"]["caBundle"].as_str().unwrap().to_owned();
        let before = bundle().await;
        let load = Load::start(&cluster, None);
        // The old authority is gone when the bundle holds one again, and another.
        eventually(async || {
            let now = bundle().await;
            now != before && now.len() < before.len() * 3 / 2
        })
        .await;
        sleep(MARGIN).await;
        load.finish("rotation of certificate and CA").await.is_clean();
        chart::uninstall(&cluster, NAME, GUARD).await;
    });
}

#[test]
fn two_releases_judge_a_namespace_each() {
    inside(async |cluster| {
        let selector = |value: &str| {
            let matched = json!({"matchLabels": {"policies": value}});
            json!({"webhooks": {"namespaceSelector": matched, "excludedNamespaces": ["kube-system", GUARD, "guard-blue"]},
                "probe": {"namespace": value}})
        };
        for name in ["green", "blue"] {
            cluster.namespace(name, json!({"policies": name})).await;
        }
        install(&cluster, &selector("green")).await;
        cluster.namespace("guard-blue", json!({})).await;
        let mut blue = selector("blue");
        blue["policies"] = json!({"profile": "audit-only"});
        blue["probe"]["enabled"] = false.into();
        upgrade(&cluster, "blue", "guard-blue", &blue);
        for (namespace, denied) in [("green", true), ("blue", false)] {
            let mut pod = privileged("side-by-side");
            pod["metadata"]["namespace"] = namespace.into();
            let answer = cluster.create(&pod, "dryRun=All").await;
            assert_eq!((answer.is_denied(), answer.status == 201), (denied, !denied), "{namespace}: {answer:?}");
        }
        chart::uninstall(&cluster, "blue", "guard-blue").await;
        let mut pod = privileged("still");
        pod["metadata"]["namespace"] = "green".into();
        assert!(cluster.create(&pod, "dryRun=All").await.is_denied(), "the other release went, too");
        chart::uninstall(&cluster, NAME, GUARD).await;
    });
}

#[test]
fn the_api_server_accepts_what_the_chart_renders_for_each_environment() {
    inside(async |cluster| {
        // Nothing judges here but the API server itself.
        release::remove(&cluster).await;
        chart::uninstall(&cluster, NAME, GUARD).await;
        cluster.namespace("rendered", json!({})).await;
        // A Pod needs its account, which a dry run does not make; a Pod of the chart's is its test.
        let account = json!({"name": format!("{NAME}-hooks"), "namespace": "rendered"});
        cluster.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})).await;
        assert!(environments().len() >= 4, "{:?}", environments());
        for environment in environments() {
            let directory = format!("{CHART}/environments/{environment}");
            let [values, tag] = ["values", "tag"].map(|name| format!("{directory}/{name}.yaml"));
            let base = format!("{CHART}/values-base.yaml");
            let rendered = helm(
                &cluster,
                &[
                    "template",
                    "--kube-version",
                    "1.36.3",
                    NAME,
                    CHART,
                    "--namespace",
                    "rendered",
                    "--values",
                    &base,
                    "--values",
                    &values,
                    "--values",
                    &tag,
                ],
            );
            let foreign = |document: &&str| document.contains("\napiVersion: monitoring.coreos.com/");
            let ours: Vec<&str> = rendered.split("\n---\n").filter(|document| !foreign(document)).collect();
            assert!(ours.len() > 8, "{environment}: only {} objects", ours.len());
            let arguments = ["apply", "--server-side", "--dry-run=server", "--filename", "-"];
            let output = cluster.run("kubectl", &arguments, &ours.join("\n---\n"));
            assert!(output.status.success(), "{environment}: {}", String::from_utf8_lossy(&output.stderr));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!said.contains("Warning"), "{environment}: {said}");
        }
    });
}
