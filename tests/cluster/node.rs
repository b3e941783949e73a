//! Three nodes, in place of kubelets: they are registered, keep their leases, and run what is bound to them.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use hyper::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::api::Cluster;
use super::control_plane::ADDRESS;
use super::pod;

const NODES: [&str; 3] = ["node-a", "node-b", "node-c"];

/// A quarter of what the controllers wait for before they call a node lost.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Registers the nodes and waits until Pods may be bound to them.
pub(super) async fn register(cluster: &Cluster) {
    for name in NODES {
        let labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": format!("zone-of-{name}")});
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
        // The API server's own objects may still be on their way.
        while cluster.create(&node, "").await.status >= 300 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    heartbeat(cluster).await;
    let tainted = async || {
        let nodes = cluster.get("/api/v1/nodes").await;
        nodes["items"].as_array().unwrap().iter().any(|node| !node["spec"]["taints"].is_null())
    };
    while tainted().await {
        sleep(Duration::from_millis(50)).await;
    }
}

fn status() -> Value {
    let now = now();
    let condition = |name: &str, status: &str| {
        json!({"type": name, "status": status, "reason": "Tests", "message": "played by the tests",
            "lastHeartbeatTime": now, "lastTransitionTime": now})
    };
    let resources = json!({"cpu": "8", "memory": "32Gi", "pods": "250", "ephemeral-storage": "100Gi"});
    json!({
        "capacity": resources, "allocatable": resources,
        "addresses": [{"type": "InternalIP", "address": ADDRESS}],
        "conditions": [
            condition("Ready", "True"), condition("MemoryPressure", "False"),
            condition("DiskPressure", "False"), condition("PIDPressure", "False"),
        ],
    })
}

/// Now, as the API writes it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Says that the nodes are alive and ready, which the controllers may have come to doubt while the API server was away.
async fn heartbeat(cluster: &Cluster) {
    let renewed = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    for name in NODES {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": renewed}});
        let path = format!("{}?fieldManager=node&force=true", super::api::path(&lease));
        // The next one comes soon.
        let _ = cluster.try_send(Method::PATCH, &path, Some(&lease)).await;
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status()});
        let path = format!("/api/v1/nodes/{name}/status?fieldManager=node&force=true");
        let _ = cluster.try_send(Method::PATCH, &path, Some(&node)).await;
    }
}

/// Runs the Pods bound to the nodes, as long as the program does.
pub(super) async fn run(cluster: Cluster) {
    let beating = cluster.clone();
    tokio::spawn(async move {
        loop {
            heartbeat(&beating).await;
            sleep(HEARTBEAT).await;
        }
    });
    let pods: Api<Pod> = Api::all(cluster.client.clone());
    let bound = watcher::Config::default().fields("spec.nodeName!=");
    let mut events = pin!(watcher(pods, bound).default_backoff());
    let mut running: HashMap<String, watch::Sender<Pod>> = HashMap::new();
    // Those that a new list of all has shown so far.
    let mut listed = HashSet::new();
    let mut addresses = 0_u16;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                let uid = pod.uid().unwrap_or_default();
                listed.insert(uid.clone());
                if let Some(newest) = running.get(&uid) {
                    newest.send_replace(pod);
                } else {
                    addresses += 1;
                    let address = format!("10.99.{}.{}", 1 + addresses / 250, 1 + addresses % 250);
                    let (newest, pod) = watch::channel(pod);
                    running.insert(uid, newest);
                    tokio::spawn(pod::run(cluster.clone(), pod, address));
                }
            }
            Ok(watcher::Event::Delete(pod)) => drop(running.remove(&pod.uid().unwrap_or_default())),
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitDone) => running.retain(|uid, _| listed.contains(uid)),
            Err(error) => eprintln!("the watch of Pods: {error}"),
        }
    }
}
