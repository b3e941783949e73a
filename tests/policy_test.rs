//! `policy test` as people and pipelines run it: its output and its exit codes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its set-up fails")]

#[cfg(test)]
mod policy_test {
    mod extra;
    mod outputs;
    mod progress;
    mod stream;
}

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The command in the directory of inputs.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policy"));
    command.current_dir(inputs()).args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTCULLIS_")) {
        command.env_remove(name);
    }
    // A debug build on a busy machine is slower than any policy should be.
    command.env("PORTCULLIS_POLICY_BUDGET", "5000");
    command
}

/// Runs the command in the directory of inputs.
fn policy_with(arguments: &[&str], stdin: &str) -> Output {
    let mut command = command(arguments);
    let piped = || Stdio::piped();
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn policy(arguments: &[&str]) -> Output {
    policy_with(arguments, "")
}

fn inputs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_test/input")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

#[track_caller]
fn check_exit(arguments: &[&str], stdin: &str, code: i32, expected: &str) {
    let output = policy_with(arguments, stdin);
    let text = format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(expected), "expected `{expected}` in: {text}");
}

/// A file in a directory of its own, which lives as long as the first part.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    (directory, path.display().to_string())
}

fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("policy_test");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter("[0-9a-f]{16}", "[revision]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What the snapshots are judged by, and not as many as are shipped.
const THREE: &str = "require_non_root,require_probes,require_resources";

#[test]
fn text_names_each_place_and_what_to_do() {
    let output = policy(&["test", "--profile", "none", "--policy", THREE, "bad.yaml", "good.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_snapshot("text", &stdout(&output));
    assert!(output.stderr.is_empty());
}

#[test]
fn json_says_the_same_in_a_stable_form() {
    let output = policy(&["test", "--format", "json", "--profile", "none", "--policy", THREE, "bad.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_snapshot("json", &stdout(&output));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/report.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&json(&output))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0], "the report fulfils its schema");
}

#[test]
fn nothing_secret_and_no_colour_is_shown() {
    for format in ["text", "json"] {
        let shown = stdout(&policy(&["test", "--format", format, "bad.yaml"]));
        assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn exit_codes_tell_clean_from_violated_from_unknown() {
    check_exit(&["test", "good.yaml"], "", 0, "0 denied");
    check_exit(&["test", "bad.yaml"], "", 1, "denied");
    check_exit(&["test", "missing.yaml"], "", 2, "missing.yaml: error: cannot be read");
    check_exit(&["test", "good.yaml", "-"], "a: [", 2, "<stdin>:");
    check_exit(&["test", "-"], "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", 2, "nothing evaluated");
    check_exit(&["test", "-"], "replicas: 3\n", 2, "<stdin>:1: skipped: no Kubernetes object");
    check_exit(&["test", "-"], "", 2, "nothing evaluated");
    check_exit(&["test", "-"], "{{ if .x }}\nkind: Pod\n{{ end }}\n", 2, "helm template . | policy test -");
    check_exit(&["test"], "", 2, "PATH");
    check_exit(&["test", "--operation", "PATCH", "good.yaml"], "", 2, "expected one of CREATE, UPDATE");
    check_exit(&["test", "--policy", "require_prob", "good.yaml"], "", 2, "no such policy");
    check_exit(&["test", "--policy", "require_probe", "good.yaml"], "", 2, "did you mean require_probes?");
    check_exit(&["test", "--policies", "nowhere", "good.yaml"], "", 2, "nowhere: cannot be read");
}

#[test]
fn a_chosen_policy_judges_alone() {
    let output = policy(&["test", "--policy", "require_probes", "--format", "json", "bad.yaml"]);
    let policies: Vec<String> = json(&output)["results"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|result| result["violations"].as_array().unwrap())
        .map(|violation| violation["policy"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(policies, ["require_probes"]);
}

#[test]
fn warnings_fail_only_when_asked_to() {
    let (_directory, config) = file(
        "config.yaml",
        "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides: [{set: {enforcement: warn}}]\n",
    );
    check_exit(&["test", "--config", &config, "bad.yaml"], "", 0, "warn: require_non_root (high)");
    check_exit(&["test", "--config", &config, "--fail-on", "warn", "bad.yaml"], "", 1, "0 denied");
}

#[test]
fn a_namespace_among_the_input_gives_its_labels_to_the_others() {
    let (_directory, config) = file(
        "config.yaml",
        "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
         - where: {namespaceSelector: {matchLabels: {tier: sandbox}}}\n  set: {enforcement: audit}\n",
    );
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: batch, labels: {tier: sandbox}}\n";
    let arguments = ["test", "--config", &config, "--format", "json", "bad.yaml", "-"];
    let output = policy_with(&arguments, namespace);
    let report = json(&output);
    let result = |name: &str| {
        let results = report["results"].as_array().unwrap();
        results.iter().find(|result| result["object"]["name"] == name).unwrap().clone()
    };
    assert_eq!(result("cron")["violations"][0]["enforcement"], "audit");
    // The other namespace's labels are not known, so neither is its verdict.
    assert_eq!(result("pod")["errors"][0]["outcome"], "unavailable");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_review_keeps_its_own_operation_and_user() {
    let text = "# METADATA\n# title: T\n# custom:\n#   match: {kinds: [Pod], operations: [DELETE], users: [eve]}\n\
                package policies.keep\ndeny contains \"kept\" if input.request.oldObject.spec\n";
    let (_directory, policies) = file("keep.rego", text);
    let review = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",
        "kind":{"group":"","version":"v1","kind":"Pod"},"name":"a","namespace":"n","operation":"DELETE",
        "userInfo":{"username":"eve"},"oldObject":{"apiVersion":"v1","kind":"Pod","spec":{}}}}"#;
    check_exit(&["test", "--policies", &policies, "-"], review, 1, "v1 Pod n/a");
    check_exit(&["test", "--policies", &policies, "-"], &review.replace("eve", "bob"), 2, "nothing evaluated");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n";
    check_exit(&["test", "--policies", &policies, "--operation", "delete", "--user", "eve", "-"], pod, 1, "kept");
    check_exit(&["test", "--policies", &policies, "--operation", "DELETE", "-"], pod, 2, "nothing evaluated");
}

#[test]
fn a_policy_that_breaks_could_not_tell() {
    let body = |custom: &str| {
        format!(
            "# METADATA\n# title: T\n# custom:\n#   match: {{kinds: [Service]}}\n{custom}package policies.broken\n\
             deny contains to_number(input.request.name)\n"
        )
    };
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";
    let (_directory, policies) = file("broken.rego", &body(""));
    check_exit(&["test", "--policies", &policies, "-"], service, 2, "broken could not be evaluated");
    let (_directory, policies) = file("broken.rego", &body("#   on_error: allow\n"));
    check_exit(&["test", "--policies", &policies, "-"], service, 0, "on_error is allow");
}

#[test]
fn the_users_own_v0_policy_denies_and_passes() {
    let policies =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_test/v0/non_root.rego").display().to_string();
    check_exit(&["test", "--policies", &policies, "bad.yaml"], "", 1, "non_root (medium): Pods must not run as root");
    check_exit(&["test", "--policies", &policies, "good.yaml"], "", 0, "0 denied");
    check_exit(&["list", "--policies", &policies], "", 0, "rego        v0");
}
