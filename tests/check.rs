//! `policy check` as people and pipelines run it: its text, its JSON, its exit codes, the rules it explains.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its set-up fails")]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::path::Path;

use portcullis::engine::lint;

/// Runs the command: its exit code, and what it prints.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = command::policy(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let (_, stdout, stderr) = run(arguments);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
}

/// A directory of one policy.
fn directory(policy: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("host_pid");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("host_pid.rego"), policy).unwrap();
    fs::write(own.join("host_pid_test.rego"), "package policies.host_pid_test\n\ntest_nothing if true\n").unwrap();
    let path = directory.path().display().to_string();
    (directory, path)
}

const POLICY: &str = "\
# METADATA
# title: Nobody sees the node's processes
# description: For the test.
package policies.host_pid

deny contains {\"msg\": \"hostPID is set\", \"remedy\": \"remove it\"} if input.pod.spec.hostPid == true
";

#[test]
fn a_remark_names_place_rule_and_fix() {
    let (_directory, path) = directory(POLICY);
    let (code, stdout, stderr) = run(&["check", &path]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    let expected = format!(
        "{path}/host_pid/host_pid.rego:6:82: advice [unknown-field]: input.pod.spec.hostPid does not exist: PodSpec has \
         no field hostPid\n    fix     did you mean `hostPID`?\n1 policy loaded, 1 remark (revision "
    );
    assert!(stdout.starts_with(&expected), "{stdout}");
    let report = json(&["check", "--format", "json", &path]);
    let remark = &report["advice"][0];
    assert_eq!((&remark["rule"], &remark["line"], &remark["column"]), (&"unknown-field".into(), &6.into(), &82.into()));
    assert_eq!(remark["remedy"], "did you mean `hostPID`?");
    assert_eq!(report["errors"], serde_json::json!([]));
}

#[test]
fn exit_codes_tell_clean_from_unwise_from_broken() {
    let (_clean, path) = directory(&POLICY.replace("hostPid", "hostPID"));
    assert_eq!(run(&["check", &path]).0, 0);
    let ignored = POLICY.replace("\ndeny", "\n# policy:ignore unknown-field: for the test\ndeny");
    let (_ignored, path) = directory(&ignored);
    let (code, stdout, _) = run(&["check", &path]);
    assert_eq!(code, 0, "{stdout}");
    let (_broken, path) = directory(&POLICY.replace("== true", "== time.now_ns()"));
    let (code, stdout, _) = run(&["check", &path]);
    assert_eq!(code, 2);
    assert!(stdout.contains("error [impure]: function time.now_ns is not allowed"), "{stdout}");
    assert_eq!(json(&["check", "--format", "json", &path])["errors"][0]["rule"], "impure");
}

#[test]
fn a_suite_is_a_test() {
    let (directory, path) = directory(&POLICY.replace("hostPid", "hostPID"));
    fs::remove_file(directory.path().join("host_pid/host_pid_test.rego")).unwrap();
    let (code, stdout, _) = run(&["check", &path]);
    assert_eq!(code, 1);
    assert!(stdout.contains("advice [untested]: policy host_pid has no tests"), "{stdout}");
    fs::write(directory.path().join("host_pid/suite.yaml"), "cases: []\n").unwrap();
    assert_eq!(run(&["check", &path]).0, 0);
}

#[test]
fn an_error_in_a_library_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("lib")).unwrap();
    fs::write(directory.path().join("lib/l.rego"), "package lib.l\n\nf(x) := nope(x)\n").unwrap();
    for name in ["a", "b"] {
        let policy = POLICY.replace("host_pid", name);
        fs::write(directory.path().join(format!("{name}.rego")), policy).unwrap();
    }
    let (code, stdout, _) = run(&["check", directory.path().to_str().unwrap()]);
    assert_eq!((code, stdout.matches("function nope is not known").count()), (2, 1), "{stdout}");
}

#[test]
fn the_shipped_policies_have_nothing_remarked_on() {
    let (code, stdout, _) = run(&["check"]);
    assert_eq!(code, 0, "{stdout}");
}

#[test]
fn every_rule_is_listed_and_explained() {
    let (code, listed, _) = run(&["check", "--rules"]);
    assert_eq!(code, 0);
    let rules = json(&["check", "--rules", "--format", "json"]);
    let names: Vec<&str> = rules["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(listed.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(), names);
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let (code, text, _) = run(&["check", "--explain", name]);
        assert_eq!(code, 0);
        assert!(text.starts_with(&format!("{name}: ")) && text.contains("\nfix: "), "{text}");
    }
    let rule = json(&["check", "--explain", "never-fires", "--format", "json"]);
    assert_eq!(rule["severity"], "advice");
    for field in ["summary", "why", "fix"] {
        assert!(rule[field].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
    }
}

#[test]
fn a_rule_that_does_not_exist_is_not_explained() {
    let (code, stdout, stderr) = run(&["check", "--explain", "never-fire"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.contains("no rule is called \"never-fire\"") && stderr.contains("did you mean never-fires?"),
        "{stderr}"
    );
}

/// `PORTCULLIS_WRITE_DOCS=1 cargo test --test check` writes the page.
#[test]
fn the_page_of_rules_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint.md");
    let page = lint::page();
    if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/lint.md is stale: run PORTCULLIS_WRITE_DOCS=1 cargo test --test check");
}
