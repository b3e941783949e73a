//! Files and directories that are not what they should be.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::run::{refused, run, says};

/// Refuses a directory of policies in each command that reads one.
#[track_caller]
fn check(directory: &Path, expected: &[&str]) {
    let path = directory.to_str().unwrap();
    refused(&["serve", "--policies", path], expected);
    refused(&["list", "--policies", path], expected);
    refused(&["check", path], expected);
    refused(&["verify", path], expected);
}

#[test]
fn directories_without_a_policy() {
    let directory = tempfile::tempdir().unwrap();
    check(&directory.path().join("absent"), &["/absent: cannot be read: No such file", "\n  fix: check the path"]);
    check(directory.path(), &[": holds no policy\n  fix: put *.rego files into it"]);
    fs::write(directory.path().join("README.md"), "no policy").unwrap();
    fs::create_dir(directory.path().join("empty.rego")).unwrap();
    check(directory.path(), &[": holds no policy\n  fix: put *.rego files into it"]);
}

#[test]
fn files_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.rego");
    symlink("nowhere", &file).unwrap();
    check(directory.path(), &["/p.rego: cannot be read: No such file", "\n  fix: "]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, b"package p\n\n# \xff\n").unwrap();
    check(directory.path(), &["/p.rego: cannot be read: line 3 is not UTF-8\n  fix: save it as UTF-8"]);
    fs::write(&file, "#".repeat((4 << 20) + 1)).unwrap();
    check(directory.path(), &["/p.rego: cannot be read: it is larger than 4194304 bytes\n  fix: split it"]);
}

#[test]
fn configurations_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let absent = format!("{path}/config.yaml");
    for command in ["serve", "list", "check"] {
        refused(&[command, "--config", path], &[": cannot be read: Is a directory", "\n  fix: "]);
        refused(&[command, "--config", &absent], &["/config.yaml: cannot be read: No such file", "\n  fix: "]);
    }
}

#[test]
fn a_directory_whose_tests_are_absent() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.rego"), crate::policies::against_all("p", "no")).unwrap();
    let path = directory.path().to_str().unwrap();
    let verified = run(&["verify", path]);
    assert_eq!(verified.code, Some(2));
    says(&verified.stdout, &["no tests: write rules named test_…"]);
    let checked = run(&["check", path]);
    assert_eq!(checked.code, Some(1));
    says(
        &checked.stdout,
        &["p.rego:5: advice [untested]: policy p has no tests\n    fix     write *_test.rego or suite.yaml beside it"],
    );
}

#[test]
fn ports_that_are_taken_or_not_ours() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use =
        |purpose: &str| format!("policy: listen on {address} for {purpose}: the port is in use; stop what uses");
    refused(&["serve", "--address", &address], &[&in_use("reviews")]);
    refused(&["serve", "--operations-address", &address], &[&in_use("health and metrics")]);
    // An address of the documentation's network (RFC 5737) is nobody's.
    let ran = run(&["serve", "--address", "192.0.2.1:0"]);
    assert_eq!(ran.code, Some(2));
    says(&ran.stderr, &["policy: listen on 192.0.2.1:0 for reviews: ", "; choose an address of this machine"]);
    assert_eq!(ran.stderr.matches("os error").count(), 1, "says it once: {}", ran.stderr);
}
