//! What is said of a test that fails: the expression, its line, and the values of its operands.

use serde_json::json;

use super::directory::{Directory, text};

/// A directory with these tests of the policy, their first line the eighth.
fn tests(rules: &str) -> Directory {
    let directory = Directory::new();
    let input = "_named(name) := {\"request\": {\"object\": {\"metadata\": {\"name\": name}}}, \"parameters\": {\"word\": \"x\"}}";
    let head = format!("package policies.names_test\n\nimport data.policies.names\n\n{input}\n\n\n");
    directory.write("names/names_test.rego", &format!("{head}{rules}"));
    directory
}

#[test]
fn a_failing_test_shows_the_expression_with_its_values() {
    let rules = "test_bad if {\n\tviolations := names.deny with input as _named(\"bad\")\n\tcount(violations) == 1\n\
                 \tcount(names.warn) == 1 with input as _named(\"bad\")\n\tfalse\n}\n";
    let shown = "FAIL test_bad (./names/names_test.rego:8)\n\
                 \x20 line 11: count(names.warn) == 1 with input as _named(\"bad\")\n\
                 \x20   count(names.warn) = 0\n    names.warn = set()\n";
    let directory = tests(rules);
    directory.check(&[], 1, &[shown]);
    let operand = |expression: &str, value: &str| json!({"expression": expression, "values": [value]});
    assert_eq!(
        directory.json(&[])["tests"][0]["failed"],
        json!({
            "line": 11,
            "expression": "count(names.warn) == 1 with input as _named(\"bad\")",
            "values": [operand("count(names.warn)", "0"), operand("names.warn", "set()")],
        })
    );
}

#[test]
fn undefined_and_several_values_are_told_apart() {
    let directory = tests(
        "test_undefined if names.allow == 1\n\ntest_several if {\n\tsome n in [1, 2]\n\tn > 2\n}\n\n\
         test_item if every n in [1, 5] { n < 2 }\n",
    );
    let undefined = "line 8: names.allow == 1\n    names.allow is undefined\n";
    let several = "line 12: n > 2\n    n = 1, 2 (each tried)\n";
    directory.check(&[], 1, &[undefined, several, "line 15: every n in [1, 5] { n < 2 }\n    n = 5\n"]);
}

#[test]
fn a_test_that_passes_or_breaks_shows_no_expression() {
    let directory = tests("test_good if count(names.deny) == 0\n\ntest_broken if to_number(\"x\") == 1\n");
    let report = directory.json(&[]);
    for (index, result) in [(0, "pass"), (1, "error")] {
        let test = &report["tests"][index];
        assert_eq!((&test["result"], &test["failed"]), (&json!(result), &serde_json::Value::Null), "{test}");
    }
}

/// The test ends at its first item; the search for what failed tries the second, which reaches more of the policy.
#[test]
fn the_search_for_the_expression_covers_nothing() {
    let counted = |rule: &str| {
        let output = tests(rule).verify(&["--coverage", "text"]);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stdout).lines().filter(|line| line.contains('%')).map(str::to_owned).collect::<Vec<_>>()
    };
    let body = "count(names.deny) == 1 with input as _named(name)";
    let searched = counted(&format!("test_bad if every name in [\"good\", \"bad\"] {{ {body} }}\n"));
    assert_eq!(searched, counted(&format!("test_bad if {{ name := \"good\"; {body} }}\n")));
}
