//! What the webhook port says to well-behaved and to odd requests.

use super::harness::{review, start};
use crate::client::{Client, request};

#[tokio::test(flavor = "multi_thread")]
async fn answers_each_webhook_with_the_uid() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    for (path, webhook) in [("/validate", "Validate"), ("/mutate", "Mutate")] {
        let answer = client.post(path, review("u-1", "", 0)).await;
        assert_eq!((answer.status, answer.uid().as_str()), (200, "u-1"));
        assert_eq!(answer.json()["webhook"], webhook);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hands_over_the_time_that_is_left() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    for (timeout, most) in [("30s", 9_900), ("1m0s", 9_900), ("-1s", 9_900), ("5s", 3_900), ("500ms", 250)] {
        let answer = client.post(&format!("/validate?timeout={timeout}"), review("u", "", 0)).await;
        let budget = answer.json()["budget_ms"].as_u64().unwrap();
        assert!(budget <= most && budget > most / 2, "{timeout}: {budget}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_other_methods_and_paths() {
    let server = start(|_| {}).await;
    for (line, status) in [
        ("GET /validate", 405),
        ("PUT /mutate", 405),
        ("DELETE /validate", 405),
        ("OPTIONS /validate", 405),
        ("POST /", 404),
        ("GET /", 404),
        ("POST /validate/", 404),
        ("POST //validate", 404),
        ("POST /metrics", 404),
        ("GET /healthz", 404),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_json_only_and_uncompressed() {
    let server = start(|_| {}).await;
    let body = String::from_utf8(review("u", "", 0)).unwrap();
    for (headers, status) in [
        ("Content-Type: application/json\r\n", 200),
        ("Content-Type: APPLICATION/json;charset=UTF-8\r\n", 200),
        ("Content-Type: application/json\r\nContent-Encoding: identity\r\n", 200),
        ("", 415),
        ("Content-Type: application/yaml\r\n", 415),
        ("Content-Type: application/vnd.kubernetes.protobuf\r\n", 415),
        ("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 415),
    ] {
        let mut client = Client::connect(&server).await;
        let head = format!("POST /validate HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        client.send(head + &body).await;
        assert_eq!(client.answer().await.status, status, "{headers}");
        // What was refused was read, so that the connection can go on.
        assert_eq!(client.post("/validate", &body).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_empty_and_malformed_bodies() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.post("/validate", "").await.status, 400);
    assert_eq!(client.post("/validate", "}").await.status, 400);
    assert_eq!(client.post("/validate", review("u", "", 0)).await.status, 200);
    let metrics = server.metrics();
    assert!(metrics.contains(r#"portcullis_requests_rejected_total{reason="empty"} 1"#));
    assert!(metrics.contains(r#"portcullis_requests_rejected_total{reason="malformed"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_chunked_bodies() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let head =
        "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head).await;
    for chunk in review("u-1", "", 0).chunks(7) {
        client.send([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()).await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.answer().await.uid(), "u-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_pipelined_requests_in_order() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let uids: Vec<_> = (0..20).map(|number| format!("u-{number}")).collect();
    client.send(uids.iter().flat_map(|uid| request("/validate", "", review(uid, "", 0))).collect::<Vec<_>>()).await;
    for uid in uids {
        assert_eq!(client.answer().await.uid(), uid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn says_continue_to_who_waits_for_it() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let body = review("u-1", "", 0);
    let whole = request("/validate", "Expect: 100-continue\r\n", &body);
    client.send(&whole[..whole.len() - body.len()]).await;
    assert_eq!(client.answer().await.status, 100);
    client.send(body).await;
    assert_eq!(client.answer().await.uid(), "u-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_any_host() {
    let server = start(|_| {}).await;
    for host in ["portcullis.portcullis.svc:443", "127.0.0.1", "[::1]:1", "x", ""] {
        let mut client = Client::connect(&server).await;
        let body = review("u", "", 0);
        let whole = String::from_utf8(request("/validate", "", body)).unwrap();
        client.send(whole.replace("Host: x", &format!("Host: {host}"))).await;
        assert_eq!(client.answer().await.status, 200, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_request() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    for size in [0, 100_000] {
        let answer = client.post("/validate", review("u", "panic", size)).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("secret"));
        assert_eq!(client.post("/validate", review("u-2", "", size)).await.uid(), "u-2");
    }
    assert!(server.metrics().contains("portcullis_panics_total 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_each_decision_on_one_line_with_its_trace() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    client.send(request("/validate", trace, review("u-1", "", 0))).await;
    client.answer().await;
    client.send(request("/validate", "traceparent: forged\r\n", review("u-2", "", 0))).await;
    client.answer().await;
    let lines = server.log.about("decision");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["uid"], "u-1");
    assert_eq!(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(lines[0]["user"], "jane\n{\"event\":\"forged\"}");
    assert!(lines[1].get("trace_id").is_none());
    assert!(server.log.about("forged").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_head_without_end() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.send("POST /validate HTTP/1.1\r\nHost: x\r\nX: ").await;
    client.send(vec![b'x'; 70_000]).await;
    assert_eq!(client.answer().await.status, 431);
    client.closed().await;
}
