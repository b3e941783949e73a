//! The verdict on manifests as a person reads it: one block for each violation, then one line for all.

use std::io::{self, Write};

use super::{Closing, Sink};
use crate::engine::violation::Enforcement;
use crate::suite::judge::{Failure, Finding, Judgement, Summary};
use crate::suite::manifest::{Problem, Skipped};

/// Writes each verdict when it comes.
#[derive(Debug)]
pub struct Text<W> {
    writer: W,
    colour: bool,
}

/// ANSI codes of what is coloured.
#[derive(Clone, Copy)]
enum Style {
    Bold,
    Red,
    Green,
    Yellow,
    Dim,
}

impl<W: Write> Sink for Text<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
        let place = if problem.line == 0 { problem.file.to_string() } else { place };
        self.head(&place, Style::Red, "error", &problem.message)?;
        problem.remedy.iter().try_for_each(|remedy| self.line("fix", remedy))
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        let object = judgement.object.to_string();
        for failure in &judgement.errors {
            self.failure(judgement, failure, &object)?;
        }
        for finding in &judgement.violations {
            let word = match finding.enforcement {
                enforcement if judgement.existing => (Style::Dim, format!("{enforcement} (existing)")),
                Enforcement::Deny => (Style::Red, finding.enforcement.to_string()),
                Enforcement::Warn | Enforcement::Audit | Enforcement::Off => {
                    (Style::Yellow, finding.enforcement.to_string())
                }
            };
            self.finding(judgement, finding, (word.0, &word.1), &object)?;
        }
        for exempt in &judgement.exempted {
            self.finding(judgement, &exempt.finding, (Style::Dim, "exempt"), &object)?;
            self.line("exempt", &format!("{} ({})", exempt.reason, exempt.owner))?;
        }
        judgement.mutated.iter().try_for_each(|mutated| self.difference(&mutated.diff))
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let text = format!("{}:{}: skipped: {}", skipped.file, skipped.line, skipped.reason);
        let text = self.styled(Style::Dim, &text);
        writeln!(self.writer, "{text}")
    }

    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let line = self.styled(Style::Bold, &counts(closing.summary));
        writeln!(self.writer, "{line} (revision {})", closing.revision)
    }
}

impl<W: Write> Text<W> {
    /// A text written to `writer`. Colours are ANSI, or none.
    pub fn new(writer: W, colour: bool) -> Self {
        Self { writer, colour }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Red => "1;31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Dim => "2",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A unified difference, in the colours that people know from git.
    fn difference(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            let style = match line.as_bytes() {
                [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => Some(Style::Bold),
                [b'-', ..] => Some(Style::Red),
                [b'+', ..] => Some(Style::Green),
                [b'@', ..] => Some(Style::Dim),
                _ => None,
            };
            let line = style.map_or_else(|| line.to_owned(), |style| self.styled(style, line));
            writeln!(self.writer, "{line}")?;
        }
        Ok(())
    }

    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = self.styled(Style::Dim, &format!("{label:<7}"));
        writeln!(self.writer, "    {label} {text}")
    }

    fn head(&mut self, place: &str, style: Style, word: &str, rest: &str) -> io::Result<()> {
        let place = self.styled(Style::Bold, place);
        let word = self.styled(style, word);
        writeln!(self.writer, "{place}: {word}: {rest}")
    }

    fn failure(&mut self, judgement: &Judgement, failure: &Failure, object: &str) -> io::Result<()> {
        let place = format!("{}:{}", judgement.file, judgement.line);
        let rest = format!("{} could not be evaluated: {}", failure.policy, failure.message);
        self.head(&place, Style::Red, failure.outcome, &rest)?;
        self.line("object", object)?;
        self.line("effect", &format!("on_error is {}", failure.on_error))
    }

    fn finding(
        &mut self,
        judgement: &Judgement,
        finding: &Finding,
        word: (Style, &str),
        object: &str,
    ) -> io::Result<()> {
        let place = format!("{}:{}:{}", judgement.file, finding.line, finding.column);
        let rest = format!("{} ({}): {}", finding.policy, finding.severity, finding.message);
        self.head(&place, word.0, word.1, &rest)?;
        self.line("object", object)?;
        if let Some(field) = &finding.field {
            self.line("field", field)?;
            self.line("found", finding.observed.as_deref().unwrap_or("not set"))?;
        }
        finding.remedy.iter().try_for_each(|remedy| self.line("fix", remedy))
    }
}

/// What all objects come to, on one line.
fn counts(summary: &Summary) -> String {
    let violations = summary.deny.saturating_add(summary.warn).saturating_add(summary.audit);
    let kinds = format!("({} deny, {} warn, {} audit)", summary.deny, summary.warn, summary.audit);
    let mut parts = vec![
        counted(summary.objects, "object"),
        format!("{} denied", summary.denied),
        format!("{} {kinds}", counted(violations, "violation")),
    ];
    for (count, what) in [
        (summary.mutated, "mutated"),
        (summary.existing, "existing before"),
        (summary.exempted, "exempted"),
        (summary.errors, "not evaluated"),
        (summary.problems, "unreadable"),
        (summary.skipped, "skipped"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if summary.evaluations == 0 {
        parts.push("nothing evaluated".to_owned());
    }
    parts.join(", ")
}

/// A count with its noun.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
