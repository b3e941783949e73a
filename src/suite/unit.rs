//! The unit tests of policies: rules named `test_…` in `*_test.rego` files.

use std::time::Duration;

use serde::Serialize;

use crate::engine::bundle::{Bundle, TestModule};
use crate::engine::policy::link;
use crate::engine::rego::{Program, Value};

/// What the tests of a directory did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Each test, by file and line.
    pub tests: Vec<Test>,
    /// The counts.
    pub summary: Summary,
}

/// One test.
#[derive(Debug, Serialize)]
pub struct Test {
    /// Its file.
    pub file: String,
    /// Its line; 0 for a file that could not be compiled.
    pub line: u32,
    /// Its rule's name; empty for a file that could not be compiled.
    pub name: String,
    /// What it did.
    pub result: TestResult,
    /// Why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prints: Vec<String>,
}

/// What a test did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TestResult {
    /// Its rule is true.
    Pass,
    /// Its rule is false, undefined or something else.
    Fail,
    /// Its rule could not be evaluated.
    Error,
}

/// Counts of tests.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Files with tests.
    pub files: usize,
    /// All tests.
    pub tests: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that could not be evaluated.
    pub errors: usize,
}

/// Runs every test of a bundle, each within a time limit.
pub fn run(bundle: &Bundle, limit: Duration) -> Report {
    let tests: Vec<Test> = bundle.tests.iter().flat_map(|module| run_module(module, limit)).collect();
    let count = |wanted: TestResult| tests.iter().filter(|test| test.result == wanted).count();
    let summary = Summary {
        files: bundle.tests.len(),
        tests: tests.len(),
        passed: count(TestResult::Pass),
        failed: count(TestResult::Fail),
        errors: count(TestResult::Error),
    };
    Report { tests, summary }
}

fn run_module(tests: &TestModule, limit: Duration) -> Vec<Test> {
    let file = tests.module.source.file.to_string();
    let broken = |error: String| Test {
        file: file.clone(),
        line: 0,
        name: String::new(),
        result: TestResult::Error,
        error: Some(error),
        prints: Vec::new(),
    };
    match link(tests.with.iter().chain([&tests.module])) {
        Ok(program) => run_rules(tests, program, limit),
        Err(error) => vec![broken(error.to_string())],
    }
}

fn run_rules(tests: &TestModule, program: Program, limit: Duration) -> Vec<Test> {
    let outline = &tests.module.outline;
    let package = outline.package.join(".");
    let mut rules: Vec<(&str, u32)> = Vec::new();
    for rule in outline.rules.iter().filter(|rule| rule.name.starts_with("test_")) {
        // A rule of several bodies is one test.
        if !rules.iter().any(|(name, _)| *name == rule.name) {
            rules.push((&rule.name, rule.line));
        }
    }
    let path = |name: &str| format!("data.{package}.{name}");
    // The engine prepares itself at its first evaluation: done once here, the clones of the tests share it.
    let first = rules.first().map(|(name, _)| path(name));
    let program = program.prepared(&first.iter().map(String::as_str).collect::<Vec<_>>(), Value::new_object(), limit);
    let run = |(name, line): &(&str, u32)| {
        let run = program.test(&path(name), limit);
        let (result, error) = match run.result {
            Ok(true) => (TestResult::Pass, None),
            Ok(false) => (TestResult::Fail, None),
            Err(error) => (TestResult::Error, Some(error.to_string())),
        };
        let prints = if result == TestResult::Pass { Vec::new() } else { run.prints };
        Test {
            file: tests.module.source.file.to_string(),
            line: *line,
            name: (*name).to_owned(),
            result,
            error,
            prints,
        }
    };
    rules.iter().map(run).collect()
}
