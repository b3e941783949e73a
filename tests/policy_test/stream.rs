//! Many objects: in order, on all cores, and in little memory.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{check_exit, command, file, json, policy, policy_with, stdout};

/// What no run may take, in KiB.
const MEMORY: u64 = 150 << 10;

fn config_map(name: &str, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{text: {text}}}\n")
}

/// The most memory that a process has taken so far, in KiB; none once it has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[track_caller]
fn takes_little_memory(arguments: &[&str], input: &str) {
    let mut child = command(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let mut most = 0;
    while let Some(now) = peak(&child) {
        most = now;
        std::thread::sleep(Duration::from_millis(2));
    }
    writer.join().unwrap().unwrap();
    // No policy looks at a ConfigMap.
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!((1 << 10..MEMORY).contains(&most), "{arguments:?} took {most} KiB");
}

/// The input is as large as all that is allowed.
#[test]
fn memory_does_not_grow_with_the_input() {
    let documents: String = (0..1_500).map(|number| config_map(&format!("n{number}"), 100_000)).collect();
    assert!(documents.len() as u64 > MEMORY * 900);
    let (directory, path) = file("stream.yaml", &documents);
    takes_little_memory(&["test", &path], "");
    takes_little_memory(&["test", "-"], &documents);
    drop(directory);
    let items = documents.get(..60_000_000).unwrap().rsplit_once("---\n").unwrap().0;
    let items = items.replace('\n', "\n  ").replace("  ---\n  ", "- ").replacen("---\n  ", "- ", 1);
    let list = format!("apiVersion: v1\nitems:\n{}\nkind: List\n", items.trim_end());
    let (_directory, path) = file("list.yaml", &list);
    takes_little_memory(&["test", &path], "");
}

#[test]
fn verdicts_come_in_the_order_of_the_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let mut pods = |count: usize, prefix: &str| {
        (0..count).fold(String::new(), |mut text, number| {
            let name = format!("{prefix}{number}");
            // Some take longer than others.
            let containers = (0..=number % 7).fold(String::new(), |mut text, n| {
                writeln!(text, "  - {{name: c{n}, image: a}}").unwrap();
                text
            });
            write!(
                text,
                "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n{containers}"
            )
            .unwrap();
            expected.push(name);
            text
        })
    };
    for name in ["a.yaml", "b/c.yaml", "d.yaml"] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, pods(40, &name[..1])).unwrap();
    }
    let stdin = pods(40, "z");
    let path = directory.path().display().to_string();
    let arguments = ["test", "--policy", "require_non_root", "--format", "json", &path, "-"];
    let first = policy_with(&arguments, &stdin);
    let report = json(&first);
    let names: Vec<&str> =
        report["results"].as_array().unwrap().iter().map(|result| result["object"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
    assert_eq!(policy_with(&arguments, &stdin).stdout, first.stdout, "the same input, the same bytes");
}

#[test]
fn a_namespace_counts_wherever_it_stands() {
    let (_config, config) = file(
        "config.yaml",
        "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
         - where: {namespaceSelector: {matchLabels: {tier: sandbox}}}\n  set: {enforcement: audit}\n",
    );
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"team"},"spec":{"containers":[{"name":"c"}]}}"#;
    let namespace = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"team","labels":{"tier":"sandbox"}}}"#;
    let bare = r#"{"metadata":{"name":"team","labels":{"tier":"sandbox"}}}"#;
    for input in [
        format!("{pod}\n{namespace}"),
        format!("---\n{pod}\n---\n{namespace}"),
        format!(r#"{{"items":[{pod},{namespace}],"kind":"List","apiVersion":"v1"}}"#),
        format!("apiVersion: v1\nitems:\n- {pod}\n- {namespace}\nkind: List\n"),
        format!("{pod}\n{{\"items\":[{bare}],\"kind\":\"NamespaceList\",\"apiVersion\":\"v1\"}}"),
        format!("---\n{pod}\n---\nitems:\n- {bare}\nkind: NamespaceList\napiVersion: v1\n"),
    ] {
        check_exit(&["test", "--config", &config, "-"], &input, 0, " 0 deny, 0 warn, ");
    }
    check_exit(&["test", "--config", &config, "-"], pod, 2, "the labels of namespace \"team\" are not known");
}

#[test]
fn what_can_be_read_once_only_is_read_once() {
    let good = fs::read_to_string(crate::inputs().join("good.yaml")).unwrap();
    let from_stdin = policy_with(&["test", "/dev/stdin"], &good);
    assert_eq!(from_stdin.status.code(), Some(0), "{}", stdout(&from_stdin));
    assert_eq!(stdout(&from_stdin), stdout(&policy(&["test", "good.yaml"])));
}
