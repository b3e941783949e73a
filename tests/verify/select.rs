//! Choosing tests and cases by their paths.

use super::directory::{Directory, pod};

fn directory() -> Directory {
    let directory = Directory::new();
    directory.write("names/names_test.rego", "package policies.names_test\n\ntest_a if true\n\ntest_b if false\n");
    directory.write("names/broken_test.rego", "package policies.broken_test\n\ntest_c if nope(1)\n");
    directory.suite(&format!("cases:\n- name: a bad Pod\n  object: {}\n  expect: {{outcome: deny}}\n", pod("bad")));
    directory
}

#[test]
fn only_what_the_expression_finds_is_run() {
    let directory = directory();
    directory.check(&[], 2, &["FAIL test_b", "ERROR  (./names/broken_test.rego:0)", "3 tests and 1 case in 3 files"]);
    directory.check(&["--run", "names_test.test_a"], 0, &["1 test in 1 file: 1 passed"]);
    directory.check(&["--run", "^names/a bad"], 0, &["1 case in 1 file: 1 passed"]);
    directory.check(&["--run", "a"], 2, &["function nope is not known"]);
    directory.check(&["--run", "names"], 1, &["2 tests and 1 case in 2 files: 2 passed, 1 failed"]);
    directory.check(&["--run", "test_[bx]$"], 1, &["1 test in 1 file: 0 passed, 1 failed"]);
}

#[test]
fn nothing_found_is_no_success() {
    let directory = directory();
    directory.check(
        &["--run", "test_d"],
        2,
        &["policy: --run test_d: fits no test and no case; see the paths in policy verify"],
    );
    directory.check(&["--run", "("], 2, &["invalid value '(' for '--run <REGEX>'", "unclosed group"]);
}

#[test]
fn a_directory_without_any_says_what_to_write() {
    Directory::new().check(
        &[],
        2,
        &["no tests: write rules named test_… into *_test.rego files beside the policies, or cases into suite.yaml"],
    );
}
