//! Policies that cannot be loaded.

use std::fs;

use super::run::{refused, run, says};
use crate::policies::{against_all, policy_text};

/// Refuses a directory with `files` in each command that loads policies.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let path = directory.path().to_str().unwrap();
    refused(&["serve", "--policies", path], expected);
    refused(&["list", "--policies", path], expected);
    refused(&["verify", path], expected);
    let checked = run(&["check", path]);
    // Finding faults is what `check` is for: they are its result.
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(2), ""), "{}", checked.stdout);
    says(&checked.stdout, &[": error", "not loadable: 1 error"]);
    let word = regex::Regex::new(r": error( \[[a-z-]+\])?: ").unwrap();
    let as_complained = word.replace_all(&checked.stdout, ": ").replace("\n    fix     ", "\n  fix: ");
    says(&as_complained, expected);
}

#[track_caller]
fn check_rules(rules: &str, expected: &[&str]) {
    check(&[("p.rego", &policy_text("p", &[], rules))], expected);
}

#[track_caller]
fn check_metadata(line: &str, expected: &[&str]) {
    check(&[("p.rego", &policy_text("p", &[line], "deny contains \"no\" if true"))], expected);
}

#[test]
fn text_that_is_no_rego() {
    check_rules("deny contains \"no\" if {\n\tinput.a ==\n}", &["p.rego:9:1: ", "\n  fix: "]);
    check_rules("deny contains \"no", &["p.rego:7:18: invalid character in string", "\n  fix: "]);
    let imports = "import rego.v1\n\ndeny[msg] { msg := \"no\" }";
    check_rules(
        imports,
        &["p.rego:9:11: ", "\n  fix: the file imports rego.v1: write rules as `deny contains msg if { … }`"],
    );
    let nested = format!("x := {}1{}", "[".repeat(40), "]".repeat(40));
    check_rules(
        &nested,
        &["p.rego:7:22: brackets are nested deeper than 16 levels", "\n  fix: give the inner part a name"],
    );
    let sum = vec!["1"; 10_000].join(" +\n");
    check_rules(&format!("x := {sum}"), &["expression has more than 250 parts in a row", "\n  fix: give some of them"]);
    check(&[("p.rego", "")], &["p.rego:1:1: ", "\n  fix: "]);
}

#[test]
fn metadata_that_is_absent_or_wrong() {
    let bare = "package policies.p\n\ndeny contains \"no\" if true\n";
    check(&[("p.rego", bare)], &["p.rego:1: policy has no METADATA", "\n  fix: write above the package: # METADATA"]);
    check_metadata(
        "severty: low",
        &["p.rego:5:5: METADATA.custom has no field \"severty\"", "\n  fix: did you mean `severity`?"],
    );
    check_metadata(
        "enforcement: dney",
        &[
            "p.rego:5:18: field \"enforcement\" of METADATA.custom must be one of deny, warn, audit, found the string \"dney\"",
            "\n  fix: did you mean `deny`?",
        ],
    );
    check_metadata("on_error: [deny]", &["p.rego:5:15: ", "must be one of allow, warn, deny, found a list"]);
    check_metadata("needs: [weather]", &["p.rego:5:13: need \"weather\" is not known", "\n  fix: known is: namespace"]);
    check_metadata(
        "match: {kinds: [Pod], operation: [CREATE]}",
        &["p.rego:5:27: ", "\n  fix: did you mean `operations`?"],
    );
    let severity = policy_text("p", &[], "deny contains \"no\" if true").replace("high", "urgent");
    check(
        &[("p.rego", &severity)],
        &["p.rego:4:15: ", "must be one of low, medium, high, critical, found the string \"urgent\""],
    );
    let yaml = policy_text("p", &[], "deny contains \"no\" if true").replace("title: p", "title: [");
    check(&[("p.rego", &yaml)], &["p.rego:4:13: is no YAML: "]);
}

#[test]
fn rules_that_would_deny_nothing() {
    check_rules(
        "x := 1",
        &[
            "p.rego:5: policy has no rule named deny, warn or mutate",
            "\n  fix: write `deny contains violation if { … }`",
        ],
    );
    check_rules("deny := \"no\"", &["p.rego:7: rule deny is not a set of violations", "\n  fix: write `deny contains"]);
    check_rules(
        "deny if input.request.name == \"x\"",
        &["p.rego:7: rule deny is not a set", "\n  fix: write `deny contains"],
    );
    check_rules(
        "warn := {}\ndeny contains \"no\" if true",
        &["p.rego:7: rule warn is empty and denies nothing", "\n  fix: "],
    );
    check_rules("deny := set()", &["p.rego:7: rule deny is ", "\n  fix: "]);
}

#[test]
fn rules_that_could_not_be_evaluated() {
    let recursive = "f(x) := g(x)\n\ng(x) := f(x)\n\ndeny contains f(\"no\") if true";
    check_rules(recursive, &["p.rego:7: rules are recursive: f -> g -> f", "\n  fix: Rego has no recursion"]);
    check_rules("deny contains nope(1) if true", &["p.rego:7:15: function nope is not known", "\n  fix: define it"]);
    check_rules(
        "deny contains http.send({}).body if true",
        &["p.rego:7:15: function http.send is not allowed", "\n  fix: policies reach no network"],
    );
    check_rules(
        "deny contains sprintf(\"%s %s\", [1]) if true",
        &["p.rego:7:15: sprintf has 2 verbs in its format but 1 arguments", "\n  fix: give one argument for each verb"],
    );
    check_rules(
        "f(x) := x\n\ndeny contains f(1, 2, 3) if true",
        &["p.rego:9:15: function f takes 1 arguments, 3 given"],
    );
    check_rules(
        "deny contains {\"message\": \"no\"} if true",
        &[
            "p.rego: policy cannot be evaluated on an ordinary Pod: deny yields an object with the keys \"message\"",
            "; a violation is a string or an object {msg, field?, remedy?, details?} of strings",
        ],
    );
}

#[test]
fn two_policies_of_one_name() {
    let text = against_all("p", "no");
    check(
        &[("a/a.rego", &text), ("b/b.rego", &text)],
        &["b/b.rego: policy p is also defined in ", "a/a.rego\n  fix: give one of them another package or file name"],
    );
}

#[test]
fn every_mistake_is_told_not_only_the_first() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.rego"), policy_text("a", &[], "x := 1")).unwrap();
    fs::write(directory.path().join("b.rego"), policy_text("b", &[], "deny := 1")).unwrap();
    let path = directory.path().to_str().unwrap();
    refused(&["serve", "--policies", path], &["a.rego:5: ", "b.rego:7: "]);
    says(&run(&["check", path]).stdout, &["not loadable: 2 errors"]);
}
