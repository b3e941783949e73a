//! `policy check`: loads policies and configuration as the server would, and says what is wrong or unwise.

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::{CLEAN, Format, FormatArgs, PolicyArgs, UNKNOWN, VIOLATIONS, output};
use crate::engine::bundle::{Bundle, BundleError};
use crate::engine::config::{Advice, advise};
use crate::engine::source::SourceError;
use crate::report::text::counted;
use crate::source::LoadError;

/// Load policies and configuration, and say what is wrong or unwise.
///
/// Exit 0 if nothing is, 1 if something is unwise (an exemption that has run out or has no owner, a policy without
/// tests), 2 if the server would refuse to load it.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Directory of policies, before --policies; the shipped set if both are left out.
    #[arg(value_name = "DIR")]
    directory: Option<std::path::PathBuf>,
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Serialize)]
struct CheckReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    policies: usize,
    errors: Vec<Remark>,
    advice: Vec<Remark>,
}

#[derive(Serialize)]
struct Remark {
    file: String,
    line: u32,
    column: u32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl From<&SourceError> for Remark {
    fn from(error: &SourceError) -> Self {
        Self {
            file: error.file.to_string(),
            line: error.line,
            column: error.column,
            message: error.message.clone(),
            remedy: error.remedy.clone(),
        }
    }
}

pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<u8> {
    let mut location = arguments.policies.location();
    location.policies = arguments.directory.clone().or(location.policies);
    let report = match location.load() {
        Ok(loaded) => {
            let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
            let mut advice: Vec<Advice> = advise(loaded.set.config(), &today);
            advice.extend(untested(&location.bundle()?));
            CheckReport {
                revision: Some(loaded.set.revision().to_string()),
                policies: loaded.set.policies().len(),
                errors: Vec::new(),
                advice: advice.iter().map(Remark::from).collect(),
            }
        }
        Err(LoadError::Policies(BundleError(errors)) | LoadError::Config(BundleError(errors))) => CheckReport {
            revision: None,
            policies: 0,
            errors: errors.iter().map(Remark::from).collect(),
            advice: Vec::new(),
        },
        Err(error @ (LoadError::Unreadable { .. } | LoadError::Empty(_) | LoadError::Profile { .. })) => bail!(error),
    };
    match arguments.format.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::result(&text(&report)?)?,
    }
    Ok(match (report.errors.is_empty(), report.advice.is_empty()) {
        (false, _) => UNKNOWN,
        (true, false) => VIOLATIONS,
        (true, true) => CLEAN,
    })
}

/// Policies in whose directory no test mentions their package.
fn untested(bundle: &Bundle) -> Vec<Advice> {
    let tested = |file: &str| {
        let directory = file.rsplit_once('/').map(|(directory, _)| directory);
        bundle.tests.iter().any(|test| test.module.source.file.rsplit_once('/').map(|(d, _)| d) == directory)
    };
    bundle
        .policies
        .iter()
        .filter(|policy| !tested(&policy.file))
        .map(|policy| {
            SourceError::whole(&policy.file, format!("policy {} has no tests", policy.name))
                .fix("write *_test.rego beside it, and run policy verify")
        })
        .collect()
}

fn text(report: &CheckReport) -> anyhow::Result<String> {
    let mut text = String::new();
    for (word, remarks) in [("error", &report.errors), ("advice", &report.advice)] {
        for remark in remarks {
            let mut place = remark.file.clone();
            if remark.line > 0 {
                write!(place, ":{}", remark.line)?;
            }
            if remark.column > 0 {
                write!(place, ":{}", remark.column)?;
            }
            writeln!(text, "{place}: {word}: {}", remark.message)?;
            if let Some(remedy) = &remark.remedy {
                writeln!(text, "    fix     {remedy}")?;
            }
        }
    }
    match &report.revision {
        Some(revision) => writeln!(
            text,
            "{} loaded, {} (revision {revision})",
            if report.policies == 1 { "1 policy".to_owned() } else { format!("{} policies", report.policies) },
            counted(report.advice.len(), "remark")
        )?,
        None => writeln!(text, "not loadable: {}", counted(report.errors.len(), "error"))?,
    }
    Ok(text)
}
