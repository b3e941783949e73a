//! The verdict as SARIF 2.1.0, which code scanning services read
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html>).

mod shape;

use std::io::{self, Write};

use self::shape::{
    Driver, Invocation, Level, Location, Message, Notification, Rest, Result as Issue, Rule, Suppression, Tool,
};
use super::fingerprint::Fingerprints;
use super::{Closing, Sink};
use crate::engine::violation::Enforcement;
use crate::suite::judge::{Finding, Judgement};
use crate::suite::manifest::{Problem, Skipped};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What messages are written in.
const LANGUAGE: &str = "en-US";

/// Writes results as they come, and the policies as rules when all are known.
#[derive(Debug)]
pub struct Sarif<W> {
    writer: W,
    results: usize,
    notifications: Vec<Notification>,
    fingerprints: Fingerprints,
}

impl<W: Write> Sarif<W> {
    /// A log written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, results: 0, notifications: Vec::new(), fingerprints: Fingerprints::default() }
    }

    fn write(&mut self, result: &Issue) -> io::Result<()> {
        if self.results == 0 {
            self.head()?;
        } else {
            self.writer.write_all(b",\n")?;
        }
        self.results = self.results.saturating_add(1);
        serde_json::to_writer(&mut self.writer, result)?;
        Ok(())
    }

    fn head(&mut self) -> io::Result<()> {
        writeln!(self.writer, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")
    }

    fn result(&mut self, judgement: &Judgement, finding: &Finding, suppressions: Vec<Suppression>) -> Issue {
        Issue {
            rule_id: finding.policy.to_string(),
            level: level(finding.enforcement),
            message: Message { text: message(judgement, finding) },
            locations: vec![Location::of(&judgement.file, finding.line, finding.column, finding.field.as_deref())],
            partial_fingerprints: [("portcullis/v1", self.fingerprints.of(judgement, finding))].into(),
            baseline_state: judgement.existing.then_some("unchanged"),
            suppressions,
        }
    }
}

impl<W: Write> Sink for Sarif<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let fix = problem.remedy.as_deref().map(|remedy| format!("; fix: {remedy}")).unwrap_or_default();
        self.notifications.push(Notification {
            level: Level::Error,
            message: Message { text: format!("{}{fix}", problem.message) },
            locations: vec![Location::of(&problem.file, problem.line, problem.column, None)],
        });
        Ok(())
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        for failure in &judgement.errors {
            let object = &judgement.object;
            let text = format!("{object}: {} could not be evaluated: {}", failure.policy, failure.message);
            self.notifications.push(Notification {
                level: Level::Error,
                message: Message { text },
                locations: vec![Location::of(&judgement.file, judgement.line, 0, None)],
            });
        }
        for finding in &judgement.violations {
            let result = self.result(judgement, finding, Vec::new());
            self.write(&result)?;
        }
        for exempt in &judgement.exempted {
            let justification = format!("{} ({})", exempt.reason, exempt.owner);
            let suppression = Suppression { kind: "external", justification };
            let result = self.result(judgement, &exempt.finding, vec![suppression]);
            self.write(&result)?;
        }
        Ok(())
    }

    fn skipped(&mut self, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        if self.results == 0 {
            self.head()?;
        }
        let rest = Rest {
            tool: Tool {
                driver: Driver {
                    name: "Portcullis",
                    version: env!("CARGO_PKG_VERSION"),
                    language: LANGUAGE,
                    rules: closing.policies.iter().map(|policy| Rule::of(policy)).collect(),
                },
            },
            invocations: vec![Invocation {
                execution_successful: self.notifications.is_empty(),
                tool_execution_notifications: std::mem::take(&mut self.notifications),
            }],
            column_kind: "unicodeCodePoints",
            newline_sequences: ["\r\n", "\n"],
            language: LANGUAGE,
            properties: [("revision", closing.revision.to_string())].into(),
        };
        let rest = serde_json::to_string(&rest)?;
        writeln!(self.writer, "\n],{}]}}", rest.strip_prefix('{').unwrap_or(&rest))
    }
}

fn level(enforcement: Enforcement) -> Level {
    match enforcement {
        Enforcement::Deny => Level::Error,
        Enforcement::Warn => Level::Warning,
        Enforcement::Audit | Enforcement::Off => Level::Note,
    }
}

fn message(judgement: &Judgement, finding: &Finding) -> String {
    let mut text = format!("{}: {}", judgement.object, finding.message);
    if let Some(remedy) = &finding.remedy {
        text.push_str("; fix: ");
        text.push_str(remedy);
    }
    text
}
