//! Policies beside the others: added, told apart, and configured by themselves.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::super::{command, json};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n\
                   spec: {containers: [{name: c, image: 'i:1'}]}\n";

/// A directory with `policies/`, `extra/` and a Pod.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "policies/main.rego", "main", "from main");
    fs::create_dir(home.path().join("policies/profiles")).unwrap();
    fs::write(
        home.path().join("policies/profiles/recommended.yaml"),
        "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
         - select: {policies: ['*']}\n  set: {enforcement: warn}\n",
    )
    .unwrap();
    write(home.path(), "extra/team.rego", "team", "from extra");
    fs::write(home.path().join("pod.yaml"), POD).unwrap();
    home
}

/// A policy that denies every Pod.
fn write(home: &Path, file: &str, name: &str, message: &str) {
    let file = home.join(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "# METADATA\n# title: T\n# custom:\n#   severity: high\n#   enforcement: deny\npackage policies.{name}\n\n\
         deny contains {message:?} if true\n"
    );
    fs::write(file, text).unwrap();
}

/// What the command says and its exit code, in `home`.
fn run(home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(arguments).current_dir(home).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// The enforcement of each policy that is listed.
fn listed(home: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let output = command(&[&["list", "--format", "json"], arguments].concat()).current_dir(home).output().unwrap();
    let report = json(&output);
    let text = |policy: &Value, key: &str| policy[key].as_str().unwrap().to_owned();
    let policies = report["policies"].as_array().unwrap();
    policies.iter().map(|policy| (text(policy, "name"), text(policy, "enforcement"))).collect()
}

fn pair(name: &str, enforcement: &str) -> (String, String) {
    (name.to_owned(), enforcement.to_owned())
}

const BOTH: [&str; 4] = ["--policies", "policies", "--extra-policies", "extra"];

#[test]
fn extra_policies_judge_beside_the_others_and_no_profile_concerns_them() {
    let home = home();
    assert_eq!(listed(home.path(), &BOTH), [pair("main", "warn"), pair("team", "deny")]);
    let (code, text) = run(home.path(), &[&["test"], &BOTH[..], &["pod.yaml"]].concat());
    assert!(code == Some(1) && text.contains("from main") && text.contains("from extra"), "{code:?}: {text}");
}

#[test]
fn the_configuration_reaches_both() {
    let home = home();
    let config = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
                  - select: {policies: [team]}\n  set: {enforcement: audit}\n";
    fs::write(home.path().join("config.yaml"), config).unwrap();
    let with_config = [&BOTH[..], &["--config", "config.yaml"]].concat();
    assert_eq!(listed(home.path(), &with_config), [pair("main", "warn"), pair("team", "audit")]);
}

#[test]
fn they_come_beside_the_shipped_ones_too() {
    let home = home();
    // Also from where shipped ones seem to lie.
    write(home.path(), "policies/sub/team.rego", "team_below", "x");
    for (directory, name) in [("extra", "team"), ("policies/sub", "team_below")] {
        let shipped = listed(home.path(), &[]);
        let mut all = listed(home.path(), &["--extra-policies", directory]);
        let at = all.iter().position(|(found, _)| found == name).unwrap();
        assert_eq!(all.remove(at).1, "deny");
        assert_eq!(all, shipped);
    }
    fs::remove_dir_all(home.path().join("policies/sub")).unwrap();
    let all = listed(home.path(), &["--extra-policies", "policies"]);
    assert!(all.contains(&pair("main", "deny")) && all.contains(&pair("require_probes", "warn")), "{all:?}");
}

#[test]
fn a_name_that_is_there_already_names_both_files() {
    let home = home();
    write(home.path(), "extra/again.rego", "main", "x");
    let (code, text) = run(home.path(), &[&["test"], &BOTH[..], &["pod.yaml"]].concat());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("extra/again.rego") && text.contains("policies/main.rego"), "{text}");
}

#[test]
fn a_library_is_no_way_into_the_policies_of_others() {
    let home = home();
    for directory in ["policies", "extra"] {
        fs::create_dir(home.path().join(directory).join("lib")).unwrap();
        fs::write(home.path().join(directory).join("lib/part.rego"), "package lib.part\n\nx := 1\n").unwrap();
    }
    let (code, text) = run(home.path(), &[&["test"], &BOTH[..], &["pod.yaml"]].concat());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("library lib.part is also defined in extra/lib/part.rego"), "{text}");
}

#[test]
fn an_extra_policy_may_use_the_libraries_of_the_others() {
    let home = home();
    fs::create_dir(home.path().join("policies/lib")).unwrap();
    fs::write(home.path().join("policies/lib/part.rego"), "package lib.part\n\nword := \"shared\"\n").unwrap();
    let text = "# METADATA\n# title: T\n# custom: {severity: high}\npackage policies.team\n\nimport data.lib.part\n\n\
                deny contains part.word if true\n";
    fs::write(home.path().join("extra/team.rego"), text).unwrap();
    let (code, text) = run(home.path(), &[&["test"], &BOTH[..], &["pod.yaml"]].concat());
    assert!(code == Some(1) && text.contains("shared"), "{text}");
}

#[test]
fn the_revision_covers_them_and_not_where_they_lie() {
    let home = home();
    let revision = |extra: &str| {
        let arguments = ["check", "--format", "json", "--policies", "policies", "--extra-policies", extra];
        let output = command(&arguments).current_dir(home.path()).output().unwrap();
        json(&output)["revision"].as_str().unwrap().to_owned()
    };
    let before = revision("extra");
    fs::rename(home.path().join("extra"), home.path().join("a")).unwrap();
    assert_eq!(revision("a"), before);
    write(home.path(), "a/team.rego", "team", "another");
    assert_ne!(revision("a"), before);
}

#[test]
fn an_empty_or_missing_directory_is_an_error() {
    let home = home();
    fs::create_dir(home.path().join("empty")).unwrap();
    for (directory, why) in [("empty", "holds no policy"), ("gone", "cannot be read")] {
        let (code, text) = run(home.path(), &["test", "--extra-policies", directory, "pod.yaml"]);
        assert!(code == Some(2) && text.contains(directory) && text.contains(why), "{text}");
    }
}
