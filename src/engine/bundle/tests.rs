//! Which files become policies, under which names, and what is said of those that cannot.

use super::super::rego::Dialect;
use super::super::source::Source;
use super::{Bundle, BundleError};

const V0: &str = "package kubernetes.admission\ndeny[msg] { input.request.object.spec.x; msg := \"no\" }\n";

/// A v1 policy of this name and body.
fn policy(name: &str, body: &str) -> String {
    format!("# METADATA\n# title: T\n# custom:\n#   severity: low\npackage policies.{name}\n{body}\n")
}

fn denies(name: &str) -> String {
    policy(name, "deny contains \"no\" if input.pod.spec.x")
}

fn read(files: &[(&str, &str)]) -> Result<Bundle, BundleError> {
    Bundle::read("policies", files.iter().map(|(file, text)| Source::new(*file, *text)).collect())
}

/// The policies of these files, in order, as `name file`.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let bundle = read(files).unwrap_or_else(|error| panic!("{error}"));
    let named: Vec<String> = bundle
        .policies
        .iter()
        .map(|policy| format!("{} {}", policy.name, policy.file.trim_start_matches("policies/")))
        .collect();
    assert_eq!(named, expected);
}

/// All that is said against these files, in order.
#[track_caller]
fn check_refused(files: &[(&str, &str)], expected: &[&str]) {
    let error = read(files).unwrap_err();
    let said: Vec<String> = error.0.iter().map(ToString::to_string).collect();
    let fits = said.len() == expected.len() && said.iter().zip(expected).all(|(said, part)| said.contains(part));
    assert!(fits, "expected {expected:#?} in {said:#?}");
}

/// What is said against a v1 policy with this body, which begins on line 6.
#[track_caller]
fn check_body_refused(body: &str, expected: &str) {
    check_refused(&[("policies/a/a.rego", &policy("a", body))], &[expected]);
}

#[test]
fn a_package_names_its_policy() {
    let (a, b) = (denies("a"), denies("b"));
    check(&[("policies/x/y.rego", &b), ("policies/z/z.rego", &a)], &["a z/z.rego", "b x/y.rego"]);
    let v0 = V0.replace("kubernetes.admission", "policies.named");
    check(&[("policies/x/y.rego", &v0)], &["named x/y.rego"]);
}

#[test]
fn other_packages_are_named_by_directory_or_file() {
    check(&[("policies/no_root/policy.rego", V0)], &["no_root no_root/policy.rego"]);
    check(&[("policies/no_root.rego", V0)], &["no_root no_root.rego"]);
    let tests = "package kubernetes.admission\ntest_x { deny[\"no\"] with input.request.object.spec.x as 1 }\n";
    check(&[("policies/x/p.rego", V0), ("policies/x/p_test.rego", tests)], &["x x/p.rego"]);
    check(&[("policies/x/p.rego", V0), ("policies/x/q.rego", V0)], &["p x/p.rego", "q x/q.rego"]);
    check(&[("policies/x/y/p.rego", V0)], &["y x/y/p.rego"]);
}

#[test]
fn a_v0_policy_without_metadata_denies_pods() {
    let bundle = read(&[("policies/p.rego", V0)]).unwrap();
    let policy = &bundle.policies[0];
    assert_eq!(policy.dialect, Dialect::V0);
    assert_eq!(policy.metadata, super::super::metadata::Metadata::unstated("p"));
    assert_eq!(bundle.sources.len(), 1);
}

#[test]
fn libraries_are_imported_and_are_no_policies() {
    let uses = policy("a", "import data.lib.pods\ndeny contains \"no\" if pods.bad(input.pod)");
    let library = "package lib.pods\nbad(pod) if pod.spec.x\n";
    let files = [("policies/a/a.rego", uses.as_str()), ("policies/lib/pods.rego", library)];
    check(&files, &["a a/a.rego"]);
    check(&[files[0], ("policies/a/lib/pods.rego", library)], &["a a/a.rego"]);
    let bundle = read(&files).unwrap();
    assert_eq!(bundle.sources.len(), 2, "a library is part of the revision");
    check_refused(&files[..1], &["a.rego:7:"]);
    check_refused(
        &[files[0], ("policies/lib/pods.rego", "package lib.pods\nbad(pod) if")],
        &["lib/pods.rego:", "a.rego:7:"],
    );
}

#[test]
fn tests_are_compiled_with_their_policies_and_the_libraries() {
    let tests =
        "package policies.a_test\nimport data.policies.a\ntest_denies if \"no\" in a.deny with input.pod.spec.x as 1\n";
    let (a, library) = (denies("a"), "package lib.pods\nx := 1\n");
    let files =
        [("policies/a/a.rego", a.as_str()), ("policies/a/a_test.rego", tests), ("policies/lib/pods.rego", library)];
    let bundle = read(&files).unwrap();
    assert_eq!(bundle.policies.len(), 1);
    let with: Vec<&str> = bundle.tests[0].with.iter().map(|module| module.source.file.as_ref()).collect();
    assert_eq!(with, ["policies/a/a.rego", "policies/lib/pods.rego"]);
    assert!(bundle.sources.iter().all(|source| !source.is_test()), "a test is no part of the revision");
}

#[test]
fn a_v1_policy_states_its_contract() {
    let bare = "package policies.a\ndeny contains \"no\" if input.x\n";
    check_refused(&[("policies/a/a.rego", bare)], &["a.rego:1: policy has no METADATA\n  fix: write above"]);
    check_refused(&[("policies/a/a.rego", &denies("a").replace("low", "hihg"))], &["a.rego:4:15: "]);
}

#[test]
fn a_policy_that_can_deny_nothing_is_refused() {
    check_body_refused(
        "x := 1",
        "a.rego:5: policy has no rule named deny, warn or mutate\n  fix: write `deny contains",
    );
    check_body_refused("deny := set()", "a.rego:6: rule deny is empty and denies nothing");
    check_body_refused("deny := []", "a.rego:6: rule deny is empty and denies nothing");
    check_body_refused("warn := {}", "a.rego:6: rule warn is empty and denies nothing");
    check_body_refused("deny := \"no\"", "a.rego:6: rule deny is not a set of violations");
    check_body_refused("deny if input.x", "a.rego:6: rule deny is not a set of violations");
    check_body_refused("default deny := false\ndeny if input.x", "rule deny is not a set of violations");
    check_body_refused("deny contains \"a\" if input.x\nwarn if input.x", "a.rego:7: rule warn is not a set");
    let v0 = "package p\nviolation[msg] { msg := \"no\" }\n";
    check_refused(
        &[("policies/p.rego", v0)],
        &["p.rego:1: policy has no rule named deny, warn or mutate\n  fix: write `deny[msg]"],
    );
}

#[test]
fn a_policy_is_proven_on_an_ordinary_pod() {
    check_body_refused(
        "deny contains 1 if true",
        "policy cannot be evaluated on an ordinary Pod: deny yields a number",
    );
    check_body_refused("deny contains {\"message\": \"no\"} if true", "an object with the keys \"message\"");
    check_body_refused(
        "deny contains msg if msg := upper(input.containers)",
        "policy cannot be evaluated on an ordinary Pod",
    );
    check_body_refused("deny contains \"no\" if nothing(input)", "function nothing is not known");
    let of_services = denies("a").replace("severity: low", "severity: low\n#   match: {kinds: [Service]}");
    let broken_on_pods = of_services.replace("if input.pod.spec.x", "if upper(input.containers) == \"X\"");
    check(&[("policies/a/a.rego", &broken_on_pods)], &["a a/a.rego"]);
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let a = denies("a");
    check_refused(
        &[("policies/x/x.rego", &a), ("policies/y/y.rego", &a)],
        &["y/y.rego: policy a is also defined in policies/x/x.rego\n  fix: give one"],
    );
    check_refused(
        &[("policies/x/a.rego", V0), ("policies/a/p.rego", V0), ("policies/x/b.rego", V0)],
        &["x/a.rego: policy a is also defined in policies/a/p.rego"],
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let good = denies("good");
    check_refused(
        &[
            ("policies/a/a.rego", "package policies.a\ndeny contains"),
            ("policies/b/b.rego", &policy("b", "deny := set()")),
            ("policies/good/good.rego", &good),
            ("policies/c/c.rego", "package policies.c\ndeny contains 1 if true\n"),
        ],
        &["a/a.rego:2:", "b/b.rego:6: ", "c/c.rego:1: policy has no METADATA"],
    );
}

#[test]
fn nothing_is_a_bundle_of_nothing() {
    check(&[], &[]);
}
