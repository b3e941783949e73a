//! YAML as `kubectl` reads it, with places: the stream is cut at `---` lines, each part is read on its own, scalars
//! mean what YAML 1.1 says.
//!
//! Where `kubectl` quietly picks one of two meanings, such as the last of two equal keys, this reader refuses.

mod part;
mod reader;

use self::part::Parts;
use super::build::Builder;
use super::{DocumentError, Node, Parsed, Place};

/// Reads all documents of a stream. A byte order mark at its beginning is ignored.
pub fn parse(text: &str) -> Parsed {
    parse_from(text, Place::START)
}

/// Reads a text that holds one document, such as a configuration file.
pub fn parse_one(text: &str) -> Result<Node, DocumentError> {
    parse_one_from(text, Place::START)
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

fn parse_from(text: &str, origin: Place) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::default();
    for part in Parts::of(text.strip_prefix('\u{feff}').unwrap_or(text), origin) {
        match reader::read(part, &mut builder) {
            Ok(documents) => parsed.documents.extend(documents),
            Err(error) => parsed.errors.push(error),
        }
    }
    parsed
}

#[cfg(test)]
mod tests;
