//! Coverage as a table for people, and as LCOV for editors and CI
//! (<https://manpages.debian.org/unstable/lcov/geninfo.1.en.html#TRACEFILE_FORMAT>).

use std::fmt::{self, Write as _};

use crate::suite::coverage::{CoverageReport, FileCoverage};

/// Writes a table: for each file the percentage, the counts, and the lines that no test reached.
pub fn text(report: &CoverageReport) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let width = report.total.lines.to_string().len();
    let counts = |covered: usize, lines: usize| format!("{covered:>width$}/{lines:<width$}");
    for file in &report.files {
        let share = &file.share;
        write!(text, "{:>5.1} %  {}  {}", share.percent, counts(share.covered, share.lines), file.file)?;
        if !file.uncovered_lines.is_empty() {
            write!(text, "  not covered: {}", file.uncovered_ranges())?;
        }
        text.push('\n');
    }
    let total = &report.total;
    writeln!(text, "{:>5.1} %  {}  of all lines", total.percent, counts(total.covered, total.lines))?;
    Ok(text)
}

/// Writes a tracefile. The engine tells whether a line was reached, not how often: each count is 0 or 1.
pub fn lcov(report: &CoverageReport) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for file in &report.files {
        writeln!(text, "TN:\nSF:{}", file.file)?;
        for (line, count) in lines(file) {
            writeln!(text, "DA:{line},{count}")?;
        }
        writeln!(text, "LF:{}\nLH:{}\nend_of_record", file.share.lines, file.share.covered)?;
    }
    Ok(text)
}

fn lines(file: &FileCoverage) -> Vec<(u32, u8)> {
    let reached = file.covered_lines.iter().map(|line| (*line, 1));
    let mut lines: Vec<(u32, u8)> = reached.chain(file.uncovered_lines.iter().map(|line| (*line, 0))).collect();
    lines.sort_unstable();
    lines
}
