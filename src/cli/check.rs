//! `policy check`: loads policies and configuration as the server would, and says what is wrong or unwise.

mod rules;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::{CLEAN, Format, FormatArgs, PolicyArgs, UNKNOWN, VIOLATIONS, output};
use crate::engine::bundle::BundleError;
use crate::engine::lint::{self, RuleId};
use crate::engine::source::SourceError;
use crate::report::text::counted;
use crate::source::{LoadError, Location};

/// Load policies and configuration, and say what is wrong or unwise.
///
/// Each remark names its rule; `--explain RULE` says why it matters and what to do. Exit 0 if nothing is found, 1 if
/// something is unwise, 2 if the server would refuse to load it. A remark that stays is suppressed in the policy:
/// `# policy:ignore RULE: REASON` above its line.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Directory of policies, before --policies; the shipped set if both are left out.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,

    /// List the rules, and check nothing.
    #[arg(long, conflicts_with = "explain", env = "PORTCULLIS_RULES")]
    rules: bool,

    /// Say what one rule finds, why, and what to do; check nothing.
    #[arg(long, value_name = "RULE", env = "PORTCULLIS_EXPLAIN")]
    explain: Option<String>,

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
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleId>,
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
            rule: error.rule,
            file: error.file.to_string(),
            line: error.line,
            column: error.column,
            message: error.message.clone(),
            remedy: error.remedy.clone(),
        }
    }
}

pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<u8> {
    let format = arguments.format.format;
    if arguments.rules {
        return rules::list(format);
    }
    if let Some(name) = &arguments.explain {
        return rules::explain(name, format);
    }
    let mut location = arguments.policies.location();
    location.policies = arguments.directory.clone().or(location.policies);
    let report = check(&location)?;
    match format {
        Format::Json => output::json(&report)?,
        Format::Text => output::result(&text(&report)?)?,
    }
    Ok(match (report.errors.is_empty(), report.advice.is_empty()) {
        (false, _) => UNKNOWN,
        (true, false) => VIOLATIONS,
        (true, true) => CLEAN,
    })
}

fn check(location: &Location) -> anyhow::Result<CheckReport> {
    let refused = |errors: &[SourceError]| CheckReport {
        revision: None,
        policies: 0,
        errors: errors.iter().map(Remark::from).collect(),
        advice: Vec::new(),
    };
    let read = || -> Result<_, LoadError> { Ok((location.load()?, location.bundle()?, location.suites()?)) };
    match read() {
        Ok((loaded, bundle, suites)) => {
            let has_suite = |file: &str| suites.iter().any(|suite| directory(&suite.file) == directory(file));
            let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
            let advice = lint::policies(&bundle, &has_suite).into_iter();
            let advice = advice.chain(lint::configuration(loaded.set.config(), &loaded.configuration, &today));
            Ok(CheckReport {
                revision: Some(loaded.set.revision().to_string()),
                policies: loaded.set.policies().len(),
                errors: Vec::new(),
                advice: advice.map(|remark| Remark::from(&remark)).collect(),
            })
        }
        Err(LoadError::Policies(BundleError(errors)) | LoadError::Config(BundleError(errors))) => Ok(refused(&errors)),
        Err(error @ (LoadError::Unreadable { .. } | LoadError::Empty(_) | LoadError::Profile { .. })) => bail!(error),
    }
}

fn directory(file: &str) -> Option<&str> {
    file.rsplit_once('/').map(|(directory, _)| directory)
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
            let rule = remark.rule.map(|rule| format!(" [{rule}]")).unwrap_or_default();
            writeln!(text, "{place}: {word}{rule}: {}", remark.message)?;
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
