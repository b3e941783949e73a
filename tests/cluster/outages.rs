//! What the webhook does when the cluster around it fails, and the cluster when the webhook does.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::time::sleep;

use super::api::eventually;
use super::load::Load;
use super::place::inside;
use super::process::{pid, signal};
use super::release::{self, deployment_path, fine, privileged, rolled_out, scale};

#[test]
fn verdicts_go_on_after_the_api_server_is_restarted() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let before = pid(&cluster.home, "kube-apiserver");
        // At a SIGTERM it would wait a minute for the watches of others to end.
        signal(before, Signal::KILL);
        eventually(async || pid(&cluster.home, "kube-apiserver") != before && cluster.is_ready().await).await;
        eventually(async || cluster.create(&fine("again"), "dryRun=All").await.status == 201).await;
        let load = Load::start(&cluster, None);
        sleep(Duration::from_secs(3)).await;
        load.finish("after a restart of the API server").await.is_clean();
    });
}

#[test]
fn verdicts_go_on_after_etcd_stood_still_for_ten_seconds() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let etcd = pid(&cluster.home, "etcd");
        let before = release::pods(&cluster).await;
        signal(etcd, Signal::STOP);
        sleep(Duration::from_secs(10)).await;
        signal(etcd, Signal::CONT);
        eventually(async || cluster.is_ready().await).await;
        rolled_out(&cluster, 2).await;
        assert_eq!(release::pods(&cluster).await, before, "no replica was lost to it");
        let load = Load::start(&cluster, None);
        sleep(Duration::from_secs(3)).await;
        load.finish("after etcd stood still").await.is_clean();
    });
}

#[test]
fn the_release_comes_back_when_none_of_its_replicas_runs() {
    inside(async |cluster| {
        release::install(&cluster).await;
        scale(&cluster, 0).await;
        rolled_out(&cluster, 0).await;
        let closed = async |pod| {
            let answer = cluster.create(&pod, "dryRun=All").await;
            answer.status == 500 && answer.message().contains("failed calling webhook")
        };
        eventually(async || closed(fine("nobody")).await && closed(privileged("nobody")).await).await;
        // Its own Pods are created all the same, and changed ones are.
        let annotations = json!({"example.com/change": "1"});
        let template = json!({"spec": {"replicas": 2, "template": {"metadata": {"annotations": annotations}}}});
        assert_eq!(cluster.merge(&deployment_path(), &template).await.status, 200);
        rolled_out(&cluster, 2).await;
        eventually(async || cluster.create(&fine("back"), "dryRun=All").await.status == 201).await;
        assert!(cluster.create(&privileged("back"), "dryRun=All").await.is_denied());
    });
}
