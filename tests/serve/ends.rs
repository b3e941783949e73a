//! How the server ends.

use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};

use super::start::ready;
use crate::client::{Client, request};
use crate::process::Process;
use crate::review::{EXAMPLE, named};
use crate::wait::eventually;

fn signal(server: &Process, signal: Signal) {
    kill_process(Pid::from_child(&server.child), signal).unwrap();
}

async fn ended(server: &mut Process) -> ExitStatus {
    eventually(|| server.child.try_wait().unwrap().is_some()).await;
    server.child.wait().unwrap()
}

#[tokio::test]
async fn drains_on_sigterm_and_exits_0() {
    let mut server = Process::start(&["--drain-delay", "2500"]).await;
    ready(&server).await;
    let mut kubelet = Client::operations(&server).await;
    let mut open = Client::connect(&server).await;
    assert_eq!(open.post("/validate", EXAMPLE).await.header("connection"), None);
    signal(&server, Signal::TERM);
    assert_eq!(server.told("draining", 1).await["seconds"], 2.5);

    let answer = kubelet.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("[-]draining failed: the server was asked to stop\n"), "{}", answer.text());
    assert_eq!(Client::operations(&server).await.get("/healthz").await.status, 200);
    let mut late = Client::connect(&server).await;
    for client in [&mut open, &mut late] {
        let answer = client.post("/validate", named("late")).await;
        assert_eq!((answer.uid().as_str(), answer.header("connection")), ("late", Some("close")));
        client.closed().await;
    }
    assert_eq!(ended(&mut server).await.code(), Some(0));
    assert_eq!(server.about("stopped")[0]["finished"], true);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = Process::start(&["--drain-delay", "3600000"]).await;
    let mut idle = Client::connect(&server).await;
    idle.post("/validate", EXAMPLE).await;
    signal(&server, Signal::TERM);
    server.told("draining", 1).await;
    signal(&server, Signal::INT);
    // Nothing was in flight, so nothing was cut.
    assert_eq!(ended(&mut server).await.code(), Some(0));
}

#[tokio::test]
async fn what_a_second_signal_cuts_shows_in_the_exit_code() {
    let mut server = Process::start(&["--drain-delay", "3600000"]).await;
    let mut busy = Client::connect(&server).await;
    let whole = request("/validate", "", EXAMPLE);
    busy.send(&whole[..whole.len() - 1]).await;
    // An answer on another connection: the half request has been read by then, or at least accepted.
    Client::connect(&server).await.post("/validate", EXAMPLE).await;
    signal(&server, Signal::INT);
    server.told("draining", 1).await;
    signal(&server, Signal::TERM);
    assert_eq!(ended(&mut server).await.code(), Some(2));
    assert_eq!(server.about("stopped")[0]["finished"], false);
    busy.closed().await;
}
