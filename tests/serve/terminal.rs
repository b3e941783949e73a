//! What the server says to a person at a terminal, and to nobody else.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::client::Client;
use crate::process::{Process, serve};
use crate::review::EXAMPLE;
use crate::wait::eventually;

/// A pseudo-terminal: the side that a person sees, and the side that a program writes to.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let program = OpenOptions::new().read(true).write(true).open(name).unwrap();
    (File::from(person), program)
}

#[tokio::test]
async fn the_command_it_suggests_is_denied() {
    let (person, program) = terminal();
    let child = serve(&[]).stderr(Stdio::from(program)).spawn().unwrap();
    let server = Process::follow(child, person).await;
    let suggestion = || server.lines().into_iter().find_map(|line| line.strip_prefix("try:  ").map(str::to_owned));
    eventually(|| suggestion().is_some()).await;
    let command = suggestion().unwrap();
    assert!(command.starts_with("curl -sk https://127.0.0.1:"), "{command}");
    if !has_curl() {
        eprintln!("left out: curl is not installed, so the suggested command was not run");
        return;
    }
    let bounded = command.replacen("curl ", "curl --max-time 60 ", 1);
    let answer = Command::new("bash").args(["-c", &bounded]).output().unwrap();
    assert!(answer.status.success(), "{answer:?}");
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["response"]["allowed"], false);
    assert!(answer["response"]["status"]["message"].as_str().unwrap().contains("require_non_root"));
}

/// Whether curl can be run. Where every tool is required, it must be.
fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok_and(|ran| ran.success());
    let required = ["CI", "PORTCULLIS_REQUIRE_TOOLS"].into_iter().find(|name| std::env::var_os(name).is_some());
    assert!(found || required.is_none(), "curl is not installed, and {required:?} is set");
    found
}

#[tokio::test]
async fn suggests_nothing_elsewhere() {
    let server = Process::start(&[]).await;
    Client::connect(&server).await.post("/validate", EXAMPLE).await;
    server.told("decision", 1).await;
    for line in server.lines() {
        assert!(serde_json::from_str::<Value>(&line).is_ok_and(|line| line.is_object()), "not JSON: {line}");
    }
}
