//! How much of policies their tests reach.

use super::directory::{Directory, pod, text};

/// A directory whose tests reach all of the policy but `_unused`, which begins on line 16.
fn tested() -> Directory {
    let directory = Directory::new();
    directory.write(
        "names/names_test.rego",
        "package policies.names_test\n\nimport data.policies.names\n\n\
         test_bad if {\n\tobject := {\"metadata\": {\"name\": \"bad\"}}\n\
         \tcount(names.deny) == 1 with input as {\"request\": {\"object\": object}, \"parameters\": {\"word\": \"x\"}}\n}\n\n\
         test_odd if count(names.warn) == 1 with input as {\"request\": {\"object\": {\"metadata\": {\"name\": \"odd\"}}}}\n",
    );
    directory
}

#[test]
fn text_names_the_lines_that_no_test_reached() {
    let directory = tested();
    directory.check(
        &["--coverage", "text"],
        0,
        &[
            "2 tests in 1 file: 2 passed",
            " 57.1 %  4/7  ./names/names.rego  not covered: 16-18\n",
            " 57.1 %  4/7  of all lines\n",
        ],
    );
}

#[test]
fn cases_of_suites_cover_as_tests_do() {
    let directory = Directory::new();
    directory.suite(&format!("cases:\n- name: bad\n  object: {}\n  expect: {{outcome: deny}}\n", pod("bad")));
    directory.check(&["--coverage", "text"], 0, &["not covered: 16-18\n"]);
    // What no case reached: an object of another name stops at the first line.
    directory.suite(&format!("cases:\n- name: good\n  object: {}\n  expect: {{outcome: allow}}\n", pod("good")));
    directory.check(&["--coverage", "text"], 0, &["not covered: 9, 11, 16-18\n"]);
    // What proves a policy at load covers nothing.
    directory.check(&["--coverage", "text", "--timeout", "60000"], 0, &["not covered: 9, 11, 16-18\n"]);
}

#[test]
fn too_little_is_a_failure_that_names_policy_and_lines() {
    let directory = tested();
    let complaint = "policy: ./names/names.rego: 57.1 % of its lines are covered, less than 58 %; not covered: 16-18\n";
    directory.check(&["--min-coverage", "58"], 1, &["2 passed, 0 failed", complaint]);
    directory.check(&["--min-coverage", "57"], 0, &["2 passed, 0 failed"]);
    assert_eq!(text(&directory.verify(&["--min-coverage", "57"]).stderr), "");
    directory.check(&["--min-coverage", "101"], 2, &["101 is not in 0..=100"]);
    // A failed test stays a failure, and one that cannot be told stays unknown.
    directory.write("names/more_test.rego", "package policies.more_test\n\ntest_b if to_number(\"x\")\n");
    directory.check(&["--min-coverage", "58"], 2, &["ERROR test_b", complaint]);
}

#[test]
fn libraries_are_files_of_their_own() {
    let directory = tested();
    directory.write("lib/used.rego", "package lib.used\n\nf(x) := y if {\n\ty := x + 1\n}\n\ng(x) := x\n");
    directory
        .write("lib/used_test.rego", "package lib.used_test\n\nimport data.lib.used\n\ntest_f if used.f(1) == 2\n");
    directory.check(&["--coverage", "text"], 0, &["66.6 %   2/3   ./lib/used.rego  not covered: 7\n"]);
}

#[test]
fn json_is_one_document_and_what_the_tests_did_goes_elsewhere() {
    let output = tested().verify(&["--coverage", "json"]);
    assert_eq!(text(&output.stderr), "2 tests in 1 file: 2 passed, 0 failed, 0 errors\n");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({
        "files": [{"file": "./names/names.rego", "policy": "names", "lines": 7, "covered": 4, "percent": 57.1,
            "coveredLines": [9, 10, 11, 14], "uncoveredLines": [16, 17, 18]}],
        "lines": 7, "covered": 4, "percent": 57.1
    });
    assert_eq!(report, expected);
    let within = tested().json(&["--coverage", "json"]);
    assert_eq!((&within["coverage"], &within["summary"]["passed"]), (&expected, &2.into()));
    assert_eq!(tested().json(&[]).get("coverage"), None);
}

#[test]
fn lcov_is_a_tracefile() {
    let output = tested().verify(&["--coverage", "lcov"]);
    let expected = "TN:\nSF:./names/names.rego\nDA:9,1\nDA:10,1\nDA:11,1\nDA:14,1\nDA:16,0\nDA:17,0\nDA:18,0\nLF:7\nLH:4\nend_of_record\n";
    assert_eq!(text(&output.stdout), expected);
    tested().check(
        &["--coverage", "lcov", "--format", "json"],
        2,
        &["policy: --coverage lcov does not go with --format json"],
    );
}

#[test]
fn results_are_the_same_with_and_without() {
    let report = |arguments: &[&str]| {
        let output = crate::command::policy(["verify", "--format", "json"].iter().chain(arguments)).output().unwrap();
        let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report.as_object_mut().unwrap().remove("coverage");
        report
    };
    let plain = report(&[]);
    assert!(plain["summary"]["tests"].as_u64().unwrap() > 100 && plain["summary"]["cases"].as_u64().unwrap() > 10);
    assert_eq!(plain, report(&["--coverage", "json"]));
}
