//! `policy test`: the verdict that the cluster would give, for manifests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::request::{RequestArgs, inputs};
use super::{BudgetArgs, CLEAN, Format, FormatArgs, PolicyArgs, UNKNOWN, VIOLATIONS, output};
use crate::engine::violation::FailMode;
use crate::report::text;
use crate::suite::judge::{Report, judge};
use crate::suite::manifest;

/// Give the verdict that the cluster would give, for manifests.
///
/// Reads files, directories (*.yaml, *.yml, *.json, recursively) and - for stdin: multi-document YAML, JSON, Lists,
/// and AdmissionReviews with their own operation and user. A Namespace among them gives its labels to the others.
#[derive(Args, Debug)]
pub(super) struct TestArgs {
    /// Files and directories of manifests; - reads stdin.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policies: PolicyArgs,

    #[command(flatten)]
    request: RequestArgs,

    /// What makes the exit code 1: violations that deny, or those that warn as well.
    #[arg(long, value_enum, default_value = "deny", env = "PORTCULLIS_FAIL_ON")]
    fail_on: FailOn,

    #[command(flatten)]
    budget: BudgetArgs,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Violations that deny.
    Deny,
    /// Violations that deny or warn.
    Warn,
}

pub(super) fn run(arguments: &TestArgs) -> anyhow::Result<u8> {
    let set = arguments.request.select(arguments.policies.location().load()?.set)?;
    let loaded = manifest::load(&inputs(&arguments.paths)?);
    let options = arguments.request.options();
    let report = judge(loaded, &set, &options, arguments.budget.duration());
    match arguments.format.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::result(&text::write(&report, output::has_colour())?)?,
    }
    Ok(exit_code(&report, arguments.fail_on))
}

fn exit_code(report: &Report, fail_on: FailOn) -> u8 {
    let summary = &report.summary;
    let counts = |mode: FailMode| mode == FailMode::Deny || (mode == FailMode::Warn && fail_on == FailOn::Warn);
    let undecided = report.results.iter().flat_map(|result| &result.errors).any(|failure| counts(failure.on_error));
    let violated = summary.deny > 0 || (fail_on == FailOn::Warn && summary.warn > 0);
    match (undecided || summary.problems > 0 || summary.evaluations == 0, violated) {
        (true, _) => UNKNOWN,
        (false, true) => VIOLATIONS,
        (false, false) => CLEAN,
    }
}
