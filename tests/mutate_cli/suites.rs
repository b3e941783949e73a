//! Suites of policies that mutate: what they change is compared, and must be all there is to do.

use std::fs;
use std::path::Path;

use crate::{check, policy_with, text};

const SUITE: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Suite\ncases:\n- name: it\n";
const OBJECT: &str = "  object: {apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: a}}, spec: {containers: [{name: c, image: i}]}}\n";
const RUN_AS: &str = "{op: add, path: /spec/securityContext, value: {runAsNonRoot: true}}";
const DROP: &str = "{op: add, path: /spec/containers/0/securityContext, value: {capabilities: {drop: [ALL]}}}";

/// Runs one case of the policy `harden`.
#[track_caller]
fn case(more: &str, code: i32, expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate_cli/policies/harden.rego");
    fs::copy(policy, directory.path().join("harden.rego")).unwrap();
    fs::write(directory.path().join("suite.yaml"), format!("{SUITE}{OBJECT}{more}")).unwrap();
    fs::write(
        directory.path().join("after.yaml"),
        "spec:\n  securityContext: {runAsNonRoot: true}\n  containers:\n  - securityContext: {capabilities: {drop: [ALL]}}\n    \
         name: c\n    image: i\nkind: Pod\napiVersion: v1\nmetadata: {name: a, labels: {app: a}}\n",
    )
    .unwrap();
    check(&policy_with(&["verify", text(directory.path()), "--coverage", "text"], ""), code, expected);
}

#[test]
fn a_patch_is_expected_as_operations_in_any_order() {
    case(&format!("  expect: {{outcome: allow, patch: [{RUN_AS}, {DROP}]}}\n"), 0, &["1 passed", "100.0 %"]);
    case(&format!("  expect: {{outcome: allow, patch: [{DROP}, {RUN_AS}]}}\n"), 0, &["1 passed"]);
    case("  expect: {outcome: allow}\n", 0, &["1 passed"]);
    case("  operation: UPDATE\n  expect: {outcome: skip, patch: []}\n", 0, &["1 passed"]);
    case("  enforcement: warn\n  expect: {outcome: warn, patch: []}\n", 0, &["1 passed"]);
    let wrong = RUN_AS.replace("true", "false");
    case(
        &format!("  expect: {{outcome: allow, patch: [{DROP}, {wrong}]}}\n"),
        1,
        &[
            "FAIL harden/it",
            "  - expected patch: {\"op\":\"add\",\"path\":\"/spec/securityContext\",\"value\":{\"runAsNonRoot\":false}}",
            "  + got      patch: {\"op\":\"add\",\"path\":\"/spec/securityContext\",\"value\":{\"runAsNonRoot\":true}}",
        ],
    );
    case(
        &format!("  expect: {{outcome: allow, patch: [{DROP}]}}\n"),
        1,
        &["+ got      patch: {\"op\":\"add\",\"path\":\"/spec/sec"],
    );
}

#[test]
fn a_patched_object_is_expected_whole() {
    case("  expect: {outcome: allow, patched: after.yaml}\n", 0, &["1 passed"]);
    case(
        &format!("  expect: {{outcome: allow, patched: {}}}\n", OBJECT.trim().trim_start_matches("object: ")),
        1,
        &["--- expected\n", "+++ got\n", "\n  +    securityContext:\n", "\n  +    runAsNonRoot: true\n"],
    );
}

#[test]
fn what_a_suite_cannot_mean_is_refused() {
    let refused = |patch: &str, expected: &str| {
        case(&format!("  expect: {{outcome: allow, patch: [{patch}]}}\n"), 2, &[expected]);
    };
    refused("{op: add, path: spec, value: 1}", "path of operation is no JSON Pointer");
    refused("{op: add, path: /spec}", "operation has no value");
    refused("{op: remove, path: /spec, value: 1}", "operation remove takes no value");
    refused("{op: test, path: /spec, value: 1}", "op");
    let directory = tempfile::tempdir().unwrap();
    let rule = "# METADATA\n# title: T\n# custom: {match: {kinds: [Pod]}}\npackage policies.d\n\ndeny contains \"x\" if input.none\n";
    fs::write(directory.path().join("d.rego"), rule).unwrap();
    fs::write(directory.path().join("suite.yaml"), format!("{SUITE}{OBJECT}  expect: {{outcome: allow, patch: []}}\n"))
        .unwrap();
    check(&policy_with(&["verify", text(directory.path())], ""), 2, &["no policy of the suite has a rule mutate"]);
}
