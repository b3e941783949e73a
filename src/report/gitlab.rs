//! The verdict as a code-quality report of GitLab: one JSON array, shown in the merge request
//! (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).

use std::io::{self, Write};

use serde::Serialize;

use super::fingerprint::Fingerprints;
use super::{Closing, Sink};
use crate::engine::violation::{Enforcement, Severity};
use crate::suite::judge::{Finding, Judgement};
use crate::suite::manifest::{Problem, Skipped};

/// Writes issues as they come.
#[derive(Debug)]
pub struct Gitlab<W> {
    writer: W,
    issues: usize,
    fingerprints: Fingerprints,
}

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// What keeps an object from being judged.
const BLOCKER: &str = "blocker";

impl<W: Write> Gitlab<W> {
    /// An array written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, issues: 0, fingerprints: Fingerprints::default() }
    }

    fn issue(&mut self, issue: &Issue<'_>) -> io::Result<()> {
        let before = if self.issues == 0 { "[\n  " } else { ",\n  " };
        self.issues = self.issues.saturating_add(1);
        self.writer.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut self.writer, issue)?;
        Ok(())
    }
}

/// Lines count from 1, the whole file's too.
fn location(file: &str, line: u32) -> Location<'_> {
    Location { path: path(file), lines: Lines { begin: line.max(1) } }
}

/// GitLab compares with paths of the repository, which do not begin with `./`.
fn path(file: &str) -> &str {
    file.strip_prefix("./").unwrap_or(file)
}

fn severity(finding: &Finding) -> &'static str {
    match (finding.enforcement, finding.severity) {
        (Enforcement::Audit | Enforcement::Off, _) => "info",
        (_, Severity::Low) => "minor",
        (_, Severity::Medium) => "major",
        (_, Severity::High) => "critical",
        (_, Severity::Critical) => BLOCKER,
    }
}

impl<W: Write> Sink for Gitlab<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let fingerprint = self.fingerprints.unique([&*problem.file, problem.message.as_str()].into_iter());
        self.issue(&Issue {
            description: problem.message.clone(),
            check_name: "input",
            fingerprint,
            severity: BLOCKER,
            location: location(&problem.file, problem.line),
        })
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        let object = &judgement.object;
        for failure in &judgement.errors {
            let said = [&*failure.policy, failure.outcome, &failure.message];
            let fingerprint = self.fingerprints.of_parts(judgement, said);
            self.issue(&Issue {
                description: format!("{object}: {} could not be evaluated: {}", failure.policy, failure.message),
                check_name: &failure.policy,
                fingerprint,
                severity: BLOCKER,
                location: location(&judgement.file, judgement.line),
            })?;
        }
        for finding in &judgement.violations {
            let fix = finding.remedy.as_deref().map(|remedy| format!("; fix: {remedy}")).unwrap_or_default();
            let fingerprint = self.fingerprints.of(judgement, finding);
            self.issue(&Issue {
                description: format!("{object}: {}{fix}", finding.message),
                check_name: &finding.policy,
                fingerprint,
                severity: severity(finding),
                location: location(&judgement.file, finding.line),
            })?;
        }
        Ok(())
    }

    fn skipped(&mut self, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Closing<'_>) -> io::Result<()> {
        self.writer.write_all(if self.issues == 0 { b"[]\n" } else { b"\n]\n" })
    }
}
