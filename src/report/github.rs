//! The verdict as annotations of a GitHub workflow: one command a line, which the runner shows beside the changed line
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::io::{self, Write};

use super::text::counted;
use super::{Closing, Sink};
use crate::engine::violation::{Enforcement, FailMode};
use crate::suite::judge::{Finding, Judgement};
use crate::suite::manifest::{Problem, Skipped};

/// Writes a command for each violation. GitHub shows ten errors and ten warnings of a step, so both come as found.
#[derive(Debug)]
pub struct Github<W> {
    writer: W,
}

#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

struct Annotation<'a> {
    level: Level,
    file: &'a str,
    line: u32,
    column: u32,
    title: String,
    message: String,
}

impl<W: Write> Github<W> {
    /// Commands written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }

    fn annotate(&mut self, annotation: &Annotation<'_>) -> io::Result<()> {
        let level = match annotation.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        write!(self.writer, "::{level} file={}", property(annotation.file))?;
        for (name, number) in [("line", annotation.line), ("col", annotation.column)] {
            if number > 0 {
                write!(self.writer, ",{name}={number}")?;
            }
        }
        writeln!(self.writer, ",title={}::{}", property(&annotation.title), data(&annotation.message))
    }

    fn finding(&mut self, judgement: &Judgement, finding: &Finding) -> io::Result<()> {
        let level = match finding.enforcement {
            _ if judgement.existing => Level::Notice,
            Enforcement::Deny => Level::Error,
            Enforcement::Warn => Level::Warning,
            Enforcement::Audit | Enforcement::Off => Level::Notice,
        };
        let said = format!("{}: {}", judgement.object, finding.message);
        let field = finding.field.as_deref().map(|field| format!("\nfield: {field}")).unwrap_or_default();
        let fix = finding.remedy.as_deref().map(|remedy| format!("\nfix: {remedy}")).unwrap_or_default();
        let existing = if judgement.existing { ", existing" } else { "" };
        self.annotate(&Annotation {
            level,
            file: &judgement.file,
            line: finding.line,
            column: finding.column,
            title: format!("{} ({}{existing})", finding.policy, finding.severity),
            message: said + &field + &fix,
        })
    }
}

impl<W: Write> Sink for Github<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let fix = problem.remedy.as_deref().map(|remedy| format!("\nfix: {remedy}")).unwrap_or_default();
        self.annotate(&Annotation {
            level: Level::Error,
            file: &problem.file,
            line: problem.line,
            column: problem.column,
            title: "cannot be judged".to_owned(),
            message: format!("{}{fix}", problem.message),
        })
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        for failure in &judgement.errors {
            let level = match failure.on_error {
                FailMode::Deny => Level::Error,
                FailMode::Warn => Level::Warning,
                FailMode::Allow => Level::Notice,
            };
            self.annotate(&Annotation {
                level,
                file: &judgement.file,
                line: judgement.line,
                column: 0,
                title: format!("{} ({})", failure.policy, failure.outcome),
                message: format!("{} could not be evaluated: {}", judgement.object, failure.message),
            })?;
        }
        judgement.violations.iter().try_for_each(|finding| self.finding(judgement, finding))
    }

    fn skipped(&mut self, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let summary = closing.summary;
        writeln!(
            self.writer,
            "{}, {} denied (revision {})",
            counted(summary.objects, "object"),
            summary.denied,
            closing.revision
        )
    }
}

/// Text behind the `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which `,` and `:` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
