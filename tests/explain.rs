//! `policy explain` as people and scripts run it: what it says of policies that judge, of those that do not, and that it
//! never says otherwise than `policy test`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its set-up fails")]

#[path = "support/command.rs"]
mod command;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

/// Runs `policy` in the directory of tests.
fn policy_with(arguments: &[&str], stdin: &str) -> Output {
    let mut command = command::policy(arguments);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    // A debug build on a busy machine is slower than any policy should be.
    command.env("PORTCULLIS_POLICY_BUDGET", "5000");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Explains by the policies and the configuration of this test.
fn explain(arguments: &[&str]) -> Output {
    let policies = ["explain", "--policies", "explain/policies", "--config", "explain/config.yaml"];
    policy_with(&[&policies, arguments].concat(), "")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

fn items<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key} in {value}"))
}

#[track_caller]
fn check(arguments: &[&str], stdin: &str, code: i32, expected: &str) {
    let output = policy_with(&[&["explain"], arguments].concat(), stdin);
    let text = format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(expected), "expected `{expected}` in: {text}");
}

fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("explain");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter("[0-9a-f]{16}", "[revision]");
    settings.add_filter(r"\d+ µs", "[time]");
    settings.add_filter(r#""micros": \d+"#, r#""micros": "[time]""#);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn text_names_settings_exemptions_and_what_made_each_rule_fire() {
    let output = explain(&["explain/objects.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot("text", &stdout(&output));
    assert!(output.stderr.is_empty());
}

#[test]
fn json_says_the_same_in_a_stable_form() {
    let output = explain(&["--format", "json", "--policy", "images,ingress", "explain/objects.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot("json", &stdout(&output));
}

#[test]
fn no_secret_is_shown_however_short() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pin: '12', password: swordfish}\n\
                  data: {token: c3dvcmRmaXNo}\n";
    let rules =
        "deny contains \"secret\" if {\n\tobject := input.request.object\n\tsome name, value in object.stringData\n}";
    let directory = tempfile::tempdir().unwrap();
    let metadata = "# METADATA\n# title: T\n# custom:\n#   match: {kinds: [Secret]}\npackage policies.secrets\n\n";
    std::fs::write(directory.path().join("secrets.rego"), format!("{metadata}{rules}\n")).unwrap();
    let policies = directory.path().display().to_string();
    for format in ["text", "json"] {
        let shown = stdout(&policy_with(&["explain", "--policies", &policies, "--format", format, "-"], secret));
        let explained = shown.contains("token") && shown.contains("(masked)");
        let leaked = ["swordfish", "c3dvcmRmaXNo", "\"12\"", "\\\"12\\\""].iter().any(|value| shown.contains(value));
        assert!(explained && !leaked, "{shown}");
        let shown = stdout(&explain(&["--format", format, "explain/objects.yaml"]));
        assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn what_does_not_judge_is_told_why() {
    let policies = ["--policies", "explain/policies", "--policy", "images"];
    let objects = [&policies[..], &["explain/objects.yaml"]].concat();
    check(&objects, "", 0, "images: not matched: kind networking.k8s.io/v1/Ingress is none of Pod");
    let deleted = [&policies[..], &["--operation", "delete", "explain/objects.yaml"]].concat();
    check(&deleted, "", 0, "images: not matched: operation DELETE is none of CREATE, UPDATE");
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("off.yaml");
    let text = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n- set: {enforcement: off}\n";
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let off = [&policies[..], &["--config", &config, "explain/objects.yaml"]].concat();
    check(&off, "", 0, &format!("images: off: by {config}:4"));
}

#[test]
fn a_namespace_whose_labels_are_not_known_is_named_as_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("tier.yaml");
    let text = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
                - where: {namespaceSelector: {matchLabels: {tier: web}}}\n  set: {enforcement: warn}\n";
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: team}\nspec: {containers: [{name: a}]}\n";
    let arguments = ["--policies", "explain/policies", "--config", &config, "--policy", "images", "-"];
    check(
        &arguments,
        pod,
        0,
        "because   the labels of namespace \"team\" are not known: add its manifest to the input",
    );
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team, labels: {tier: web}}\n";
    check(&arguments, &format!("{pod}{namespace}"), 0, &format!("settings  enforcement warn ({config}:4)"));
}

#[test]
fn input_that_cannot_be_read_is_exit_2() {
    check(&["missing.yaml"], "", 2, "missing.yaml: error: cannot be read");
    check(&["-"], "a: [", 2, "<stdin>:");
    check(&["-"], "", 2, "0 objects explained");
    check(&[], "", 2, "FILE");
    check(&["--policy", "require_probe", "-"], "", 2, "did you mean require_probes?");
}

/// The objects of a report by place; what counts of each.
fn by_place<'a>(report: &'a Value, key: &str) -> BTreeMap<(String, u64), &'a Value> {
    let place = |object: &Value| (object["file"].as_str().unwrap().to_owned(), object["line"].as_u64().unwrap());
    items(report, key).iter().map(|object| (place(object), object)).collect()
}

/// The findings of an object, in an order of their own.
fn sorted<'a>(findings: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let keys = ["policy", "severity", "enforcement", "message", "field", "line", "column", "observed", "remedy"];
    let mut findings: Vec<String> = findings
        .map(|finding| keys.iter().map(|key| finding[*key].to_string()).collect::<Vec<_>>().join(" "))
        .collect();
    findings.sort();
    findings
}

/// Over every review there is: the same verdicts, and every violation with the rule that it comes from.
#[test]
fn explanations_agree_with_the_verdicts_of_policy_test() {
    let arguments = ["--format", "json", "--profile", "none", "--config", "golden/config.yaml", "golden/reviews"];
    let tested = json(&policy_with(&[&["test"], &arguments[..]].concat(), ""));
    let explained = json(&policy_with(&[&["explain"], &arguments[..]].concat(), ""));
    assert_eq!(tested["problems"], explained["problems"]);
    let (tested, explained) = (by_place(&tested, "results"), by_place(&explained, "objects"));
    assert!(tested.len() > 20 && tested.keys().eq(explained.keys()), "{:?}", tested.keys());
    let mut fired = 0;
    for (tested, explained) in tested.values().zip(explained.values()) {
        assert_eq!(tested["object"], explained["object"]);
        assert_eq!(tested["allowed"], explained["allowed"]);
        let policies = items(explained, "policies");
        let judging = policies.iter().filter(|policy| !policy["micros"].is_null()).count();
        assert_eq!(tested["evaluated"].as_u64(), Some(judging as u64));
        let violations = || policies.iter().flat_map(|policy| items(policy, "violations"));
        for (key, exempt) in [("violations", false), ("exempted", true)] {
            let said = violations().filter(|violation| violation["exempt"] == exempt);
            assert_eq!(sorted(said), sorted(items(tested, key).iter()));
        }
        let outcomes = ["error", "unavailable"];
        let undecided = policies.iter().filter(|policy| outcomes.contains(&policy["outcome"].as_str().unwrap()));
        assert_eq!(undecided.count(), items(tested, "errors").len());
        for violation in violations() {
            let rules = items(violation, "rules");
            assert!(!rules.is_empty(), "nothing is said of how it came about: {violation}");
            assert!(rules.iter().all(|rule| !items(rule, "values").is_empty()), "{violation}");
            fired += rules.len();
        }
    }
    assert!(fired > 50, "only {fired} rules fired");
}
