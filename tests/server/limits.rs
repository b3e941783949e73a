//! Bodies too large or too slow, and more requests than there is room for.

use super::harness::{review, start};
use crate::client::{Client, request};
use crate::wait::eventually;

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn decides_a_body_of_just_the_limit_and_refuses_one_byte_more() {
    let server = start(|config| config.body_limit = MIB).await;
    let mut client = Client::connect(&server).await;
    let answer = client.post("/validate", review("u-1", "", MIB)).await;
    assert_eq!((answer.uid().as_str(), answer.json().get("limit")), ("u-1", None));
    let answer = client.post("/validate", review("u-2", "", MIB + 1)).await;
    assert_eq!((answer.uid().as_str(), answer.json()["limit"].as_u64()), ("u-2", Some(1024 * 1024)));
    assert_eq!(answer.json()["prefix"], 64 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_thirty_two_mebibytes_with_their_uid_and_goes_on() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let answer = client.post("/validate", review("u-1", "", 32 * MIB)).await;
    assert_eq!((answer.status, answer.uid().as_str()), (200, "u-1"));
    assert_eq!(client.post("/validate", review("u-2", "", 0)).await.uid(), "u-2");
    assert!(server.metrics().contains(r#"portcullis_requests_rejected_total{reason="oversize"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_an_oversize_body_that_did_not_say_so() {
    let server = start(|config| config.body_limit = MIB).await;
    let mut client = Client::connect(&server).await;
    let head =
        "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head).await;
    for chunk in review("u-1", "", 2 * MIB).chunks(100_000) {
        client.send([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()).await;
    }
    client.send("0\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.uid().as_str()), (200, "u-1"));
    assert!(answer.json()["limit"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_an_oversize_body_without_uid_by_its_status() {
    let server = start(|config| config.body_limit = 1000).await;
    let mut client = Client::connect(&server).await;
    let answer = client.post("/validate", [b'x'; 2000]).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_up_on_a_slow_body_within_the_time_it_has() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    let whole = request("/validate?timeout=1s", "", review("u", "", 1000));
    client.send(&whole[..whole.len() - 500]).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    client.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_slow_oversize_body_with_its_uid_all_the_same() {
    let server = start(|config| config.body_limit = 100_000).await;
    let mut client = Client::connect(&server).await;
    let whole = request("/validate?timeout=1s", "", review("u-1", "", 300_000));
    client.send(&whole[..200_000]).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.uid().as_str()), (200, "u-1"));
}

#[track_caller]
fn is_shed(answer: &crate::client::Answer) {
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sheds_bodies_beyond_the_memory_for_them() {
    let server = start(|config| config.body_memory = 64 * 1024).await;
    let mut client = Client::connect(&server).await;
    is_shed(&client.post("/validate", review("u", "", 300_000)).await);
    client.closed().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.post("/validate", review("u", "", 60_000)).await.status, 200);
    // What was shed is given back, again and again.
    assert_eq!(client.post("/validate", review("u", "", 60_000)).await.status, 200);
    assert!(server.metrics().contains("portcullis_requests_shed_total 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sheds_requests_beyond_the_bound_and_takes_them_later() {
    let server = start(|config| config.requests = 1).await;
    let mut first = Client::connect(&server).await;
    // Above the size that is decided on the worker itself, so that the others keep going.
    first.send(request("/validate", "", review("u-1", "wait", 40_000))).await;
    eventually(|| server.gate.arrived() == 1).await;
    assert!(server.metrics().contains("portcullis_requests_in_flight 1"));
    let mut second = Client::connect(&server).await;
    is_shed(&second.post("/validate", review("u-2", "", 0)).await);
    server.gate.open();
    assert_eq!(first.answer().await.uid(), "u-1");
    let mut third = Client::connect(&server).await;
    assert_eq!(third.post("/validate", review("u-3", "", 0)).await.uid(), "u-3");
    assert_eq!(server.log.about("shed").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_waited_too_long_for_a_processor_is_told_so_by_the_decision() {
    let server = start(|config| config.processors = 1).await;
    let mut first = Client::connect(&server).await;
    first.send(request("/validate", "", review("u-1", "wait", 40_000))).await;
    eventually(|| server.gate.arrived() == 1).await;
    let mut second = Client::connect(&server).await;
    let answer = second.post("/validate?timeout=1s", review("u-2", "", 40_000)).await;
    assert_eq!((answer.uid().as_str(), answer.json()["budget_ms"].as_u64()), ("u-2", Some(0)));
    // Small ones pass by.
    assert_eq!(second.post("/validate", review("u-3", "", 0)).await.uid(), "u-3");
    server.gate.open();
    assert_eq!(first.answer().await.uid(), "u-1");
}
