//! A stream of YAML documents, one at a time: no more than one is in memory.

use std::io::{self, BufRead, Read as _};

use crate::engine::document::yaml::count_lines;
use crate::engine::document::yaml::cut::{Cut, Cutter};

/// The bytes of one document, or of a whole file of JSON. The largest object that the API server takes is far below a
/// tenth of it; what comes near is a List.
pub(super) const DOCUMENT_BYTES: usize = 64 << 20;

/// Ignored at the beginning of a stream, and refused elsewhere.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How long a line may be that begins a document, if the one before is as large as it may be or larger.
const LINE_BYTES: usize = 64 << 10;

/// Cuts a stream where `kubectl` cuts it.
pub(super) struct Documents<R> {
    reader: R,
    cutter: Cutter,
    /// Whether nothing has been read yet.
    is_fresh: bool,
    /// The line that comes next.
    line: u32,
    /// The most bytes of one document.
    limit: usize,
    /// The line that has been read already, as the next document begins with it.
    carried: Vec<u8>,
}

/// A document that has not been read yet.
pub(super) struct Document {
    /// The line it begins in.
    pub(super) line: u32,
    /// Its bytes; none if there are more than [`DOCUMENT_BYTES`].
    pub(super) bytes: Option<Vec<u8>>,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn of(reader: R) -> Self {
        Self { reader, cutter: Cutter::default(), is_fresh: true, line: 1, limit: DOCUMENT_BYTES, carried: Vec::new() }
    }

    /// The next document; none at the end. Its bytes may hold no more than comments.
    pub(super) fn next(&mut self) -> io::Result<Option<Document>> {
        let mut bytes = std::mem::take(&mut self.carried);
        let mut line = self.pass(&bytes);
        loop {
            let start = bytes.len();
            // A document that just fits is followed by a line that begins the next.
            let room = self.limit.saturating_add(LINE_BYTES).saturating_sub(start);
            if self.reader.by_ref().take(room as u64).read_until(b'\n', &mut bytes)? == 0 {
                return Ok((!bytes.is_empty()).then_some(Document { line, bytes: Some(bytes) }));
            }
            if std::mem::take(&mut self.is_fresh) && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            let is_cut_short = bytes.len().saturating_sub(start) == room && !bytes.ends_with(b"\n");
            match self.cutter.take(bytes.get(start..).unwrap_or_default()) {
                Cut::Begins if !is_cut_short => {
                    self.carried = bytes.split_off(start);
                    return Ok(Some(Document { line, bytes: Some(bytes) }));
                }
                // Blank documents are forgotten, however many there are.
                Cut::Blank => {
                    bytes.drain(..start);
                    line = self.pass(&bytes);
                }
                // A line that is cut short is told as a part of what is too large.
                Cut::Within | Cut::Begins => {
                    self.pass(bytes.get(start..).unwrap_or_default());
                }
            }
            if is_cut_short || bytes.len() > self.limit {
                drop(bytes);
                self.skip(is_cut_short)?;
                return Ok(Some(Document { line, bytes: None }));
            }
        }
    }

    /// All that has not been cut yet, behind `bytes`; none if that is more than is allowed.
    pub(super) fn rest(mut self, mut bytes: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        bytes.append(&mut self.carried);
        let room = self.limit.saturating_add(1).saturating_sub(bytes.len());
        self.reader.take(room as u64).read_to_end(&mut bytes)?;
        Ok((bytes.len() <= self.limit).then_some(bytes))
    }

    /// Skips to where the next document begins. Lines are of any length; `is_within` one of them, or before one.
    fn skip(&mut self, mut is_within: bool) -> io::Result<()> {
        loop {
            let mut chunk = Vec::new();
            if self.reader.by_ref().take(LINE_BYTES as u64).read_until(b'\n', &mut chunk)? == 0 {
                return Ok(());
            }
            let is_whole = chunk.len() < LINE_BYTES || chunk.ends_with(b"\n");
            if !is_within && self.cutter.take(&chunk) == Cut::Begins && is_whole {
                self.carried = chunk;
                return Ok(());
            }
            is_within = !is_whole;
            self.pass(&chunk);
        }
    }

    /// Moves on behind `line`, of which nothing or all has been read; gives where it begins.
    fn pass(&mut self, line: &[u8]) -> u32 {
        // Within a line only a carriage return ends another, and that is rare.
        let count = if line.contains(&b'\r') { count_lines(line) } else { u32::from(line.ends_with(b"\n")) };
        let next = self.line.saturating_add(count);
        std::mem::replace(&mut self.line, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::document::{Parsed, Place, yaml};

    fn cut(text: &[u8]) -> Vec<(u32, String)> {
        cut_within(DOCUMENT_BYTES, text)
    }

    fn cut_within(limit: usize, text: &[u8]) -> Vec<(u32, String)> {
        let mut documents = Documents { limit, ..Documents::of(text) };
        let mut cut = Vec::new();
        while let Some(document) = documents.next().unwrap() {
            let bytes = document.bytes.unwrap_or_else(|| b"too large".to_vec());
            cut.push((document.line, String::from_utf8(bytes).unwrap()));
        }
        cut
    }

    #[test]
    fn documents_know_their_lines() {
        let expected = [(1, "# c\na: 1\n"), (3, "---\nb: 2\r\n\rc: 3\n"), (7, "---\nd: 4")];
        assert_eq!(
            cut(b"# c\na: 1\n---\nb: 2\r\n\rc: 3\n---\nd: 4"),
            expected.map(|(line, text)| (line, text.to_owned()))
        );
        assert_eq!(cut(b""), []);
    }

    #[test]
    fn blank_documents_take_no_memory() {
        let text = format!("{}a: 1\n", "---\n\n".repeat(100_000));
        assert_eq!(cut(text.as_bytes()), [(199_999, "---\n\na: 1\n".to_owned())]);
    }

    #[test]
    fn what_is_too_large_does_not_hide_what_follows() {
        let check = |text: &str, expected: &[(u32, &str)]| {
            let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!(cut_within(10, text.as_bytes()), expected, "{text:?}");
        };
        check("x: 1\nx: 2\n---\na: 1\n", &[(1, "x: 1\nx: 2\n"), (3, "---\na: 1\n")]);
        check("x: 1\nx: 2\n\n---\na: 1\n", &[(1, "too large"), (4, "---\na: 1\n")]);
        check("a: 1\n---\n# long\nx: 2\n---\nb: 1", &[(1, "a: 1\n"), (2, "too large"), (5, "---\nb: 1")]);
        let one_line = "x".repeat(200_000);
        check(&format!("{one_line}\n---\na: 1\n"), &[(1, "too large"), (2, "---\na: 1\n")]);
        check(&one_line, &[(1, "too large")]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(500))]
        /// Read one by one, documents are what they are when they are read at once.
        #[test]
        fn no_document_is_lost_or_moved(text in r#"([-:#%{}"x \n\r]|---|--- |\n---\n|\.\.\.|a: |\u{feff}|\u{85}|\u{a0}){0,24}"#) {
            let whole = yaml::parse(&text);
            let mut read = Parsed::default();
            for (line, text) in cut(text.as_bytes()) {
                let Parsed { documents, errors } = yaml::parse_from(&text, Place { line, column: 1 });
                read.documents.extend(documents);
                read.errors.extend(errors);
            }
            proptest::prop_assert_eq!(read, whole);
        }
    }
}
