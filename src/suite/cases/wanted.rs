//! What a case expects: an outcome, and patterns of what is said.

use std::fmt;

use regex::Regex;
use serde::Serialize;

use crate::engine::pattern::Pattern;
use crate::engine::violation::{Enforcement, Severity};
use crate::suite::judge::{Finding, Judgement};
use crate::suite::manifest::Manifest;

/// What must come of a case.
#[derive(Debug)]
pub struct Expectation {
    /// The outcome.
    pub outcome: CaseOutcome,
    /// The violations; not compared if none are listed.
    pub violations: Option<Vec<Wanted>>,
    /// Whether there may be no others.
    pub exact: bool,
    /// Why there is no verdict, for the outcomes `error` and `unavailable`.
    pub error: Option<TextPattern>,
    /// What mutators change: the operations of a JSON Patch, in any order; not compared if none are listed.
    pub patch: Option<Vec<serde_json::Value>>,
    /// The object as mutators leave it; not compared if none is given.
    pub patched: Option<Manifest>,
}

/// What comes of a case, all policies of the suite taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseOutcome {
    /// The object is taken without a warning. There may be violations that are only audited.
    Allow,
    /// It is taken with a warning.
    Warn,
    /// It is refused for a violation.
    Deny,
    /// No policy is for such an object.
    Skip,
    /// A policy broke, whatever follows from that.
    Error,
    /// A policy lacks a fact that it needs.
    Unavailable,
}

/// A violation that is expected, by what is said of it; what is not said may be anything.
#[derive(Debug)]
pub struct Wanted {
    /// The policy's name.
    pub policy: Option<TextPattern>,
    /// What is wrong.
    pub message: Option<TextPattern>,
    /// The field.
    pub field: Option<TextPattern>,
    /// What to write instead.
    pub remedy: Option<TextPattern>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// What follows from it.
    pub enforcement: Option<Enforcement>,
    /// How many such violations there are.
    pub count: usize,
}

/// A text, whole: `*` stands for anything in it. Between two slashes a regular expression, found anywhere.
#[derive(Clone, Debug)]
pub enum TextPattern {
    /// A whole text with `*`.
    Whole(Pattern),
    /// A regular expression.
    Regex(Regex),
}

impl CaseOutcome {
    /// All of them, with their names in suites.
    pub const ALL: [(&'static str, Self); 6] = [
        ("allow", Self::Allow),
        ("warn", Self::Warn),
        ("deny", Self::Deny),
        ("skip", Self::Skip),
        ("error", Self::Error),
        ("unavailable", Self::Unavailable),
    ];

    /// The outcome of a verdict.
    pub fn of(judgement: &Judgement) -> Self {
        let warns = || judgement.violations.iter().any(|violation| violation.enforcement == Enforcement::Warn);
        match judgement.errors.iter().any(|failure| failure.outcome == "error") {
            true => Self::Error,
            false if !judgement.errors.is_empty() => Self::Unavailable,
            false if judgement.evaluated == 0 => Self::Skip,
            false if !judgement.allowed => Self::Deny,
            false if warns() => Self::Warn,
            false => Self::Allow,
        }
    }
}

impl fmt::Display for CaseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, outcome)| outcome == self);
        f.pad(found.map_or("", |(name, _)| name))
    }
}

impl TextPattern {
    /// The pattern that a text is; an error if it is no regular expression.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        let between = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|text| !text.is_empty());
        between.map_or_else(|| Ok(Self::Whole(Pattern::new(text))), |regex| Regex::new(regex).map(Self::Regex))
    }

    /// Whether a text fits.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Whole(pattern) => pattern.matches(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(pattern) => f.write_str(pattern.as_str()),
            Self::Regex(regex) => write!(f, "/{}/", regex.as_str()),
        }
    }
}

impl Wanted {
    /// A violation of which only the message is expected.
    pub fn message(message: TextPattern) -> Self {
        Self {
            policy: None,
            message: Some(message),
            field: None,
            remedy: None,
            severity: None,
            enforcement: None,
            count: 1,
        }
    }

    /// Whether a violation is such a one.
    pub fn matches(&self, found: &Finding) -> bool {
        let fits = |pattern: Option<&TextPattern>, text: Option<&str>| {
            pattern.is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
        };
        fits(self.policy.as_ref(), Some(&found.policy))
            && fits(self.message.as_ref(), Some(&found.message))
            && fits(self.field.as_ref(), found.field.as_deref())
            && fits(self.remedy.as_ref(), found.remedy.as_deref())
            && self.severity.is_none_or(|severity| severity == found.severity)
            && self.enforcement.is_none_or(|enforcement| enforcement == found.enforcement)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |pattern: Option<&TextPattern>| pattern.map(ToString::to_string);
        let parts = [
            ("policy", text(self.policy.as_ref())),
            ("enforcement", self.enforcement.map(|enforcement| enforcement.to_string())),
            ("severity", self.severity.map(|severity| severity.to_string())),
            ("message", text(self.message.as_ref())),
            ("field", text(self.field.as_ref())),
            ("remedy", text(self.remedy.as_ref())),
        ];
        let parts = parts.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", value?)));
        f.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fits: &[&str], others: &[&str]) {
        let pattern = TextPattern::new(pattern).unwrap();
        assert!(fits.iter().all(|text| pattern.matches(text)), "{pattern} fits not all of {fits:?}");
        assert!(!others.iter().any(|text| pattern.matches(text)), "{pattern} fits one of {others:?}");
    }

    #[test]
    fn patterns_are_whole_texts_or_regular_expressions() {
        check("a.b", &["a.b"], &["axb", "a.b ", "A.b"]);
        check("*: no*", &["x: no", "y: not"], &["x:no"]);
        check("/^a.b$/", &["axb"], &["axbc"]);
        check("/b/", &["abc"], &["ac"]);
        check("/", &["/"], &["a/b"]);
        check("//", &["//"], &["/", ""]);
        check("/spec/*", &["/spec/a"], &["spec"]);
        check("spec.containers[0]", &["spec.containers[0]"], &["spec.containers0"]);
        assert!(TextPattern::new("/(/").is_err());
    }
}
