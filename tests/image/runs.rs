//! The container as the chart asks for it: no rights, nothing to write to, little memory, and it serves.

use super::bundle::{MEMORY_BYTES, Settings};
use super::container::{Container, runnable};
use crate::client::Client;
use crate::pair::{pair, write};
use crate::review::{named, review};
use crate::wait::within;

/// How many reviews are asked for, each on one of this many connections.
const REVIEWS: usize = 2_000;
const CONNECTIONS: usize = 8;

/// Beyond this, little would be left for what a test does not do.
const MOST_BYTES: u64 = 96 * 1024 * 1024;

#[tokio::test]
async fn it_serves_without_rights_and_ends_when_told() {
    let Some(image) = runnable() else { return };
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &pair());
    let path = |name: &str| directory.path().join(name);
    let settings = Settings {
        environment: vec![
            ("PORTCULLIS_TLS_CERT", "/etc/portcullis/tls/tls.crt".to_owned()),
            ("PORTCULLIS_TLS_KEY", "/etc/portcullis/tls/tls.key".to_owned()),
        ],
        mounts: vec![
            (path("tls.crt"), "/etc/portcullis/tls/tls.crt"),
            (path("tls.key"), "/etc/portcullis/tls/tls.key"),
        ],
    };
    let mut container = Container::start(&image, "serves", &settings).await;

    let mut operations = Client::operations(&container).await;
    // It first shakes hands with itself.
    within(async { while operations.get("/readyz").await.status != 200 {} }).await;
    let ready = operations.get("/readyz").await;
    assert_eq!((ready.status, ready.text()), (200, "ok"));
    let mut webhook = Client::connect(&container).await;
    let answer = webhook.post("/validate", named("denied")).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!((answer.uid().as_str(), &answer.json()["response"]["allowed"]), ("denied", &false.into()));

    let status = container.process("status");
    for wanted in [
        "Uid:\t65532\t65532\t65532\t65532",
        "Gid:\t65532\t65532\t65532\t65532",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.lines().any(|line| line == wanted), "{wanted:?} is not in {status}");
    }
    let mounts = container.process("mountinfo");
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
    assert!(root.split(' ').nth(5).unwrap().split(',').any(|option| option == "ro"), "{root}");

    container.terminate();
    operations.closed().await;
    assert_eq!(container.ended().await, Some(0), "{:?}", container.lines());
}

#[tokio::test]
async fn its_memory_stays_within_the_limit_under_load() {
    let Some(image) = runnable() else { return };
    let container = Container::start(&image, "memory", &Settings::default()).await;
    let large = review(|review| {
        let containers = review["request"]["object"]["spec"]["containers"].as_array_mut().unwrap();
        let first = containers[0].clone();
        for number in 0..200 {
            let mut more = first.clone();
            more["name"] = format!("more-{number}").into();
            containers.push(more);
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..CONNECTIONS {
        let mut client = Client::connect(&container).await;
        let large = large.clone();
        tasks.spawn(async move {
            for number in 0..REVIEWS / CONNECTIONS {
                let body = if number % 50 == 0 { large.clone() } else { named(&format!("load-{task}-{number}")) };
                let answer = client.post("/validate", body).await;
                assert_eq!(answer.json()["response"]["allowed"], false, "{}", answer.text());
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let memory = container.memory();
    let peak = memory["max"].as_u64().or(memory["usage"].as_u64()).unwrap();
    println!("after {REVIEWS} reviews: {memory}");
    assert_eq!(memory["limit"], MEMORY_BYTES);
    assert_eq!(memory["failcnt"], 0, "{memory}");
    assert!(peak > 0 && peak < MOST_BYTES, "{memory}");
}
