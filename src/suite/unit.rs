//! The unit tests of policies: rules named `test_…` in `*_test.rego` files.

use std::time::Duration;

use serde::Serialize;

use crate::engine::bundle::TestModule;
use crate::engine::policy::link_for;
use crate::engine::rego::coverage::Coverage;
use crate::engine::rego::{Failure, Program, Value, show};

/// The value of an operand is cut to so many characters.
const VALUE_CHARS: usize = 400;

/// The text of an expression is cut to so many characters.
const EXPRESSION_CHARS: usize = 400;

/// One test.
#[derive(Debug, Serialize)]
pub struct Test {
    /// Its file.
    pub file: String,
    /// Its line; 0 for a file that could not be compiled.
    pub line: u32,
    /// Its rule's name; empty for a file that could not be compiled.
    pub name: String,
    /// Its rule's path, such as `data.policies.x_test.test_y`; the package's for a file that could not be compiled.
    pub path: String,
    /// What it did.
    pub result: TestResult,
    /// Why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where its body failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// What it printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prints: Vec<String>,
}

/// The expression on which a test failed.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// Its line.
    pub line: u32,
    /// Its text.
    pub expression: String,
    /// The values of its operands; empty if they could not be told.
    pub values: Vec<Operand>,
}

/// A part of an expression and its value.
#[derive(Debug, Serialize)]
pub struct Operand {
    /// Its text.
    pub expression: String,
    /// Its value in Rego's notation, cut short: none if it is undefined, several if it was tried with several.
    pub values: Vec<String>,
}

impl Failed {
    fn of(failure: Failure) -> Self {
        let operands = failure.bindings.into_iter().map(|binding| Operand {
            values: binding.values.iter().map(|value| show(value, VALUE_CHARS)).collect(),
            expression: cut(&binding.expression),
        });
        Self { line: failure.line, expression: cut(&failure.statement), values: operands.collect() }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(EXPRESSION_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
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

/// A test that is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    name: String,
    path: String,
    line: u32,
}

/// The tests of a file whose paths are wanted, in its order.
pub fn select(tests: &TestModule, wanted: impl Fn(&str) -> bool) -> Vec<Selected> {
    let outline = &tests.module.outline;
    let package = outline.package.join(".");
    let mut selected: Vec<Selected> = Vec::new();
    for rule in outline.rules.iter().filter(|rule| rule.name.starts_with("test_")) {
        let path = format!("data.{package}.{}", rule.name);
        // A rule of several bodies is one test.
        if wanted(&path) && !selected.iter().any(|test| test.name == rule.name) {
            selected.push(Selected { name: rule.name.clone(), path, line: rule.line });
        }
    }
    selected
}

/// Runs tests of a file, each within a time limit; `coverage`, if any, learns which lines they reach.
pub fn run(tests: &TestModule, selected: &[Selected], limit: Duration, coverage: Option<&Coverage>) -> Vec<Test> {
    match link_for(tests.with.iter().chain([&tests.module]), coverage) {
        Ok(program) => run_all(tests, selected, program, limit),
        Err(error) => vec![Test {
            file: tests.module.source.file.to_string(),
            line: 0,
            name: String::new(),
            path: format!("data.{}", tests.module.outline.package.join(".")),
            result: TestResult::Error,
            error: Some(error.to_string()),
            failed: None,
            prints: Vec::new(),
        }],
    }
}

fn run_all(tests: &TestModule, selected: &[Selected], program: Program, limit: Duration) -> Vec<Test> {
    // The engine prepares itself at its first evaluation: done once here, the clones of the tests share it.
    let first: Vec<&str> = selected.first().map(|test| test.path.as_str()).into_iter().collect();
    let program = program.prepared(&first, Value::new_object(), limit);
    let run = |test: &Selected| {
        let run = program.test(&test.path, limit);
        let (result, error) = match run.result {
            Ok(true) => (TestResult::Pass, None),
            Ok(false) => (TestResult::Fail, None),
            Err(error) => (TestResult::Error, Some(error.to_string())),
        };
        let file = &tests.module.source.file;
        let failed = (result == TestResult::Fail).then(|| program.first_failure(file, &test.name, limit)).flatten();
        let prints = if result == TestResult::Pass { Vec::new() } else { run.prints };
        Test {
            file: file.to_string(),
            line: test.line,
            name: test.name.clone(),
            path: test.path.clone(),
            result,
            error,
            failed: failed.map(Failed::of),
            prints,
        }
    };
    selected.iter().map(run).collect()
}
