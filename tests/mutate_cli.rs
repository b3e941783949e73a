//! Mutation for people and pipelines: what `policy test --mutate`, `policy verify` and `policy explain` say of it, and
//! that the webhook gives the same patches.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its set-up fails")]

#[path = "support/command.rs"]
mod command;

#[cfg(test)]
mod mutate_cli {
    mod agree;
    mod suites;
    mod written;
}

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;

/// The directory of this test's policies and manifests.
fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate_cli")
}

/// Runs `policy` in that directory.
fn policy_with(arguments: &[&str], stdin: &str) -> Output {
    let mut command = command::policy(arguments);
    // A debug build on a busy machine is slower than any policy should be.
    command.current_dir(home()).env("PORTCULLIS_POLICY_BUDGET", "5000");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Mutates and tests by the policies of this test.
fn mutate(arguments: &[&str], stdin: &str) -> Output {
    policy_with(&[&["test", "--mutate", "--policies", "policies"], arguments].concat(), stdin)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

#[track_caller]
fn check(output: &Output, code: i32, expected: &[&str]) {
    let text = format!("{}{}", stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{text}");
    for expected in expected {
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    }
}

fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mutate_cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter("[0-9a-f]{16}", "[revision]");
    settings.add_filter(r"\d+ µs", "[time]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A directory with one policy, whose METADATA says this and whose rules are these.
fn policy_of(custom: &str, rules: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    add_policy(&directory, "one", custom, rules);
    directory
}

fn add_policy(directory: &tempfile::TempDir, name: &str, custom: &str, rules: &str) {
    let text = format!("# METADATA\n# title: T\n# custom: {custom}\npackage policies.{name}\n\n{rules}\n");
    fs::write(directory.path().join(format!("{name}.rego")), text).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n";

#[test]
fn text_shows_a_difference_for_each_object_that_changes() {
    let output = mutate(&["input"], "");
    check(&output, 1, &["5 mutated"]);
    assert_snapshot("text", &stdout(&output));
    assert!(output.stderr.is_empty() && !stdout(&output).contains('\u{1b}'));
}

#[test]
fn json_holds_the_patch_of_each_object_and_who_made_it() {
    let output = mutate(&["--format", "json", "input"], "");
    check(&output, 1, &[]);
    assert_snapshot("json", &stdout(&output));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/report.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&json(&output))
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "the report fulfils its schema");
}

#[test]
fn nothing_is_mutated_unless_asked_for() {
    let output = policy_with(&["test", "--policies", "policies", "--format", "json", "input"], "");
    // The Pods lack what mutators would have filled in.
    assert_eq!(json(&output)["summary"]["denied"], 5, "{}", stdout(&output));
    assert!(!stdout(&output).contains("mutatedBy") && !stdout(&output).contains("\"patch\""));
}

#[test]
fn other_forms_say_the_same_with_and_without_what_changed() {
    for format in ["junit", "sarif", "github", "gitlab"] {
        let shown = stdout(&mutate(&["--format", format, "input/pod.json"], ""));
        assert!(shown.contains("automountServiceAccountToken") && !shown.contains("runAsNonRoot"), "{format}: {shown}");
    }
}

#[test]
fn mutators_that_disagree_are_errors_and_nothing_is_half_done() {
    let custom = "{match: {kinds: [Pod]}}";
    let rule =
        |value: &str| format!("mutate contains {{\"op\": \"set\", \"path\": [\"spec\", \"x\"], \"value\": {value}}}");
    let directory = policy_of(custom, &rule("1"));
    add_policy(&directory, "two", custom, &rule("2"));
    let run = |more: &[&str]| {
        let arguments = [&["test", "--mutate", "--policies", text(directory.path())], more, &["-"]].concat();
        policy_with(&arguments, POD)
    };
    check(&run(&[]), 2, &["one could not be evaluated: two wants something else at spec.x", "1 denied"]);
    let report = json(&run(&["--format", "json"]));
    let result = &report["results"][0];
    assert_eq!((&result["patch"], &result["mutatedBy"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!((&result["allowed"], result["errors"].as_array().unwrap().len()), (&Value::Bool(false), 2));
}

#[test]
fn a_mutator_that_never_rests_is_an_error() {
    let rule = "mutate contains {\"op\": \"append\", \"path\": [\"spec\", \"x\"], \"value\": count(object.get(input.pod.spec, \"x\", []))}";
    let directory = policy_of("{match: {kinds: [Pod]}}", rule);
    let output = policy_with(&["test", "--mutate", "--policies", text(directory.path()), "-"], POD);
    check(&output, 2, &["mutation does not come to rest"]);
}

#[test]
fn violations_point_to_what_the_author_wrote() {
    let rules = "mutate contains {\"op\": \"default\", \"path\": [\"spec\", \"securityContext\", \"x\"], \"value\": {\"y\": 1}}\n\n\
        deny contains {\"msg\": \"y\", \"field\": \"spec.securityContext.x.y\"} if input.pod.spec.securityContext.x.y == 1\n\n\
        deny contains {\"msg\": \"image\", \"field\": \"spec.containers[0].image\"} if input.pod.spec.securityContext";
    let directory = policy_of("{match: {kinds: [Pod]}}", rules);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: a\n    image: b\n";
    let output = policy_with(&["test", "--mutate", "--policies", text(directory.path()), "-"], pod);
    check(&output, 1, &["<stdin>:5:1: deny: one (medium): y", "found   1\n", "<stdin>:8:5: deny: one (medium): image"]);
}

#[test]
fn no_secret_is_shown_in_a_difference() {
    let rule = "mutate contains {\"op\": \"default\", \"path\": [\"metadata\", \"labels\", \"a\"], \"value\": \"b\"}";
    let directory = policy_of("{match: {kinds: [Pod, Secret]}}", rule);
    let objects =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pin: '12', p: |-\n    swordfish\n    two}\n"
            .replace("p: |-\n    swordfish\n    two", "p: swordfish");
    let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, \
               env: [{name: PASSWORD, value: hunter2}]}]}\n";
    let arguments = ["test", "--mutate", "--policies", text(directory.path()), "-"];
    let output = policy_with(&arguments, &format!("{objects}{pod}"));
    let shown = stdout(&output);
    assert!(shown.contains("2 mutated") && shown.contains("(masked)"), "{shown}");
    assert!(!["swordfish", "'12'", "\"12\"", "hunter2"].iter().any(|secret| shown.contains(secret)), "{shown}");
}

#[test]
fn explain_says_what_each_mutator_changes_and_why_not() {
    let output = policy_with(&["explain", "--policies", "policies", "input/deployment.yaml"], "");
    check(
        &output,
        0,
        &["harden: not matched: templates are left to their owners unless its match says `templates: true`"],
    );
    assert_snapshot("explain", &stdout(&output));
    let update = policy_with(&["explain", "--policies", "policies", "--operation", "UPDATE", "input/pod.json"], "");
    check(&update, 0, &["harden: not matched: it mutates on CREATE only, not on UPDATE"]);
}

#[test]
fn list_says_when_and_where_a_policy_mutates() {
    let output = policy_with(&["list", "--policies", "policies"], "");
    check(
        &output,
        0,
        &["  mutates     on CREATE, priority 50\n", "  mutates     on CREATE, priority 100, templates too\n"],
    );
}
