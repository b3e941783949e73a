//! What a node says of a Pod.

use hyper::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::Patch, api::PatchParams};
use serde_json::{Value, json};
use tokio::time::{Duration, timeout};

use super::api::Cluster;
use super::node::now;

/// Where the container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not started, and why.
    Waiting(String),
    Running,
    /// It ended with this code.
    Ended(i32),
}

/// What is told of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) state: State,
    pub(super) ready: bool,
    pub(super) restarts: u32,
    /// Whether the Pod is over, which only Pods of Jobs ever are.
    pub(super) over: bool,
}

/// How long one report may take; the next one says the same.
const REPORT: Duration = Duration::from_secs(2);

/// Tells the API server; whether it took it.
pub(super) async fn report(cluster: &Cluster, pod: &Pod, address: &str, status: &Status) -> bool {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &pod.namespace().unwrap_or_default());
    let body = Patch::Strategic(json!({"metadata": {"uid": pod.uid()}, "status": body(pod, address, status)}));
    let name = pod.name_any();
    let parameters = PatchParams::default();
    let patch = pods.patch_status(&name, &parameters, &body);
    match timeout(REPORT, patch).await {
        Ok(Err(kube::Error::Api(refusal))) => {
            // Gone, or another of the same name: nobody left to tell of.
            refusal.code == 404 || refusal.code == 409
        }
        Ok(answer) => answer.is_ok(),
        Err(_) => false,
    }
}

/// Takes a Pod that has ended out of the API; whether it is out.
pub(super) async fn remove(cluster: &Cluster, pod: &Pod) -> bool {
    let path = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
        "preconditions": {"uid": pod.uid()}});
    let answer = timeout(REPORT, cluster.try_send(Method::DELETE, &path, Some(&options))).await;
    matches!(answer, Ok(Ok(answer)) if answer.status < 300 || answer.status == 404 || answer.status == 409)
}

fn body(pod: &Pod, address: &str, status: &Status) -> Value {
    let now = now();
    let condition = |name: &str, holds: bool| json!({"type": name, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now});
    let state = match &status.state {
        State::Waiting(why) => json!({"waiting": {"reason": "ContainerCreating", "message": why}}),
        State::Running => json!({"running": {"startedAt": now}}),
        State::Ended(code) => {
            json!({"terminated": {"exitCode": code, "reason": if *code == 0 { "Completed" } else { "Error" },
            "startedAt": now, "finishedAt": now}})
        }
    };
    let phase = match &status.state {
        State::Waiting(_) => "Pending",
        State::Ended(0) if status.over => "Succeeded",
        State::Ended(_) if status.over => "Failed",
        State::Running | State::Ended(_) => "Running",
    };
    let containers = pod.spec.as_ref().unwrap().containers.iter().map(|container| {
        json!({"name": container.name, "image": container.image, "imageID": container.image, "ready": status.ready,
            "started": status.state == State::Running, "restartCount": status.restarts, "state": state})
    });
    json!({
        "phase": phase, "podIP": address, "podIPs": [{"ip": address}],
        "hostIP": super::control_plane::ADDRESS, "hostIPs": [{"ip": super::control_plane::ADDRESS}],
        "startTime": pod.creation_timestamp(),
        "conditions": [
            condition("PodReadyToStartContainers", true), condition("Initialized", true),
            condition("ContainersReady", status.ready), condition("Ready", status.ready),
        ],
        "containerStatuses": containers.collect::<Vec<_>>(),
    })
}
