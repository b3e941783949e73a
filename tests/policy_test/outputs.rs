//! Verdicts in several forms and places at once: each whole or not there.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{THREE, check_exit, command, file, policy, stdout};

/// A policy that takes as long as it may.
pub(super) const ENDLESS: &str = "# METADATA\n# title: T\n# custom: {match: {kinds: [ServiceAccount]}, on_error: allow}\n\
    package policies.endless\n\ndeny contains \"never\" if {\n\tx := numbers.range(1, 2000)\n\t\
    count([1 | some a in x; some b in x; some c in x; a + b + c == -1]) > 0\n}\n";

#[test]
fn one_run_writes_several_forms() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json, text) = (format!("json={}", path("a.json")), format!("text={}", path("a.txt")));
    let output = policy(&["test", "--output", &json, "--output", &text, "bad.yaml"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
    assert_eq!(fs::read_to_string(path("a.txt")).unwrap(), stdout(&output), "without colours, the same");
    let only_json = policy(&["test", "--format", "json", "bad.yaml"]);
    assert_eq!(fs::read(path("a.json")).unwrap(), only_json.stdout);
    let on_stdout = policy(&["test", "--output", "json=-", "bad.yaml"]);
    assert_eq!(on_stdout.stdout, only_json.stdout, "nothing but JSON on stdout");
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing else is left behind: {left:?}");
}

#[test]
fn a_report_is_replaced_behind_its_link() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("real.json"), directory.path().join("link.json"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink("real.json", &link).unwrap();
    policy(&["test", "--output", &format!("json={}", link.display()), "good.yaml"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let report: Value = serde_json::from_slice(&fs::read(&target).unwrap()).unwrap();
    assert_eq!(report["summary"]["denied"], 0);
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_judged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    for (output, expected) in [
        (format!("json={path}/absent/a.json"), "/a.json: cannot be written: No such file or directory"),
        (format!("json={path}"), ": cannot be written: is a directory"),
        (format!("json={path}/a.json,text={path}/./a.json"), "/./a.json: another --output writes this file"),
        ("json=-,text=-".to_owned(), "--output text=-: another --output writes to stdout"),
        ("json".to_owned(), "expected FORMAT=FILE, such as json=report.json"),
        ("json=".to_owned(), "expected FORMAT=FILE, such as json=report.json"),
        ("yaml=a".to_owned(), "no form is named \"yaml\"; expected one of text, json"),
    ] {
        let ran = policy(&["test", "--output", &output, "bad.yaml"]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!((ran.status.code(), stdout(&ran).as_str()), (Some(2), ""), "{output}: {said}");
        assert!(said.contains(expected), "expected `{expected}` in {said}");
    }
    check_exit(&["test", "--format", "text", "--output", "json=-", "bad.yaml"], "", 2, "leave out one of them");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_full_disk_ends_one_output_and_not_the_others() {
    let ran = policy(&["test", "--profile", "none", "--policy", THREE, "--output", "json=/dev/full", "bad.yaml"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("policy: --output json=/dev/full: cannot be written: No space left on device"), "{said}");
    assert!(stdout(&ran).contains("3 objects, 3 denied"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (_directory, report) = file("a.json", "");
    let ran =
        command(&["test", "--profile", "none", "--policy", THREE, "--output", &format!("json={report}"), "bad.yaml"])
            .stdout(full)
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("policy: stdout: cannot be written: No space left on device"), "{said}");
    assert!(fs::read_to_string(report).unwrap().contains("\"denied\": 3"));
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_verdict() {
    let mut child = command(&["test", "bad.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
}

#[test]
fn a_run_that_is_killed_leaves_the_old_report() {
    let (directory, report) = file("a.json", "old");
    let (_policies, policies) = file("endless.rego", ENDLESS);
    let (_manifests, manifests) = file("a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n");
    let output = format!("json={report}");
    let budget = ["--policy-budget", "60000"];
    let mut child = command(&["test", "--policies", &policies, "--output", &output, &manifests]);
    let mut child = child.args(budget).stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    // It is written beside the old one.
    while fs::read_dir(directory.path()).unwrap().count() < 2 {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "no report was begun");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(report).unwrap(), "old");
}
