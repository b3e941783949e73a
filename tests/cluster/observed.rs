//! What the release tells of itself to others in the cluster.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::api::{Cluster, eventually, path};
use super::chart::{GUARD, NAME, install, pods, settled, upgrade};
use super::control_plane::ADDRESS;
use super::place::inside;
use super::probe::get;
use super::release::{SHOP, fine, gone, privileged};

#[test]
fn traces_arrive_at_the_collector_that_the_values_name() {
    inside(async |cluster| {
        let names = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&names);
        let receive = move |body: Bytes| async move {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            kept.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans).map(|span| span.name));
        };
        let listener = TcpListener::bind((ADDRESS, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", post(receive))).await });

        install(&cluster, &json!({"traces": {"endpoint": endpoint, "ratio": 1, "policiesAboveMicroseconds": 0}})).await;
        assert!(cluster.create(&privileged("traced"), "dryRun=All").await.is_denied());
        let has = |wanted: &str| names.lock().unwrap().iter().any(|name| name == wanted);
        eventually(async || has("review validate") && has("decide") && has("policy")).await;
    });
}

/// Refuses Pods by their label, but not the templates that they are made of.
const UNWANTED: &str = r#"# METADATA
# title: Pods may not be unwanted
# custom: {severity: high, enforcement: deny, match: {kinds: [Pod]}}
package policies.unwanted

deny contains "nobody wants it" if {
	input.workload == null
	input.pod.metadata.labels.wanted == "no"
}
"#;

/// What Events say of refusals in the shop, and about whom.
async fn told(cluster: &Cluster) -> Vec<Value> {
    let events = cluster.get(&format!("/apis/events.k8s.io/v1/namespaces/{SHOP}/events")).await;
    let items = events["items"].as_array().unwrap().iter();
    items.filter(|event| event["reason"] == "PolicyDenied").cloned().collect()
}

#[test]
fn owners_of_refused_pods_are_told_by_events() {
    inside(async |cluster| {
        install(&cluster, &json!({})).await;
        // Its own role is among what changes, while it judges roles.
        let further = json!({"events": {"enabled": true}, "policies": {"files": {"unwanted.rego": UNWANTED}}});
        upgrade(&cluster, NAME, GUARD, &further);
        settled(&cluster, 2).await;
        let spec = fine("web")["spec"].clone();
        let labels = json!({"wanted": "no", "app": "web"});
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "unwanted", "namespace": SHOP},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": labels}, "spec": spec}}});
        assert_eq!(cluster.create(&privileged("dry"), "dryRun=All").await.status, 403);
        let created = cluster.create(&set, "").await;
        assert_eq!(created.status, 201, "{created:?}");
        eventually(async || !told(&cluster).await.is_empty()).await;

        let events = told(&cluster).await;
        for event in &events {
            let regarding = &event["regarding"];
            assert_eq!((&regarding["kind"], &regarding["name"]), (&json!("ReplicaSet"), &json!("unwanted")), "{event}");
            assert_eq!(regarding["uid"], created.body["metadata"]["uid"], "{event}");
            assert_eq!(event["type"], "Warning", "{event}");
            assert!(event["note"].as_str().unwrap().contains("unwanted: nobody wants it"), "{event}");
        }
        let mut written = 0;
        for pod in pods(&cluster).await {
            let metrics = get(&format!("{}:9443", pod["status"]["podIP"].as_str().unwrap()), "/metrics").await.unwrap();
            let series = "portcullis_denial_events_total{result=\"written\"} ";
            let count = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
            written += count.parse::<usize>().unwrap();
        }
        assert_eq!(written, told(&cluster).await.len(), "what the metric counts");
        let described = cluster.run("kubectl", &["describe", "replicaset", "unwanted", "--namespace", SHOP], "");
        let described = String::from_utf8(described.stdout).unwrap();
        assert!(described.contains("PolicyDenied") && described.contains("nobody wants it"), "{described}");
        gone(&cluster, &path(&set)).await;
    });
}
