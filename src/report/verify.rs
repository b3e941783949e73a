//! What tests and cases did, as a person reads it: those that did not pass, then one line for all.

use std::fmt::{self, Write as _};

use super::text::counted;
use crate::suite::cases::{CaseReport, Difference};
use crate::suite::unit::{Test, TestResult};
use crate::suite::verify::{Report, Summary};

/// Writes a report.
pub fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut written = String::new();
    for test in report.tests.iter().filter(|test| test.result != TestResult::Pass) {
        write_test(&mut written, test)?;
    }
    for case in report.cases.iter().filter(|case| case.result != TestResult::Pass) {
        write_case(&mut written, case)?;
    }
    write_summary(&mut written, &report.summary)?;
    Ok(written)
}

fn word(result: TestResult) -> &'static str {
    match result {
        TestResult::Pass => "PASS",
        TestResult::Fail => "FAIL",
        TestResult::Error => "ERROR",
    }
}

fn write_test(written: &mut String, test: &Test) -> fmt::Result {
    writeln!(written, "{} {} ({}:{})", word(test.result), test.name, test.file, test.line)?;
    if let Some(error) = &test.error {
        writeln!(written, "  {error}")?;
    }
    if let Some(failed) = &test.failed {
        writeln!(written, "  line {}: {}", failed.line, failed.expression)?;
        for operand in &failed.values {
            match operand.values.as_slice() {
                [] => writeln!(written, "    {} is undefined", operand.expression)?,
                [value] => writeln!(written, "    {} = {value}", operand.expression)?,
                values => writeln!(written, "    {} = {} (each tried)", operand.expression, values.join(", "))?,
            }
        }
    }
    for line in &test.prints {
        writeln!(written, "  print: {line}")?;
    }
    Ok(())
}

fn write_case(written: &mut String, case: &CaseReport) -> fmt::Result {
    writeln!(written, "{} {} ({}:{})", word(case.result), case.path, case.file, case.line)?;
    if let Some(error) = &case.error {
        writeln!(written, "  {error}")?;
    }
    for difference in &case.differences {
        match difference {
            Difference::Outcome { expected, got } => writeln!(written, "  outcome: expected {expected}, got {got}")?,
            Difference::Missing { expected } => writeln!(written, "  - expected {expected}")?,
            Difference::Unexpected { got } => writeln!(written, "  + got      {got}")?,
            Difference::Object { diff } => diff.lines().try_for_each(|line| writeln!(written, "  {line}"))?,
        }
    }
    Ok(())
}

fn write_summary(written: &mut String, summary: &Summary) -> fmt::Result {
    let kinds: Vec<String> = [(summary.tests, "test"), (summary.cases, "case")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    if kinds.is_empty() {
        return writeln!(
            written,
            "no tests: write rules named test_… into *_test.rego files beside the policies, or cases into suite.yaml"
        );
    }
    writeln!(
        written,
        "{} in {}: {} passed, {} failed, {}",
        kinds.join(" and "),
        counted(summary.files, "file"),
        summary.passed,
        summary.failed,
        counted(summary.errors, "error")
    )
}
