//! The verdict on manifests for machines: one JSON document, documented in README and stable.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;

use super::{Closing, Sink};
use crate::suite::judge::{Judgement, Summary};
use crate::suite::manifest::{Problem, Skipped};

/// Writes results as they come; what was not judged is kept until the end.
#[derive(Debug)]
pub struct Json<W> {
    writer: W,
    results: usize,
    skipped: Vec<Skipped>,
    problems: Vec<Problem>,
}

/// What follows the results.
#[derive(Serialize)]
struct Rest<'a> {
    skipped: &'a [Skipped],
    problems: &'a [Problem],
    summary: &'a Summary,
    revision: &'a Arc<str>,
}

impl<W: Write> Json<W> {
    /// A document written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, results: 0, skipped: Vec::new(), problems: Vec::new() }
    }
}

impl<W: Write> Sink for Json<W> {
    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        self.problems.push(problem.clone());
        Ok(())
    }

    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        let before = if self.results == 0 { "{\n  \"results\": [\n    " } else { ",\n    " };
        self.results = self.results.saturating_add(1);
        self.writer.write_all(before.as_bytes())?;
        // No string of JSON holds a line break, so each of them is one between values.
        let text = serde_json::to_string_pretty(judgement)?.replace('\n', "\n    ");
        self.writer.write_all(text.as_bytes())
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        self.skipped.push(skipped.clone());
        Ok(())
    }

    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let rest = Rest {
            skipped: &self.skipped,
            problems: &self.problems,
            summary: closing.summary,
            revision: closing.revision,
        };
        let rest = serde_json::to_string_pretty(&rest)?;
        let before = if self.results == 0 { "{\n  \"results\": [],\n" } else { "\n  ],\n" };
        self.writer.write_all(before.as_bytes())?;
        self.writer.write_all(rest.strip_prefix("{\n").unwrap_or(&rest).as_bytes())?;
        self.writer.write_all(b"\n")
    }
}
