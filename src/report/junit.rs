//! The verdict as a `JUnit` report: a suite for each file, a case for each object, failed if the object would be refused.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::{Closing, Sink};
use crate::engine::violation::FailMode;
use crate::suite::judge::{Finding, Judgement};
use crate::suite::manifest::{Problem, Skipped};

/// Gathers cases, as a `JUnit` report begins with their counts.
#[derive(Debug)]
pub struct Junit<W> {
    writer: W,
    report: Report,
    /// The suite of the file at hand.
    suite: Option<TestSuite>,
}

impl<W: Write> Junit<W> {
    /// A report written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, report: Report::new("policy test"), suite: None }
    }

    /// Adds a case to the suite of its file. What is found of one file comes together.
    fn add(&mut self, file: &str, case: TestCase) {
        if self.suite.as_ref().is_none_or(|suite| suite.name.as_str() != file) {
            self.close();
        }
        self.suite.get_or_insert_with(|| TestSuite::new(file)).add_test_case(case);
    }

    /// Ends the suite: the report counts its cases when it takes it.
    fn close(&mut self) {
        self.report.add_test_suites(self.suite.take());
    }
}

/// A case that is no success, with what a person reads of it.
fn against(kind: NonSuccessKind, message: &str, text: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message);
    status.set_description(text);
    status
}

impl<W: Write> Sink for Junit<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
        let fix = problem.remedy.as_deref().map(|remedy| format!("\nfix: {remedy}")).unwrap_or_default();
        let status = against(NonSuccessKind::Error, &problem.message, format!("{place}: {}{fix}", problem.message));
        self.add(&problem.file, TestCase::new(format!("line {}", problem.line), status));
        Ok(())
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        let mut case = TestCase::new(judgement.object.to_string(), status(judgement));
        case.set_classname(&*judgement.file);
        case.extra.insert(XmlString::new("file"), XmlString::new(&*judgement.file));
        case.extra.insert(XmlString::new("line"), XmlString::new(judgement.line.to_string()));
        let lesser = lesser(judgement);
        if !lesser.is_empty() {
            case.set_system_out(lesser);
        }
        self.add(&judgement.file, case);
        Ok(())
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let mut status = TestCaseStatus::skipped();
        status.set_message(&*skipped.reason);
        self.add(&skipped.file, TestCase::new(format!("line {}", skipped.line), status));
        Ok(())
    }

    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        self.close();
        for suite in &mut self.report.test_suites {
            suite.add_property(("revision", &**closing.revision));
        }
        let text = self.report.to_string().map_err(io::Error::other)?;
        self.writer.write_all(text.as_bytes())
    }
}

/// An error if it could not be told, a failure if it would be refused, otherwise a success.
fn status(judgement: &Judgement) -> TestCaseStatus {
    let undecided: Vec<_> = judgement.errors.iter().filter(|failure| failure.on_error == FailMode::Deny).collect();
    let lines: Vec<String> = undecided
        .iter()
        .map(|failure| format!("{} could not be evaluated: {}", failure.policy, failure.message))
        .chain(judgement.violations.iter().filter(|finding| finding.denies()).map(|finding| line(judgement, finding)))
        .collect();
    match (undecided.first(), judgement.allowed || judgement.existing) {
        (Some(failure), _) => against(NonSuccessKind::Error, &failure.message, lines.join("\n")),
        (None, false) => {
            let message = judgement.violations.iter().find(|finding| finding.denies());
            let message = message.map(|finding| format!("{}: {}", finding.policy, finding.message));
            against(NonSuccessKind::Failure, &message.unwrap_or_default(), lines.join("\n"))
        }
        (None, true) => TestCaseStatus::success(),
    }
}

/// What does not fail the case: warnings, and what was so before.
fn lesser(judgement: &Judgement) -> String {
    let shown = judgement.violations.iter().filter(|finding| judgement.existing || !finding.denies());
    shown.map(|finding| line(judgement, finding)).collect::<Vec<_>>().join("\n")
}

fn line(judgement: &Judgement, finding: &Finding) -> String {
    let place = format!("{}:{}:{}", judgement.file, finding.line, finding.column);
    let fix = finding.remedy.as_deref().map(|remedy| format!("\n  fix: {remedy}")).unwrap_or_default();
    let existing = if judgement.existing { " (existing)" } else { "" };
    let Finding { enforcement, policy, severity, message, .. } = finding;
    format!("{place}: {enforcement}{existing}: {policy} ({severity}): {message}{fix}")
}
