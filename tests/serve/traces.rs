//! Traces arrive at a collector: one of the test's own, which reads them by OpenTelemetry's published types.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use data_encoding::HEXLOWER;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::client::{Client, request};
use crate::process::Process;
use crate::review::named;
use crate::wait::{eventually, within};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Receives what is exported, and answers with a status.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    async fn start(status: StatusCode) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let receive = move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            kept.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
            status
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/traces", post(receive));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, received }
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }

    fn services(&self) -> Vec<HashMap<String, String>> {
        let received = self.received.lock().unwrap();
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        resources.map(|spans| texts(&spans.resource.as_ref().unwrap().attributes)).collect()
    }
}

fn texts(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> HashMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(is_true) => is_true.to_string(),
        other => format!("{other:?}"),
    };
    let pair = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        (pair.key.clone(), text(pair.value.as_ref().unwrap().value.as_ref().unwrap()))
    };
    attributes.iter().map(pair).collect()
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

async fn server(collector: &Collector, more: &[&str]) -> Process {
    let endpoint = format!("http://{}", collector.address);
    let mut arguments = vec!["--otlp-endpoint", &endpoint, "--trace-policies-above", "0", "--drain-delay", "0"];
    arguments.extend(more);
    Process::start(&arguments).await
}

async fn ask(server: &Process, path: &str, uid: &str, traceparent: Option<&str>) {
    let header = traceparent.map(|value| format!("traceparent: {value}\r\n")).unwrap_or_default();
    let mut client = Client::connect(server).await;
    client.send(request(path, &header, named(uid))).await;
    assert_eq!(client.answer().await.status, 200);
}

/// Ends the server, which sends the spans that wait; the exit code.
async fn stop(server: &mut Process) -> Option<i32> {
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut code = None;
    eventually(|| {
        code = server.child.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    })
    .await;
    code.flatten()
}

#[tokio::test]
async fn a_review_is_a_span_of_its_callers_trace() {
    let collector = Collector::start(StatusCode::OK).await;
    let mut server = server(&collector, &[]).await;
    ask(&server, "/validate", "traced", Some(&format!("00-{TRACE}-{PARENT}-01"))).await;
    assert_eq!(stop(&mut server).await, Some(0));
    let spans = collector.spans();
    let review = spans.iter().find(|span| span.name == "review validate").unwrap();
    assert_eq!((hex(&review.trace_id), hex(&review.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    let said = texts(&review.attributes);
    assert_eq!((said["portcullis.uid"].as_str(), said["portcullis.outcome"].as_str()), ("traced", "deny"));
    assert_eq!(said["portcullis.kind"], "v1/Pod");
    let decide = spans.iter().find(|span| span.name == "decide").unwrap();
    assert_eq!(decide.parent_span_id, review.span_id);
    assert!(review.start_time_unix_nano <= decide.start_time_unix_nano);
    assert!(decide.end_time_unix_nano <= review.end_time_unix_nano);
    let policies: Vec<_> = spans.iter().filter(|span| span.name == "policy").collect();
    assert!(policies.iter().all(|span| span.parent_span_id == decide.span_id));
    assert_eq!(policies.len().to_string(), texts(&decide.attributes)["portcullis.policies"]);
    let resources = policies.iter().find(|span| texts(&span.attributes)["portcullis.policy"] == "require_resources");
    assert_eq!(texts(&resources.unwrap().attributes)["portcullis.finding"], "violation");
    assert_eq!(collector.services()[0]["service.name"], "portcullis");
}

#[tokio::test]
async fn the_caller_decides_what_is_recorded_and_the_share_where_there_is_none() {
    let collector = Collector::start(StatusCode::OK).await;
    let mut none = server(&collector, &["--trace-ratio", "0"]).await;
    ask(&none, "/validate", "unsampled", Some(&format!("00-{TRACE}-{PARENT}-00"))).await;
    ask(&none, "/validate", "alone", None).await;
    assert_eq!(stop(&mut none).await, Some(0));
    assert_eq!(collector.spans(), []);
    let mut all = server(&collector, &["--trace-ratio", "1"]).await;
    ask(&all, "/mutate", "alone", None).await;
    ask(&all, "/validate", "unsampled", Some(&format!("00-{TRACE}-{PARENT}-00"))).await;
    assert_eq!(stop(&mut all).await, Some(0));
    let names: Vec<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(names.contains(&"review mutate".to_owned()) && !names.contains(&"review validate".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_collector_that_is_away_or_fails_costs_no_answer() {
    let failing = Collector::start(StatusCode::INTERNAL_SERVER_ERROR).await;
    let mut server = server(&failing, &["--trace-ratio", "1"]).await;
    for number in 0..20 {
        ask(&server, "/validate", &format!("u-{number}"), None).await;
    }
    assert_eq!(stop(&mut server).await, Some(0));
    assert!(!failing.spans().is_empty());
    // A port that was free a moment ago: nobody listens there.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let arguments = ["--otlp-endpoint", &endpoint, "--trace-ratio", "1", "--drain-delay", "0"];
    let mut alone = Process::start(&arguments).await;
    ask(&alone, "/validate", "u", None).await;
    assert_eq!(within(stop(&mut alone)).await, Some(0));
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_sent() {
    let collector = Collector::start(StatusCode::OK).await;
    let mut server = Process::start(&["--trace-ratio", "1", "--drain-delay", "0"]).await;
    ask(&server, "/validate", "u", Some(&format!("00-{TRACE}-{PARENT}-01"))).await;
    assert_eq!(stop(&mut server).await, Some(0));
    assert_eq!(collector.spans(), []);
}
