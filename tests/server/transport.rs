//! TLS, protocols, and peers that connect and do nothing.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis::server::tls::MinimumVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::harness::{Server, review, start};
use crate::client::{Client, Hello, request, shake};
use crate::wait::{eventually, within};

#[tokio::test(flavor = "multi_thread")]
async fn agrees_on_http_1_with_who_offers_it_or_nothing() {
    let server = start(|_| {}).await;
    for (alpn, agreed) in [(&["http/1.1"][..], Some(&b"http/1.1"[..])), (&[], None)] {
        let stream = shake(server.webhook, Hello { alpn, ..Hello::default() }).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
        let answer = Client::with(stream).post("/validate", review("u-1", "", 0)).await;
        assert_eq!(answer.uid(), "u-1");
    }
}

type Sender = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

/// An HTTP/2 connection; the task ends with it.
pub(super) async fn connect_h2(server: &Server) -> (Sender, tokio::task::JoinHandle<()>) {
    let stream = shake(server.webhook, Hello { alpn: &["h2"], ..Hello::default() }).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(async move { _ = connection.await }))
}

pub(super) async fn post_h2(mut sender: Sender, body: Vec<u8>) -> (u16, String) {
    let request = Request::post("https://localhost/validate")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_many_streams_of_one_http_2_connection() {
    let server = start(|_| {}).await;
    let (sender, _connection) = connect_h2(&server).await;
    let mut streams = JoinSet::new();
    for number in 0..50 {
        let sender = sender.clone();
        streams.spawn(async move {
            let (status, body) = post_h2(sender, review(&format!("u-{number}"), "", 100_000)).await;
            assert_eq!(status, 200);
            assert!(body.contains(&format!("\"u-{number}\"")), "{body}");
        });
    }
    while let Some(done) = streams.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_who_offers_only_unknown_protocols() {
    let server = start(|_| {}).await;
    assert!(within(shake(server.webhook, Hello { alpn: &["spdy/3"], ..Hello::default() })).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_any_server_name_and_none() {
    let server = start(|_| {}).await;
    for name in ["portcullis.portcullis.svc", "example.org", "127.0.0.1", "::1"] {
        let stream = within(shake(server.webhook, Hello { name, ..Hello::default() })).await.unwrap();
        assert_eq!(Client::with(stream).post("/validate", review("u", "", 0)).await.status, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_minimum_version() {
    let old = Hello { versions: &[&rustls::version::TLS12], ..Hello::default() };
    let both = start(|_| {}).await;
    assert!(within(shake(both.webhook, old)).await.is_ok());
    let strict = start(|config| config.minimum_tls = MinimumVersion::Tls13).await;
    assert!(within(shake(strict.webhook, old)).await.is_err());
    assert!(within(shake(strict.webhook, Hello::default())).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn shakes_two_hundred_hands_at_once() {
    let server = start(|_| {}).await;
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let address = server.webhook;
        clients.spawn(async move {
            let stream = within(shake(address, Hello::default())).await.unwrap();
            assert_eq!(Client::with(stream).post("/validate", review("u", "", 0)).await.status, 200);
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_handshake_keeps_nobody_out_and_ends() {
    let server = start(|config| config.handshake_timeout = Duration::from_secs(1)).await;
    let mut silent = TcpStream::connect(server.webhook).await.unwrap();
    let mut half = TcpStream::connect(server.webhook).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2]).await.unwrap();
    assert_eq!(Client::connect(&server).await.post("/validate", review("u", "", 0)).await.status, 200);
    for stream in [&mut silent, &mut half] {
        // An end or a reset, in time.
        let _ = within(stream.read(&mut [0; 16])).await;
    }
    // Closed first, counted next.
    eventually(|| server.metrics().contains("portcullis_tls_handshake_failures_total 2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_handshakes_cost_the_oldest() {
    let server = start(|config| {
        config.handshakes = 2;
        config.handshake_timeout = Duration::from_hours(1);
    })
    .await;
    let mut oldest = TcpStream::connect(server.webhook).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(TcpStream::connect(server.webhook).await.unwrap());
    }
    let _ = within(oldest.read(&mut [0; 16])).await;
    assert_eq!(Client::connect(&server).await.post("/validate", review("u", "", 0)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dripping_head_is_cut_and_an_idle_connection_is_not() {
    let server = start(|config| config.head_timeout = Duration::from_millis(500)).await;
    let mut idle = Client::connect(&server).await;
    assert_eq!(idle.post("/validate", review("u", "", 0)).await.status, 200);
    let mut fresh = Client::connect(&server).await;
    let mut dripping = Client::connect(&server).await;
    assert_eq!(dripping.post("/validate", review("u", "", 0)).await.status, 200);
    dripping.send("POST /validate HTTP/1.1\r\nHo").await;
    dripping.closed().await;
    // Both were silent for longer than the other's patience.
    assert_eq!(idle.post("/validate", review("u", "", 0)).await.status, 200);
    assert_eq!(fresh.post("/validate", review("u", "", 0)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_ends_at_last() {
    let server = start(|config| config.idle_timeout = Duration::from_secs(1)).await;
    let mut used = Client::connect(&server).await;
    assert_eq!(used.post("/validate", review("u", "", 0)).await.status, 200);
    used.closed().await;
    Client::connect(&server).await.closed().await;
    let (_sender, connection) = connect_h2(&server).await;
    within(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_connections_wait_for_their_turn() {
    let server = start(|config| config.connections = 1).await;
    let mut first = Client::connect(&server).await;
    assert_eq!(first.post("/validate", review("u", "", 0)).await.status, 200);
    let address = server.webhook;
    let second = tokio::spawn(async move { shake(address, Hello::default()).await.unwrap() });
    first.send(request("/validate", "Connection: close\r\n", review("u", "", 0))).await;
    assert_eq!(first.answer().await.status, 200);
    let second = within(second).await.unwrap();
    assert_eq!(Client::with(second).post("/validate", review("u", "", 0)).await.status, 200);
}
