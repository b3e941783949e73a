//! Reviews that keep coming while policies change.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::replace::replace;
use crate::client::Client;
use crate::policies::against_all;
use crate::process::Process;
use crate::review::EXAMPLE;
use crate::wait::within;

const SWAPS: usize = 20;

/// How often each revision gave each message.
type Seen = BTreeMap<(String, String), usize>;

async fn ask(server: Arc<Process>, done: Arc<AtomicBool>, keeps_alive: bool) -> Seen {
    let mut seen = Seen::new();
    let mut client = Client::connect(&*server).await;
    while !done.load(Ordering::Relaxed) {
        if !keeps_alive {
            client = Client::connect(&*server).await;
        }
        let answer = client.post("/validate", EXAMPLE).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        let response = &answer["response"];
        let text = |pointer: &str| response.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        assert_eq!(response["allowed"], false);
        *seen.entry((text("/auditAnnotations/revision"), text("/status/message"))).or_default() += 1;
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_review_is_decided_by_the_set_before_or_after() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.rego");
    let texts = [against_all("p", "odd"), against_all("p", "even")];
    fs::write(&file, &texts[1]).unwrap();
    let server = Arc::new(Process::start(&["--policies", directory.path().to_str().unwrap()]).await);
    let even = server.told("started", 1).await["revision"].as_str().unwrap().to_owned();
    let done = Arc::new(AtomicBool::new(false));
    let mut askers = JoinSet::new();
    for keeps_alive in [true, true, false] {
        askers.spawn(ask(Arc::clone(&server), Arc::clone(&done), keeps_alive));
    }
    let mut odd = String::new();
    for swap in 1..=SWAPS {
        replace(&file, &texts[(swap + 1) % 2]);
        let now = server.told("reloaded", swap).await["now"].as_str().unwrap().to_owned();
        if swap == 1 {
            odd = now;
        }
    }
    done.store(true, Ordering::Relaxed);
    let allowed = [(odd, "p: odd".to_owned()), (even, "p: even".to_owned())];
    while let Some(seen) = within(askers.join_next()).await {
        let seen = seen.unwrap();
        assert!(seen.len() == 2 && seen.keys().all(|key| allowed.contains(key)), "{seen:?}");
    }
    assert_eq!((server.about("reloaded").len(), server.about("reload_failed").len()), (SWAPS, 0));
}
