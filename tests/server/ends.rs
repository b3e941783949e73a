//! How the server ends.

use std::process::Command;
use std::time::Duration;

use portcullis::server::drain::{Lifecycle, Phase};

use super::harness::{review, start};
use super::transport::{connect_h2, post_h2};
use crate::client::{Client, request};
use crate::wait::{eventually, within};

/// Longer than a test, so that nothing ends by itself.
const NEVER: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn is_unready_at_once_and_goes_on_serving() {
    let server = start(|config| config.drain_delay = NEVER).await;
    server.parts.readiness.policies_ready("abc");
    let mut kubelet = Client::operations(&server).await;
    eventually(|| server.parts.readiness.report().ready).await;
    assert_eq!(kubelet.get("/readyz").await.status, 200);
    let mut open = Client::connect(&server).await;
    assert_eq!(open.post("/validate", review("u", "", 0)).await.header("connection"), None);

    server.parts.lifecycle.stop();
    let mut kubelet = Client::operations(&server).await;
    assert_eq!(kubelet.get("/readyz").await.status, 503);
    assert_eq!(Client::operations(&server).await.get("/healthz").await.status, 200);
    let mut new = Client::connect(&server).await;
    for client in [&mut open, &mut new] {
        let answer = client.post("/validate", review("u-1", "", 0)).await;
        assert_eq!((answer.uid().as_str(), answer.header("connection")), ("u-1", Some("close")));
        client.closed().await;
    }
    assert_eq!(server.log.about("draining").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn finishes_what_is_in_flight_then_ends() {
    let server = start(|config| {
        config.drain_delay = Duration::ZERO;
        config.drain_grace = NEVER;
    })
    .await;
    let mut idle = Client::connect(&server).await;
    assert_eq!(idle.post("/validate", review("u", "", 0)).await.status, 200);
    let mut busy = Client::connect(&server).await;
    busy.send(request("/validate", "", review("u-1", "wait", 40_000))).await;
    eventually(|| server.gate.arrived() == 1).await;

    server.parts.lifecycle.stop();
    idle.closed().await;
    eventually(|| std::net::TcpStream::connect(server.webhook).is_err()).await;
    server.gate.open();
    let answer = busy.answer().await;
    assert_eq!((answer.uid().as_str(), answer.header("connection")), ("u-1", Some("close")));
    let (log, operations) = (server.log.clone(), server.operations);
    assert!(server.ended().await.finished);
    assert_eq!(log.about("stopped")[0]["finished"], true);
    assert!(std::net::TcpStream::connect(operations).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_is_bounded() {
    let server = start(|config| {
        config.drain_delay = Duration::ZERO;
        config.drain_grace = Duration::from_millis(100);
    })
    .await;
    let mut busy = Client::connect(&server).await;
    busy.send(request("/validate", "", review("u-1", "wait", 40_000))).await;
    eventually(|| server.gate.arrived() == 1).await;
    server.parts.lifecycle.stop();
    let gate = server.gate.clone();
    assert!(!server.ended().await.finished);
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_twice_it_ends_at_once() {
    let server = start(|config| {
        config.drain_delay = NEVER;
        config.drain_grace = NEVER;
    })
    .await;
    let mut busy = Client::connect(&server).await;
    busy.send(request("/validate", "", review("u-1", "wait", 40_000))).await;
    eventually(|| server.gate.arrived() == 1).await;
    server.parts.lifecycle.stop();
    server.parts.lifecycle.stop();
    let gate = server.gate.clone();
    assert!(!server.ended().await.finished);
    busy.closed().await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_told_to_go_away_and_loses_nothing() {
    let server = start(|config| {
        config.drain_delay = NEVER;
    })
    .await;
    let (sender, connection) = connect_h2(&server).await;
    let asked = tokio::spawn(post_h2(sender, review("u-1", "wait", 40_000)));
    eventually(|| server.gate.arrived() == 1).await;
    server.parts.lifecycle.stop();
    // A new connection is still welcome.
    let (late, _late_connection) = connect_h2(&server).await;
    assert_eq!(post_h2(late, review("u-2", "", 0)).await.0, 200);
    server.gate.open();
    let (status, body) = within(asked).await.unwrap();
    assert!(status == 200 && body.contains("u-1"));
    within(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_asks_it_to_stop() {
    let lifecycle = Lifecycle::default();
    lifecycle.stop_on_signals().unwrap();
    let signal = |name: &str| {
        let sent = Command::new("kill").arg(name).arg(std::process::id().to_string()).status().unwrap();
        assert!(sent.success());
    };
    signal("-TERM");
    within(lifecycle.reached(Phase::Draining)).await;
    signal("-INT");
    within(lifecycle.reached(Phase::Hurrying)).await;
}
