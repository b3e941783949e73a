//! YAML as `kubectl` reads it, with places: the stream is cut at `---` lines, each part is read on its own, scalars
//! mean what YAML 1.1 says.
//!
//! Where `kubectl` quietly picks one of two meanings, such as the last of two equal keys, this reader refuses.

pub mod cut;
pub mod edit;
mod part;
mod reader;
pub mod write;

use self::part::{Part, Parts};
use super::build::Builder;
use super::{DocumentError, Node, Parsed, Place};

/// Reads all documents of a stream. A byte order mark at its beginning is ignored.
pub fn parse(text: &str) -> Parsed {
    parse_from(without_mark(text), Place::START)
}

/// Reads a text that holds one document, such as a configuration file.
pub fn parse_one(text: &str) -> Result<Node, DocumentError> {
    parse_one_from(without_mark(text), Place::START)
}

/// Like [`parse_one`] for a text cut out of another, such as a comment block: `origin` is where its first character
/// stands, and each of its lines begins in that column.
pub fn parse_one_from(text: &str, origin: Place) -> Result<Node, DocumentError> {
    let Parsed { mut documents, errors } = parse_from(text, origin);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    if let Some(second) = documents.get(1) {
        return Err(DocumentError::new(second.place, "holds a second document")
            .hint("keep one document in this file; remove the `---` line"));
    }
    documents.pop().ok_or_else(|| DocumentError::new(origin, "is empty"))
}

/// Like [`parse`] for a text cut out of another.
pub fn parse_from(text: &str, origin: Place) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::default();
    for part in Parts::of(text, origin) {
        match reader::read(part, &mut builder) {
            Ok(documents) => parsed.documents.extend(documents),
            Err(error) => parsed.errors.push(error),
        }
    }
    parsed
}

/// Reads one part of a stream and hands out each item of its list `items` as soon as it is read, with the number of
/// characters that it took. Gives the documents without those items; where it ends in an error, the items before it
/// have been handed out.
pub fn parse_items(text: &str, origin: Place, mut each: impl FnMut(Node, usize)) -> Result<Vec<Node>, DocumentError> {
    reader::read_items(Part::whole(text, origin), &mut each)
}

/// The text without the byte order mark that it may begin with.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// How many lines end in `text`, as this reader counts them.
pub fn count_lines(text: &[u8]) -> u32 {
    part::count_lines(text)
}

#[cfg(test)]
mod tests;
