//! A Rego file as text, and the place in it that an error names.

use std::fmt;
use std::sync::Arc;

use super::lint::RuleId;

/// A Rego file: its name as a person knows it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as given by whoever loads it, with `/` between its parts.
    pub file: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A source of this name and text.
    pub fn new(file: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// Whether the file holds tests by its name: `*_test.rego`.
    pub fn is_test(&self) -> bool {
        self.file.ends_with("_test.rego")
    }
}

/// What is wrong at one place of a file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SourceError {
    /// The file.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 if the whole file is meant.
    pub line: u32,
    /// The column, counted from 1; 0 if the whole line is meant.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do, if it can be said.
    pub remedy: Option<String>,
    /// The rule of `policy check` that says so, if it is one.
    pub rule: Option<RuleId>,
}

impl SourceError {
    /// An error about the file as a whole.
    pub fn whole(file: &Arc<str>, message: impl Into<String>) -> Self {
        Self::at(file, 0, 0, message)
    }

    /// An error at a line and column.
    pub fn at(file: &Arc<str>, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self { file: Arc::clone(file), line, column, message: message.into(), remedy: None, rule: None }
    }

    /// The same error with a remedy.
    #[must_use]
    pub fn fix(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same error as a finding of a rule.
    #[must_use]
    pub fn of(mut self, rule: RuleId) -> Self {
        self.rule = Some(rule);
        self
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  fix: {remedy}"),
            None => Ok(()),
        }
    }
}
