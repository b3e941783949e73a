//! How much of each policy its tests reach, by lines.

use std::sync::Arc;

use serde::Serialize;

use crate::engine::bundle::Bundle;
use crate::engine::rego::coverage::{Coverage, Lines};

/// How much of all policies their tests reach.
#[derive(Debug, Serialize)]
pub struct CoverageReport {
    /// Each policy and library, by file.
    pub files: Vec<FileCoverage>,
    /// All of them together.
    #[serde(flatten)]
    pub total: Share,
}

/// How much of one file its tests reach.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCoverage {
    /// The file.
    pub file: String,
    /// The policy in it; none in a library.
    pub policy: Option<Arc<str>>,
    /// Its counts.
    #[serde(flatten)]
    pub share: Share,
    /// The lines reached.
    pub covered_lines: Vec<u32>,
    /// The lines not reached.
    pub uncovered_lines: Vec<u32>,
}

/// Counts of lines that hold something to evaluate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// All of them.
    pub lines: usize,
    /// Those that were reached.
    pub covered: usize,
    /// Their part, from 0 to 100, rounded down to a tenth; 100 where there is nothing to reach.
    pub percent: f64,
}

impl CoverageReport {
    /// What was gathered of the policies and libraries of a bundle.
    pub(super) fn of(coverage: &Coverage, bundle: &Bundle) -> Self {
        let known = coverage.files();
        let files = bundle.sources.iter().filter_map(|source| {
            let lines = known.get(&*source.file)?;
            let policy = bundle.policies.iter().find(|policy| policy.file == source.file);
            Some(FileCoverage::of(source.file.to_string(), policy.map(|policy| Arc::clone(&policy.name)), lines))
        });
        let files: Vec<FileCoverage> = files.collect();
        let sum = |count: fn(&Share) -> usize| files.iter().map(|file| count(&file.share)).sum();
        let total = Share::of(sum(|share| share.lines), sum(|share| share.covered));
        Self { files, total }
    }

    /// The files of which less is covered than so many percent.
    pub fn below(&self, percent: u8) -> impl Iterator<Item = &FileCoverage> {
        self.files.iter().filter(move |file| !file.share.reaches(percent))
    }
}

impl FileCoverage {
    fn of(file: String, policy: Option<Arc<str>>, lines: &Lines) -> Self {
        let all = lines.covered.len().saturating_add(lines.uncovered.len());
        Self {
            file,
            policy,
            share: Share::of(all, lines.covered.len()),
            covered_lines: lines.covered.iter().copied().collect(),
            uncovered_lines: lines.uncovered.iter().copied().collect(),
        }
    }

    /// The lines not reached as a person reads them, `12-14, 20`. A range ends where a line was reached.
    pub fn uncovered_ranges(&self) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for line in &self.uncovered_lines {
            match ranges.last_mut() {
                Some((_, last)) if !self.covered_lines.iter().any(|reached| (*last..*line).contains(reached)) => {
                    *last = *line;
                }
                _ => ranges.push((*line, *line)),
            }
        }
        let shown = ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") });
        shown.collect::<Vec<_>>().join(", ")
    }
}

impl Share {
    fn of(lines: usize, covered: usize) -> Self {
        let tenths = covered.saturating_mul(1_000).checked_div(lines).unwrap_or(1_000);
        let tenths = u16::try_from(tenths).unwrap_or(1_000);
        Self { lines, covered, percent: f64::from(tenths) / 10.0 }
    }

    /// Whether so many percent of the lines were reached, exactly counted.
    pub fn reaches(&self, percent: u8) -> bool {
        self.covered.saturating_mul(100) >= self.lines.saturating_mul(usize::from(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(covered: &[u32], uncovered: &[u32], percent: f64, ranges: &str) {
        let set = |lines: &[u32]| lines.iter().copied().collect();
        let lines = Lines { covered: set(covered), uncovered: set(uncovered) };
        let file = FileCoverage::of("p.rego".to_owned(), None, &lines);
        assert_eq!((file.share.percent.to_bits(), file.uncovered_ranges().as_str()), (percent.to_bits(), ranges));
    }

    #[test]
    fn ranges_and_percentages_are_true() {
        check(&[], &[], 100.0, "");
        check(&[1, 9], &[3, 4, 7, 11], 33.3, "3-7, 11");
        check(&[5], &[3, 4, 6], 25.0, "3-4, 6");
        check(&(1..=1_999).collect::<Vec<_>>(), &[2_000], 99.9, "2000");
    }

    #[test]
    fn a_share_reaches_what_it_is_and_no_more() {
        assert!(Share::of(20, 19).reaches(95) && !Share::of(20, 19).reaches(96));
        assert!(!Share::of(2_000, 1_999).reaches(100) && Share::of(0, 0).reaches(100));
        assert!(Share::of(5, 0).reaches(0));
    }
}
