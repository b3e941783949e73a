//! Suppressions: remarks that an author has looked at and says why they stay.
//!
//! `# policy:ignore RULE: REASON` stands above the line that a remark is about, or at its end. For a whole policy
//! METADATA says `custom.lint.ignore: {RULE: REASON}`.

use std::sync::Arc;

use super::super::source::SourceError;
use super::rule::{self, RuleId};

const MARK: &str = "policy:ignore";

/// One suppression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suppression {
    /// The file that it is in.
    file: Arc<str>,
    /// Where it stands.
    line: u32,
    /// The line it is about; the whole file if none.
    about: Option<u32>,
    /// The rule as written.
    rule: String,
    /// Why.
    reason: String,
}

impl Suppression {
    /// One of METADATA, for the policy of a file.
    pub(super) fn of_policy(file: &Arc<str>, line: u32, rule: &str, reason: &str) -> Self {
        Self { file: Arc::clone(file), line, about: None, rule: rule.to_owned(), reason: reason.trim().to_owned() }
    }

    fn covers(&self, remark: &SourceError) -> bool {
        let is_there = self.file == remark.file && self.about.is_none_or(|line| line == remark.line);
        is_there && !self.reason.is_empty() && remark.rule.is_some_and(|rule| rule.as_str() == self.rule)
    }

    /// What is wrong with it, given whether a remark was found that it covers.
    fn wrong(&self, is_used: bool) -> Option<SourceError> {
        let wrong = |message: String, fix: String| {
            Some(SourceError::at(&self.file, self.line, 0, message).fix(fix).of(RuleId::BadSuppression))
        };
        let name = &self.rule;
        if rule::find(name).is_none() {
            let fix = match rule::closest(name) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "see policy check --rules".to_owned(),
            };
            return wrong(format!("no rule is called {name:?}"), fix);
        }
        if self.reason.is_empty() {
            return wrong(
                format!("the suppression of {name} says not why"),
                format!("write `# {MARK} {name}: REASON`"),
            );
        }
        if is_used { None } else { wrong(format!("there is no {name} to suppress here"), "remove it".to_owned()) }
    }
}

/// The suppressions in the comments of a module.
pub(super) fn read(file: &Arc<str>, text: &str) -> Vec<Suppression> {
    said(file, text, comments(text))
}

/// The suppressions in the comments of a YAML file, each of which has its line to itself.
pub(super) fn read_yaml(file: &Arc<str>, text: &str) -> Vec<Suppression> {
    let comment = |(number, line): (u32, &str)| {
        let at = line.find(|character: char| !character.is_whitespace())?;
        line.get(at..)?.starts_with('#').then_some((number, at))
    };
    said(file, text, (1_u32..).zip(text.lines()).filter_map(comment).collect())
}

fn said(file: &Arc<str>, text: &str, comments: Vec<(u32, usize)>) -> Vec<Suppression> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (line, at) in comments {
        let index = usize::try_from(line).unwrap_or_default().saturating_sub(1);
        let Some((code, comment)) = lines.get(index).and_then(|line| line.split_at_checked(at)) else { continue };
        let Some(said) = comment.trim_start_matches('#').trim_start().strip_prefix(MARK) else { continue };
        let (rule, reason) = said.split_once(':').unwrap_or((said, ""));
        let about = if code.trim().is_empty() { below(&lines, line) } else { line };
        found.push(Suppression {
            file: Arc::clone(file),
            line,
            about: Some(about),
            rule: rule.trim().to_owned(),
            reason: reason.trim().to_owned(),
        });
    }
    found
}

/// The next line that holds more than a comment.
fn below(lines: &[&str], line: u32) -> u32 {
    let is_code = |(_, text): &(u32, &&str)| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    let from = usize::try_from(line).unwrap_or_default();
    (line.saturating_add(1)..).zip(lines.iter().skip(from)).find(is_code).map_or(line, |(next, _)| next)
}

/// Where comments begin: their line, and the byte in it. A `#` within a string is none.
fn comments(text: &str) -> Vec<(u32, usize)> {
    let mut found = Vec::new();
    let mut is_raw = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let mut is_text = false;
        let mut is_escaped = false;
        for (at, character) in line.char_indices() {
            match character {
                _ if is_escaped => is_escaped = false,
                '`' if !is_text => is_raw = !is_raw,
                _ if is_raw => {}
                '\\' if is_text => is_escaped = true,
                '"' => is_text = !is_text,
                '#' if !is_text => {
                    found.push((number, at));
                    break;
                }
                _ => {}
            }
        }
    }
    found
}

/// Takes suppressed remarks out, and adds what is wrong with suppressions.
pub(super) fn apply(suppressions: &[Suppression], remarks: Vec<SourceError>) -> Vec<SourceError> {
    let is_used = |suppression: &Suppression| remarks.iter().any(|remark| suppression.covers(remark));
    let wrong: Vec<SourceError> =
        suppressions.iter().filter_map(|suppression| suppression.wrong(is_used(suppression))).collect();
    let stands = |remark: &SourceError| !suppressions.iter().any(|suppression| suppression.covers(remark));
    remarks.into_iter().filter(stands).chain(wrong).collect()
}
