//! Many objects: in order, on all cores, and in little memory.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{THREE, check_exit, command, file, json, policy, policy_with, stdout};

fn config_map(name: &str, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{text: {text}}}\n")
}

/// The most memory that a process has taken so far, in KiB; none once it has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

/// The most memory that `policy test ARGUMENTS…` takes, in KiB.
#[track_caller]
fn memory(arguments: &[&str], input: &str) -> u64 {
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
    assert!(most > 1 << 10, "{most} KiB cannot be");
    most
}

/// What two sizes take differs by less than their texts: there is nothing that holds it all.
#[test]
fn memory_does_not_grow_with_the_input() {
    let documents = |count: usize| -> String {
        (0..count).map(|number| config_map(&format!("n{number}"), 100_000)).collect::<Vec<_>>().concat()
    };
    let (large, small) = (documents(200), documents(10));
    let (_large, large_file) = file("stream.yaml", &large);
    let (_small, small_file) = file("stream.yaml", &small);
    let allowed = 14 << 10;
    let (most, least) = (memory(&["test", &large_file], ""), memory(&["test", &small_file], ""));
    assert!(most < least + allowed, "{most} KiB for 20 MB and {least} KiB for 1 MB");
    // What comes through a pipe is kept to be read again: a part of it in memory, the rest elsewhere.
    let piped = memory(&["test", "-"], &large);
    assert!(piped < least + allowed + (32 << 10), "{piped} KiB for 20 MB through stdin");
}

/// The text of a List is in memory, but not what it means.
#[test]
fn a_list_takes_little_more_than_its_text() {
    let item = "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6}}\n";
    let list = |count: usize| format!("apiVersion: v1\nitems:\n{}kind: List\n", item.repeat(count));
    let (_large, large) = file("list.yaml", &list(20_000));
    let (_small, small) = file("list.yaml", &list(200));
    let (most, least) = (memory(&["test", &large], ""), memory(&["test", &small], ""));
    // 2 MB of text are 27 MB of nodes.
    assert!(most < least + (16 << 10), "{most} KiB for 20000 items and {least} KiB for 200");
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
        let arguments = ["test", "--profile", "none", "--policy", THREE, "--config", &config, "-"];
        check_exit(&arguments, &input, 0, "(0 deny, 0 warn, 6 audit)");
    }
    check_exit(&["test", "--config", &config, "-"], pod, 2, "the labels of namespace \"team\" are not known");
}

#[test]
fn what_can_be_read_once_only_is_read_once() {
    let good = fs::read_to_string(crate::inputs().join("good.yaml")).unwrap();
    let from_stdin = policy_with(&["test", "/dev/stdin"], &good);
    assert_eq!(from_stdin.status.code(), Some(0), "{}", stdout(&from_stdin));
    assert_eq!(stdout(&from_stdin).replace("/dev/stdin", "good.yaml"), stdout(&policy(&["test", "good.yaml"])));
}
