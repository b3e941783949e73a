//! `policy new` as people run it: what it writes is accepted by every other command, and by the real `opa`.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

#[path = "support/command.rs"]
mod command;

use std::env::var_os;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use command::policy;

fn run(arguments: &[&str]) -> (i32, String) {
    let output = policy(arguments).output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The files of a directory, by their names from it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

const KINDS: [(&str, &str); 6] = [
    ("for_pods", "Pod"),
    ("for_deployments", "apps/Deployment"),
    ("for_services", "Service"),
    ("for_namespaces", "Namespace"),
    ("for_cronjobs", "batch/v1/CronJob"),
    ("for_widgets", "example.com/v1/Widget"),
];

/// A directory with a policy for each kind.
fn written() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    for (name, kind) in KINDS {
        let (code, text) = run(&["new", name, "--dir", root, "--kind", kind]);
        assert_eq!(code, 0, "{text}");
        assert!(text.starts_with(&format!("{root}/{name}/{name}.rego\n")), "{text}");
    }
    directory
}

#[test]
fn what_is_written_passes_verify_and_check() {
    let directory = written();
    let root = directory.path().to_str().unwrap();
    let (code, text) = run(&["verify", root]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = run(&["check", root]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("6 policies loaded, 0 remarks"), "{text}");
    let own = |name: &str| {
        ["fixtures/", "", "", ""]
            .iter()
            .zip([
                if name == "for_pods" { "deployment.yaml" } else { "unlabelled.yaml" }.to_owned(),
                format!("{name}.rego"),
                format!("{name}_test.rego"),
                "suite.yaml".to_owned(),
            ])
            .map(|(below, file)| format!("{name}/{below}{file}"))
            .collect::<Vec<_>>()
    };
    let mut expected: Vec<String> = KINDS.iter().flat_map(|(name, _)| own(name)).collect();
    expected.sort();
    assert_eq!(files(directory.path()), expected, "nothing else is left behind");
}

#[test]
fn what_is_written_judges_manifests() {
    let directory = written();
    let root = directory.path().to_str().unwrap();
    let judged = |name: &str, file: &str| {
        let file = format!("{root}/{name}/fixtures/{file}");
        run(&["test", "--policies", root, "--policy", name, &file])
    };
    let (code, text) = judged("for_pods", "deployment.yaml");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("spec.template.spec.containers[0].tty") && text.contains("    found   true"), "{text}");
    let (code, text) = judged("for_widgets", "unlabelled.yaml");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("metadata.labels[\"example.com/team\"]"), "{text}");
}

/// The tool is `$PORTCULLIS_OPA`, as `tests/tools/install` prints it; without it the check is left out, except where
/// every tool is required.
#[test]
fn what_is_written_is_formatted_and_passes_under_opa() {
    let Some(opa) = var_os("PORTCULLIS_OPA") else {
        let required = ["CI", "PORTCULLIS_REQUIRE_TOOLS"].into_iter().find(|name| var_os(name).is_some());
        assert!(required.is_none(), "{required:?} is set and PORTCULLIS_OPA is not: run tests/tools/install opa");
        eprintln!("left out: opa (PORTCULLIS_OPA is not set; run tests/tools/install opa)");
        return;
    };
    let directory = written();
    for arguments in
        [&["fmt", "--list", "--fail"][..], &["check", "--strict"], &["test", "--fail-on-empty", "--ignore", "*.yaml"]]
    {
        let output = Command::new(&opa).args(arguments).arg(directory.path()).output().unwrap();
        assert!(output.status.success(), "opa {arguments:?} says: {}", said(&output));
    }
}

/// Each suite names a policy's own fixtures, and is YAML as we read it.
#[test]
fn suites_name_files_that_are_there() {
    let directory = written();
    for (name, _) in KINDS {
        let suite = fs::read_to_string(directory.path().join(name).join("suite.yaml")).unwrap();
        let node = portcullis::engine::document::yaml::parse_one(&suite).unwrap();
        let cases = node.get("cases").and_then(|cases| cases.items()).unwrap();
        let named: Vec<&str> = cases.iter().filter_map(|case| case.get("object")?.as_str()).collect();
        assert!(!named.is_empty() && cases.len() >= 3, "{suite}");
        assert!(named.iter().all(|file| directory.path().join(name).join(file).is_file()), "{named:?}");
        assert!(!suite.contains("{{"), "{suite}");
    }
}

#[test]
fn an_existing_directory_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    fs::create_dir(directory.path().join("taken")).unwrap();
    fs::write(directory.path().join("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", directory.path().join("link")).unwrap();
    for name in ["taken", "file", "link"] {
        let (code, text) = run(&["new", name, "--dir", root]);
        assert_eq!(code, 2);
        assert!(text.contains(&format!("{root}/{name}: exists already\n  fix: ")), "{text}");
    }
    assert_eq!(files(directory.path()).len(), 2);
    assert_eq!(fs::read_to_string(directory.path().join("file")).unwrap(), "mine");
}

#[test]
fn names_and_kinds_that_cannot_be_are_refused_with_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    let long = "a".repeat(101);
    for (arguments, expected) in [
        (["Upper", "Pod"], "is no name for a policy\n  fix: begin with a lower-case letter"),
        (["9lives", "Pod"], "is no name for a policy"),
        (["../up", "Pod"], "is no name for a policy"),
        (["a-b", "Pod"], "is no name for a policy"),
        (["", "Pod"], "is no name for a policy"),
        ([&long, "Pod"], "100 at the most"),
        (["import", "Pod"], "means something else"),
        (["lib", "Pod"], "means something else"),
        (["x_test", "Pod"], "leave out _test"),
        (["x", "Deploiment"], "is no built-in kind of Kubernetes\n  fix: "),
        (["x", "pod"], "mind its capitals"),
        (["x", "*"], "is no kind"),
        (["x", "a/b/c/d"], "is no kind"),
        (["x", "Pod: {}"], "is no kind"),
    ] {
        let (code, text) = run(&["new", "--dir", root, "--kind", arguments[1], "--", arguments[0]]);
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let below_file = directory.path().join("file/policies").display().to_string();
    let (code, text) = run(&["new", "x", "--dir", &below_file]);
    assert_eq!(code, 2);
    assert!(text.contains("cannot be made") && text.contains("  fix: "), "{text}");
    assert_eq!(files(directory.path()), ["file"]);
}
