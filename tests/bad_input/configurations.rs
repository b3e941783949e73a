//! Configurations that cannot be loaded.

use std::fs;

use super::run::{refused, run, says};

const HEAD: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\n";

/// Refuses a configuration in each command that loads one.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.yaml");
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    for command in ["serve", "list"] {
        refused(&[command, "--config", path], expected);
    }
    let checked = run(&["check", "--config", path]);
    assert_eq!(checked.code, Some(2), "{}", checked.stdout);
    says(&checked.stdout, &["config.yaml", ": error: ", "not loadable: "]);
}

#[track_caller]
fn check_body(body: &str, expected: &[&str]) {
    check(&format!("{HEAD}{body}"), expected);
}

#[test]
fn text_that_is_no_configuration() {
    check("a: [", &["config.yaml:2:1: is no YAML: "]);
    check("a:\n\tb: 1", &["config.yaml:2:", "\n  fix: indent with spaces, YAML allows no tabs"]);
    check("just text", &["config.yaml:1:1: Config must be a mapping, found the string \"just text\""]);
    check("", &["config.yaml"]);
    check("kind: Config\n", &["config.yaml:1:1: Config lacks the field \"apiVersion\"\n  fix: add `apiVersion:"]);
    check(
        "apiVersion: portcullis.dev/v1\nkind: Config\n",
        &["config.yaml:1:13: field \"apiVersion\" of Config must be portcullis.dev/v1alpha1, found the string"],
    );
    check("apiVersion: portcullis.dev/v1alpha1\nkind: Confg\n", &["config.yaml:2:7: ", "fix: did you mean `Config`?"]);
    check_body("kind: Config\n", &["config.yaml:3:1: "]);
}

#[test]
fn names_that_mean_nothing() {
    check_body(
        "overides: []\n",
        &["config.yaml:3:1: Config has no field \"overides\"\n  fix: did you mean `overrides`?"],
    );
    check_body(
        "overrides:\n- select: {policies: [require_prob]}\n  set: {enforcement: warn}\n",
        &["config.yaml:4:23: \"require_prob\" fits no policy\n  fix: "],
    );
    check_body(
        "overrides:\n- select: {policies: [pass_*]}\n  set: {enforcement: warn}\n",
        &["config.yaml:4:23: \"pass_*\" fits no policy\n  fix: see policy list"],
    );
    check_body(
        "exemptions:\n- policies: [require_probe]\n  match: {namespaces: [batch]}\n",
        &["config.yaml:4:14: \"require_probe\" fits no policy\n  fix: did you mean require_probes?"],
    );
    check_body(
        "overrides:\n- set: {enforcement: refuse}\n",
        &["config.yaml:4:22: field \"enforcement\" of override.set must be one of off, audit, warn, deny"],
    );
    check_body(
        "overrides:\n- select: {severities: [urgent]}\n  set: {enforcement: warn}\n",
        &["config.yaml:4:25: severity \"urgent\" is not known\n  fix: known are: low, medium, high, critical"],
    );
}

#[test]
fn parameters_that_no_policy_has() {
    check_body(
        "overrides:\n- select: {policies: [require_probes]}\n  set: {parameters: {prob: [livenessProbe]}}\n",
        &["config.yaml:5:9: parameters do not fit policy require_probes: ", "'prob'", "\n  fix: see policy list"],
    );
    check_body(
        "overrides:\n- select: {policies: [require_probes]}\n  set: {parameters: {probes: [healthProbe]}}\n",
        &["config.yaml:5:9: parameters do not fit policy require_probes: probes/0: ", "\n  fix: see policy list"],
    );
}

#[test]
fn exemptions_that_would_hold_for_ever_by_mistake() {
    check_body(
        "exemptions:\n- policies: [require_probes]\n  match: {namespaces: [batch]}\n  expires: soon\n",
        &["config.yaml:6:12: field \"expires\" of exemption must be a day, found ", "\n  fix: write it as YYYY-MM-DD"],
    );
    check_body(
        "exemptions:\n- policies: [require_probes]\n",
        &["config.yaml:4:3: exemption lacks the field \"match\"\n  fix: "],
    );
}
