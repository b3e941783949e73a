//! `--diff-base`: only what changed since a revision of git fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::policy;

const POLICY: &str = "# METADATA\n# title: T\n# custom:\n#   match: {kinds: [ConfigMap]}\npackage policies.maps\n\n\
    deny contains {\"msg\": \"bad\", \"field\": \"data.bad\"} if input.request.object.data.bad\n";

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").current_dir(directory).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{bad: \"{value}\", other: x}}\n")
}

/// A repository whose one commit holds two bad objects in one file and one in another.
fn repository() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    fs::write(at.join("p.rego"), POLICY).unwrap();
    fs::create_dir(at.join("deploy")).unwrap();
    fs::write(at.join("deploy/a.yaml"), [map("one", "1"), map("two", "1")].join("---\n")).unwrap();
    fs::write(at.join("deploy/b.yaml"), map("three", "1")).unwrap();
    git(at, &["init", "--quiet"]);
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "--message", "base"]);
    directory
}

/// The exit code, and the names of objects by whether they are existing.
#[track_caller]
fn check(directory: &Path, code: i32, existing: &[&str], new: &[&str]) {
    let arguments = ["test", "--policies", "p.rego", "--diff-base", "HEAD", "--format", "json", "deploy"];
    let output = policy(arguments).current_dir(directory).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let names = |wanted: bool| -> Vec<&str> {
        let results = report["results"].as_array().unwrap().iter();
        let wanted = results.filter(|result| (result["existing"] == true) == wanted);
        wanted.map(|result| result["object"]["name"].as_str().unwrap()).collect()
    };
    assert_eq!((names(true), names(false)), (existing.to_vec(), new.to_vec()));
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(report["summary"]["denied"], new.len());
}

#[test]
fn what_is_as_it_was_fails_nothing() {
    let repository = repository();
    check(repository.path(), 0, &["one", "two", "three"], &[]);
}

#[test]
fn an_object_that_changed_fails_alone() {
    let repository = repository();
    let file = repository.path().join("deploy/a.yaml");
    fs::write(&file, format!("# moved\n{}---\n{}", map("two", "2"), map("one", "1"))).unwrap();
    check(repository.path(), 1, &["one", "three"], &["two"]);
}

#[test]
fn keys_in_another_order_are_no_change() {
    let repository = repository();
    let file = repository.path().join("deploy/b.yaml");
    fs::write(file, "kind: ConfigMap\napiVersion: v1\ndata:\n  other: x\n  bad: '1'\nmetadata:\n  name: three\n")
        .unwrap();
    check(repository.path(), 0, &["one", "two", "three"], &[]);
}

#[test]
fn a_renamed_file_is_compared_with_what_it_was_called() {
    let repository = repository();
    git(repository.path(), &["mv", "deploy/b.yaml", "deploy/c.yaml"]);
    check(repository.path(), 0, &["one", "two", "three"], &[]);
}

#[test]
fn a_file_that_git_does_not_know_is_new() {
    let repository = repository();
    fs::write(repository.path().join("deploy/ü new.yaml"), map("four", "1")).unwrap();
    check(repository.path(), 1, &["one", "two", "three"], &["four"]);
}

#[test]
fn what_was_bad_before_is_shown_as_existing() {
    let repository = repository();
    let arguments = ["test", "--policies", "p.rego", "--diff-base", "HEAD", "deploy/b.yaml"];
    let output = policy(arguments).current_dir(repository.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("deploy/b.yaml:4:8: deny (existing): maps (medium): bad"), "{text}");
    assert!(text.contains("1 object, 0 denied, 0 violations (0 deny, 0 warn, 0 audit), 1 existing before"), "{text}");
}

#[test]
fn a_revision_that_is_not_there_is_an_error() {
    let repository = repository();
    for (revision, expected) in [("nowhere", "there is no such commit"), ("--all", "there is no such commit")] {
        let base = format!("--diff-base={revision}");
        let output = policy(["test", "--policies", "p.rego", &base, "deploy"]).current_dir(repository.path()).output();
        let output = output.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    let nowhere = tempfile::tempdir().unwrap();
    fs::write(nowhere.path().join("p.rego"), POLICY).unwrap();
    let mut command = policy(["test", "--policies", "p.rego", "--diff-base", "HEAD", "p.rego"]);
    let output = command.current_dir(nowhere.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not a git repository"));
}
