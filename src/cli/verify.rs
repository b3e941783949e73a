//! `policy verify`: runs the tests that lie beside policies.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;

use super::{CLEAN, Format, FormatArgs, UNKNOWN, VIOLATIONS, output};
use crate::report::text::counted;
use crate::source::Location;
use crate::suite::unit::{self, Report, TestResult};

/// Run the tests of a policy directory: every rule `test_…` in its `*_test.rego` files.
///
/// A test passes if its rule is true. Exit 0 if all pass, 1 if one fails, 2 if one could not be evaluated or there
/// were none.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// Directory of policies, before --policies; the shipped set if both are left out.
    #[arg(value_name = "DIR")]
    directory: Option<std::path::PathBuf>,

    /// The same as DIR.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_POLICIES")]
    policies: Option<std::path::PathBuf>,

    /// How long one test may take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 5_000, env = "PORTCULLIS_TEST_TIMEOUT",
          value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(arguments: &VerifyArgs) -> anyhow::Result<u8> {
    let policies = arguments.directory.clone().or_else(|| arguments.policies.clone());
    let bundle = Location { policies, ..Location::default() }.bundle()?;
    let report = unit::run(&bundle, Duration::from_millis(arguments.timeout));
    match arguments.format.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::result(&text(&report)?)?,
    }
    Ok(match &report.summary {
        summary if summary.errors > 0 || summary.tests == 0 => UNKNOWN,
        summary if summary.failed > 0 => VIOLATIONS,
        _ => CLEAN,
    })
}

fn text(report: &Report) -> anyhow::Result<String> {
    let mut text = String::new();
    for test in report.tests.iter().filter(|test| test.result != TestResult::Pass) {
        let result = match test.result {
            TestResult::Pass => "PASS",
            TestResult::Fail => "FAIL",
            TestResult::Error => "ERROR",
        };
        writeln!(text, "{result} {} ({}:{})", test.name, test.file, test.line)?;
        if let Some(error) = &test.error {
            writeln!(text, "  {error}")?;
        }
        for line in &test.prints {
            writeln!(text, "  print: {line}")?;
        }
    }
    let summary = &report.summary;
    if summary.tests == 0 {
        writeln!(text, "no tests: write rules named test_… into *_test.rego files beside the policies")?;
    } else {
        writeln!(
            text,
            "{} in {}: {} passed, {} failed, {}",
            counted(summary.tests, "test"),
            counted(summary.files, "file"),
            summary.passed,
            summary.failed,
            counted(summary.errors, "error")
        )?;
    }
    Ok(text)
}
