//! Arguments that mean nothing, and the help that says what would.

use super::run::{Ran, run, says};

#[track_caller]
fn check(arguments: &[&str], expected: &[&str]) {
    let Ran { code, stdout, stderr } = run(arguments);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?} says\n{stderr}");
    says(&stderr, expected);
}

#[test]
fn arguments_that_mean_nothing() {
    let no_command: [&str; 0] = [];
    check(&no_command, &["Usage: policy <COMMAND>"]);
    check(&["sreve"], &["error: unrecognized subcommand 'sreve'", "tip: a similar subcommand exists: 'serve'"]);
    for command in ["serve", "check", "list", "verify"] {
        check(&[command, "--polices", "x"], &["error: unexpected argument '--polices'", "a similar argument exists"]);
        check(&[command, "--policies"], &["error: a value is required for '--policies <DIR>'"]);
    }
    for command in ["check", "list", "verify"] {
        check(&[command, "--format", "yaml"], &["error: invalid value 'yaml' for '--format <FORMAT>'", "text, json"]);
    }
    check(&["serve", "--address", "localhost"], &["invalid value 'localhost' for '--address <ADDRESS>'"]);
    check(&["serve", "--timeout", "0"], &["invalid value '0' for '--timeout <MS>': 0 is not in 1..=3600000"]);
    check(&["serve", "--policy-budget", "1s"], &["invalid value '1s' for '--policy-budget <MS>'"]);
    check(&["serve", "--body-limit", "2000"], &["2000 is not in 1..=1024"]);
    check(&["serve", "--drain-delay", "-1"], &["'-1'"]);
    check(&["serve", "--tls-min", "1.1"], &["invalid value '1.1' for '--tls-min <TLS_MIN>'", "1.2, 1.3"]);
    check(&["serve", "--log-format", "xml"], &["invalid value 'xml'", "json, text"]);
}

#[test]
fn the_help_names_a_variable_for_every_option() {
    for command in ["serve", "check", "list", "verify"] {
        let Ran { code, stdout, stderr } = run(&[command, "--help"]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        // Each option's paragraph begins with its name; wrapped lines are put together.
        let options: Vec<String> = stdout
            .split("\n      --")
            .skip(1)
            .map(|option| option.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert!(options.len() >= 2, "{stdout}");
        for option in options {
            let name = option.split([' ', '=']).next().unwrap();
            let variable = format!("[env: PORTCULLIS_{}=]", name.replace('-', "_").to_uppercase());
            let other = option.contains("[env: PORTCULLIS_TEST_TIMEOUT=]");
            assert!(option.contains(&variable) || other, "{command} --{name}: {option}");
        }
    }
}

#[test]
fn a_variable_stands_for_its_option() {
    let mut command = crate::command::policy(["list"]);
    let listed = command.env("PORTCULLIS_POLICIES", "/absent").output().unwrap();
    assert_eq!(listed.status.code(), Some(2));
    says(&String::from_utf8(listed.stderr).unwrap(), &["policy: /absent: cannot be read: "]);
    for command in ["check", "verify"] {
        let mut command = crate::command::policy([command, "policies"]);
        let ran = command.env("PORTCULLIS_POLICIES", "/absent").output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "an argument goes before a variable: {ran:?}");
    }
}
