//! The verdict on manifests as a person reads it: one block for each violation, then one line for all.

use std::fmt::{self, Write as _};

use crate::engine::violation::Enforcement;
use crate::suite::judge::{Failure, Finding, Judgement, Report, Summary};
use crate::suite::manifest::{Problem, Skipped};

/// Writes a report. Colours are ANSI, or none.
pub fn write(report: &Report, colour: bool) -> Result<String, fmt::Error> {
    let mut writer = Writer { text: String::new(), colour };
    report.problems.iter().try_for_each(|problem| writer.problem(problem))?;
    report.results.iter().try_for_each(|result| writer.judgement(result))?;
    report.skipped.iter().try_for_each(|skipped| writer.skipped(skipped))?;
    writer.summary(&report.summary, &report.revision)?;
    Ok(writer.text)
}

struct Writer {
    text: String,
    colour: bool,
}

/// ANSI codes of what is coloured.
#[derive(Clone, Copy)]
enum Style {
    Bold,
    Red,
    Yellow,
    Dim,
}

impl Writer {
    fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Red => "1;31",
            Style::Yellow => "33",
            Style::Dim => "2",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&mut self, label: &str, text: &str) -> fmt::Result {
        let label = self.styled(Style::Dim, &format!("{label:<7}"));
        writeln!(self.text, "    {label} {text}")
    }

    fn head(&mut self, place: &str, style: Style, word: &str, rest: &str) -> fmt::Result {
        let place = self.styled(Style::Bold, place);
        let word = self.styled(style, word);
        writeln!(self.text, "{place}: {word}: {rest}")
    }

    fn problem(&mut self, problem: &Problem) -> fmt::Result {
        let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
        let place = if problem.line == 0 { problem.file.to_string() } else { place };
        self.head(&place, Style::Red, "error", &problem.message)?;
        problem.remedy.iter().try_for_each(|remedy| self.line("fix", remedy))
    }

    fn judgement(&mut self, result: &Judgement) -> fmt::Result {
        let object = result.object.to_string();
        for failure in &result.errors {
            self.failure(result, failure, &object)?;
        }
        for finding in &result.violations {
            let style = if finding.enforcement == Enforcement::Deny { Style::Red } else { Style::Yellow };
            self.finding(result, finding, (style, finding.enforcement.as_str()), &object)?;
        }
        for exempt in &result.exempted {
            self.finding(result, &exempt.finding, (Style::Dim, "exempt"), &object)?;
            self.line("exempt", &format!("{} ({})", exempt.reason, exempt.owner))?;
        }
        Ok(())
    }

    fn failure(&mut self, result: &Judgement, failure: &Failure, object: &str) -> fmt::Result {
        let place = format!("{}:{}", result.file, result.line);
        let rest = format!("{} could not be evaluated: {}", failure.policy, failure.message);
        self.head(&place, Style::Red, failure.outcome, &rest)?;
        self.line("object", object)?;
        self.line("effect", &format!("on_error is {}", failure.on_error))
    }

    fn finding(&mut self, result: &Judgement, finding: &Finding, word: (Style, &str), object: &str) -> fmt::Result {
        let place = format!("{}:{}:{}", result.file, finding.line, finding.column);
        let rest = format!("{} ({}): {}", finding.policy, finding.severity, finding.message);
        self.head(&place, word.0, word.1, &rest)?;
        self.line("object", object)?;
        if let Some(field) = &finding.field {
            self.line("field", field)?;
            self.line("found", finding.observed.as_deref().unwrap_or("not set"))?;
        }
        finding.remedy.iter().try_for_each(|remedy| self.line("fix", remedy))
    }

    fn skipped(&mut self, skipped: &Skipped) -> fmt::Result {
        let text = format!("{}:{}: skipped: {}", skipped.file, skipped.line, skipped.reason);
        let text = self.styled(Style::Dim, &text);
        writeln!(self.text, "{text}")
    }

    fn summary(&mut self, summary: &Summary, revision: &str) -> fmt::Result {
        let violations = summary.deny.saturating_add(summary.warn).saturating_add(summary.audit);
        let kinds = format!("({} deny, {} warn, {} audit)", summary.deny, summary.warn, summary.audit);
        let mut parts = vec![
            counted(summary.objects, "object"),
            format!("{} denied", summary.denied),
            format!("{} {kinds}", counted(violations, "violation")),
        ];
        for (count, what) in [
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
        let line = self.styled(Style::Bold, &parts.join(", "));
        writeln!(self.text, "{line} (revision {revision})")
    }
}

/// A count with its noun.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
