//! What the release tells of itself to others in the cluster.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::api::eventually;
use super::chart::install;
use super::control_plane::ADDRESS;
use super::place::inside;
use super::release::privileged;

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
