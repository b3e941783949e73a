//! `policy explain`: why manifests are judged as they are.

use std::path::PathBuf;

use clap::Args;

use super::request::{RequestArgs, inputs};
use super::{CLEAN, Format, FormatArgs, PolicyArgs, UNKNOWN, output};
use crate::report::explain as text;
use crate::suite::explain::explain;
use crate::suite::manifest;

/// Explain what each policy saw of a manifest, and why it came to its verdict.
///
/// For each object and policy: whether the policy is for it, and why not; the settings in force and where each comes
/// from; exemptions, and those that have run out; each rule that fired, with the values that made it true; the time
/// taken. Takes the options of policy test, and gives its verdicts. Exit 0 if all was explained, whatever the verdicts
/// are; 2 if something could not be read.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Files and directories of manifests; - reads stdin.
    #[arg(value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policies: PolicyArgs,

    #[command(flatten)]
    request: RequestArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(arguments: &ExplainArgs) -> anyhow::Result<u8> {
    let set = arguments.request.select(arguments.policies.location().load()?.set)?;
    let loaded = manifest::load(&inputs(&arguments.paths)?);
    let report = explain(loaded, &set, &arguments.request.options(), arguments.request.policy_budget());
    match arguments.format.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::result(&text::write(&report)?)?,
    }
    Ok(if report.problems.is_empty() && !report.objects.is_empty() { CLEAN } else { UNKNOWN })
}
