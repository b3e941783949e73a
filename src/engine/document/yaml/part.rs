//! The parts of a stream, cut where `kubectl` cuts it, and what is done to their text before and after YAML's grammar.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Marker, ScanError};

use super::super::{DocumentError, Place, TEMPLATE_HINT, build, looks_like_template};
use super::cut::{Cut, Cutter};

/// How often a part is read again with a line indented further.
const MAX_LOOSENED_LINES: usize = 200;

/// How many bytes are read in doing so.
const MAX_LOOSENED_BYTES: usize = 64 << 20;

/// How far a line is indented by it, in columns.
const MAX_LOOSENED_DEPTH: usize = 1024;

/// The parts of a stream.
pub(super) struct Parts<'a> {
    rest: &'a str,
    origin: Place,
}

/// A part, and the place in the whole text where it begins.
pub(super) struct Part<'a> {
    text: Cow<'a, str>,
    origin: Place,
    /// How many columns a line, counted from 0, has been shifted by [`Part::loosen`].
    shifts: HashMap<usize, usize>,
}

impl<'a> Parts<'a> {
    /// Cuts `text`, whose first character stands at `origin`.
    pub(super) fn of(text: &'a str, origin: Place) -> Self {
        Self { rest: text, origin }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut cutter = Cutter::default();
        let within = self.rest.split_inclusive('\n').take_while(|line| cutter.take(line.as_bytes()) != Cut::Begins);
        let end = within.map(str::len).sum();
        let (text, rest) = self.rest.split_at_checked(end)?;
        let part = Part::whole(text, self.origin);
        self.rest = rest;
        self.origin.line = self.origin.line.saturating_add(count_lines(text.as_bytes()));
        Some(part)
    }
}

impl<'a> Part<'a> {
    /// A text that is one part, whose first character stands at `origin`.
    pub(super) fn whole(text: &'a str, origin: Place) -> Self {
        Self { text: Cow::Borrowed(text), origin, shifts: HashMap::new() }
    }
}

impl Part<'_> {
    /// The text to read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A place within this part as a place in the whole text.
    pub(super) fn place(&self, marker: Marker) -> Place {
        let shift = self.shifts.get(&marker.line().saturating_sub(1)).copied().unwrap_or_default();
        self.place_at(marker.line(), marker.col().saturating_sub(shift))
    }

    /// Refuses characters that `kubectl` refuses or takes for line breaks where this reader sees none: what the two
    /// read would differ.
    pub(super) fn check_characters(&self) -> Result<(), DocumentError> {
        let odd = |char: char| match char {
            '\t' | '\n' | '\r' => false,
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
            _ => char.is_control(),
        };
        let Some((at, char)) = self.text.char_indices().find(|(_, char)| odd(*char)) else { return Ok(()) };
        let before = self.text.get(..at).unwrap_or_default();
        let line = usize::try_from(count_lines(before.as_bytes())).unwrap_or(usize::MAX).saturating_add(1);
        let column = before.rsplit(['\n', '\r']).next().map_or(0, |line| line.chars().count());
        let code = u32::from(char);
        let error = DocumentError::new(self.place_at(line, column), format!("holds the character U+{code:04X}"));
        Err(match char {
            '\u{feff}' => error.hint("remove this byte order mark; it is allowed only at the beginning of a file"),
            _ => error.hint(format!("write it as \"\\u{code:04x}\" in double quotes")),
        })
    }

    /// Indents a line further if that is what `error` asks for and `kubectl` does not: in brackets and quotes, where
    /// indentation has no meaning, YAML 1.2 still wants it deeper than the key. False if nothing can be done.
    pub(super) fn loosen(&mut self, error: &ScanError) -> bool {
        let lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        let named = error.marker().line().saturating_sub(1);
        let at = match error.info() {
            "invalid indentation" | "invalid indentation in flow construct" => named,
            // The error stands at the opening quote; the first line below that has not been indented yet is part of it.
            "invalid indentation in quoted scalar" => (named.saturating_add(1)..lines.len())
                .find(|at| !self.shifts.contains_key(at) && lines.get(*at).is_some_and(|line| !line.trim().is_empty()))
                .unwrap_or(lines.len()),
            _ => return false,
        };
        let attempts = self.shifts.len().saturating_add(1);
        let within_limits =
            attempts <= MAX_LOOSENED_LINES && self.text.len().saturating_mul(attempts) <= MAX_LOOSENED_BYTES;
        // Deeper than every line above is deep enough.
        let indent = |line: &&str| line.bytes().take_while(|byte| *byte == b' ').count();
        let depth = lines.iter().take(at).map(indent).max().unwrap_or_default().saturating_add(2);
        let counted_alike = !self.text.replace("\r\n", "").contains('\r');
        if !within_limits
            || depth > MAX_LOOSENED_DEPTH
            || at >= lines.len()
            || self.shifts.contains_key(&at)
            || !counted_alike
        {
            return false;
        }
        let from = lines.iter().take(at).map(|line| line.len()).sum();
        let (above, below) = self.text.split_at_checked(from).unwrap_or_default();
        self.text = Cow::Owned(format!("{above}{:depth$}{below}", ""));
        self.shifts.insert(at, depth);
        true
    }

    /// What `error` says, in this project's words and with its place in the whole text.
    pub(super) fn refuse(&self, error: &ScanError) -> DocumentError {
        let place = self.place(*error.marker());
        if error.info().contains("recursion limit") {
            return build::too_deep(place);
        }
        let line = self.text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
        let tabbed = line.chars().take_while(|char| char.is_whitespace()).any(|char| char == '\t');
        let error = DocumentError::new(place, format!("is no YAML: {}", error.info()));
        if tabbed {
            error.hint("indent with spaces, YAML allows no tabs")
        } else if error.message.contains("':' must be followed by") {
            error.hint("put a space behind the colon")
        } else if error.message.contains("indentation") {
            error.hint("indent it further than the key that it belongs to")
        } else {
            error
        }
    }

    /// Adds a hint to an error that a template's markers explain.
    pub(super) fn explain(&self, error: DocumentError) -> DocumentError {
        if error.hint.is_none() && looks_like_template(&self.text) { error.hint(TEMPLATE_HINT) } else { error }
    }

    fn place_at(&self, line: usize, column: usize) -> Place {
        let from = |count: usize, first: u32| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(first);
        Place { line: from(line.saturating_sub(1), self.origin.line), column: from(column, self.origin.column) }
    }
}

/// How many lines end in `text`; a carriage return alone ends one too.
pub(super) fn count_lines(text: &[u8]) -> u32 {
    let feeds = text.iter().map(|byte| usize::from(*byte == b'\n')).sum::<usize>();
    // Rare enough for a second look.
    let lone_returns = if text.contains(&b'\r') {
        let next = text.iter().skip(1).map(Some).chain([None]);
        text.iter().zip(next).filter(|(byte, next)| **byte == b'\r' && *next != Some(&b'\n')).count()
    } else {
        0
    };
    u32::try_from(feeds.saturating_add(lone_returns)).unwrap_or(u32::MAX)
}
