//! What the command writes about itself and about policies: pages, completions, manual, schemas.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn policy(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policy"));
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTCULLIS_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_pages_of_the_shipped_policies_are_up_to_date() {
    let output = policy(&["docs", "--check", text(&repository().join("docs/policies"))]);
    let stale = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "run `policy docs docs/policies`: {stale}");
}

#[test]
fn pages_of_policies_that_are_gone_are_removed_and_no_others() {
    let (directory, one) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in ["require_non_root/require_non_root.rego", "lib/part.rego"] {
        let copy = one.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(repository().join("policies").join(file), copy).unwrap();
    }
    assert_eq!(policy(&["docs", text(directory.path())]).status.code(), Some(0));
    let page = directory.path().join("require_probes.md");
    let mine = directory.path().join("notes.md");
    fs::write(&mine, "my own").unwrap();
    let check = policy(&["docs", "--check", text(directory.path()), "--policies", text(one.path())]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8(check.stderr).unwrap().contains("require_probes.md: stale"));
    assert!(page.exists(), "--check writes nothing");

    assert_eq!(policy(&["docs", text(directory.path()), "--policies", text(one.path())]).status.code(), Some(0));
    assert!(!page.exists() && mine.exists() && directory.path().join("require_non_root.md").exists());
    assert_eq!(
        policy(&["docs", "--check", text(directory.path()), "--policies", text(one.path())]).status.code(),
        Some(0)
    );
}

#[test]
fn bash_completes_subcommands() {
    let script = policy(&["completions", "bash"]).stdout;
    let ask = "COMP_WORDS=(policy ver); COMP_CWORD=1; _policy policy ver policy; echo \"${COMPREPLY[@]}\"";
    let script = format!("{}\n{ask}\n", String::from_utf8(script).unwrap());
    let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "verify\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_subcommand_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(policy(&["man", "--dir", text(directory.path())]).status.code(), Some(0));
    let help = String::from_utf8(policy(&["--help"]).stdout).unwrap();
    let commands = help.split_once("Commands:\n").unwrap().1.lines().take_while(|line| line.starts_with("  "));
    // What is indented further goes on with the line before.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"serve") && names.contains(&"test"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let page = fs::read_to_string(directory.path().join(format!("policy-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
    let main = String::from_utf8(policy(&["man"]).stdout).unwrap();
    assert!(main.contains(".TH policy 1"), "{main}");
}

#[test]
fn the_schemas_in_the_repository_are_those_of_the_command() {
    let directory = repository().join("docs/schemas");
    let help = String::from_utf8(policy(&["schema", "--help"]).stdout).unwrap();
    let names = help.split_once("[possible values: ").unwrap().1.split_once(']').unwrap().0;
    let mut files = Vec::new();
    for name in names.split(", ") {
        let file = format!("{name}.schema.json");
        let written = fs::read_to_string(directory.join(&file)).unwrap_or_default();
        let output = policy(&["schema", name]);
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            written,
            "run `policy schema {name} > docs/schemas/{file}`"
        );
        files.push(file);
    }
    let mut found: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    files.sort();
    assert_eq!(found, files);
}
