//! `--write`: the patched manifests, changed as little as may be, and never over what somebody else wrote.

use std::fs;

use crate::{POD, assert_snapshot, check, home, json, mutate, policy_of, policy_with, stderr, text};

#[test]
fn only_changed_lines_differ_and_what_cannot_be_kept_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("out");
    let output = mutate(&["--write", text(&target), "input"], "");
    check(&output, 1, &["app/pods.yaml:39: comments and layout of this document were not kept"]);
    for name in ["app/pods.yaml", "deployment.yaml", "pod.json"] {
        let before = fs::read_to_string(home().join("input").join(name)).unwrap();
        let after = fs::read_to_string(target.join(name)).unwrap();
        let difference = similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(2).to_string();
        assert_snapshot(&format!("written_{}", name.replace(['/', '.'], "_")), &difference);
    }
    let again = mutate(&["--format", "json", text(&target)], "");
    assert!(json(&again)["summary"].get("mutated").is_none(), "what was written is what the mutators want");
}

#[test]
fn what_nobody_changes_is_copied_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("in.yaml");
    let odd = "\u{feff}# c\r\n---\n---\n{apiVersion: v1, kind: ConfigMap,\r\n metadata: {name: a}} # x\n...\n---\n'note'   : 1";
    fs::write(&input, odd).unwrap();
    let target = directory.path().join("out");
    check(&mutate(&["--write", text(&target), text(&input)], ""), 2, &["nothing evaluated"]);
    assert_eq!(fs::read(target.join("in.yaml")).unwrap(), odd.as_bytes());
}

#[test]
fn nothing_is_written_over_unless_forced() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("out");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("deployment.yaml"), "mine").unwrap();
    let refused = mutate(&["--write", text(&target), "input"], "");
    check(&refused, 2, &["deployment.yaml exists; --force replaces it"]);
    assert!(refused.stdout.is_empty() && !target.join("pod.json").exists(), "it is told before anything is done");
    assert_eq!(fs::read_to_string(target.join("deployment.yaml")).unwrap(), "mine");
    fs::write(target.join("notes.txt"), "mine").unwrap();
    check(&mutate(&["--write", text(&target), "--force", "input"], ""), 1, &[]);
    assert!(fs::read_to_string(target.join("deployment.yaml")).unwrap().contains("example.com/team: shop"));
    assert_eq!(fs::read_to_string(target.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_directory_that_would_be_read_is_not_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("in");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("pod.yaml"), POD).unwrap();
    for target in [&input, &input.join("out"), &input.join("a/b"), &directory.path().to_owned()] {
        check(&mutate(&["--write", text(target), "--force", text(&input)], ""), 2, &["choose a directory elsewhere"]);
    }
    check(&mutate(&["--write", text(&input), "-"], POD), 2, &["stdin has no name in a directory"]);
    let out = directory.path().join("out");
    // A file that is named twice is one.
    let named = [text(&input), "input", "input/pod.json"];
    check(&mutate(&[&["--write", text(&out)], &named[..]].concat(), ""), 1, &["6 mutated"]);
    assert!(out.join("pod.yaml").exists() && out.join("app/pods.yaml").exists() && out.join("pod.json").exists());
    check(&policy_with(&["test", "--write", "x", "input"], ""), 2, &["--mutate"]);
    assert_eq!(fs::read_to_string(input.join("pod.yaml")).unwrap(), POD);
}

#[test]
fn two_inputs_are_not_written_to_one_file() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::write(directory.path().join(name).join("pod.yaml"), POD).unwrap();
    }
    let path = |name: &str| directory.path().join(name).display().to_string();
    let output = mutate(&["--write", &path("out"), &path("a"), &path("b")], "");
    check(&output, 2, &["two inputs would be written to pod.yaml"]);
}

#[test]
fn nothing_is_written_where_something_has_no_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let (input, target) = (directory.path().join("pod.yaml"), directory.path().join("out"));
    fs::write(&input, format!("{POD}---\na: [\n")).unwrap();
    check(&mutate(&["--write", text(&target), text(&input)], ""), 2, &["nothing is written"]);
    // A mutator that fails open lets the request pass, but the file would not be what it should.
    fs::write(&input, POD).unwrap();
    let broken = policy_of(
        "{match: {kinds: [Pod]}, on_error: allow}",
        "mutate contains {\"op\": \"set\", \"path\": [\"kind\", \"x\"], \"value\": 1} if input.request.name != \"sample\"",
    );
    let output = policy_with(
        &["test", "--mutate", "--write", text(&target), "--policies", text(broken.path()), text(&input)],
        "",
    );
    check(&output, 2, &["nothing is written"]);
    assert!(!target.exists(), "{}", stderr(&output));
}
