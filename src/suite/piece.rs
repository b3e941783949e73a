//! A piece of a file that can be read on its own: a document of YAML, a JSON value, an item of a List.

use std::ops::Range;
use std::sync::Arc;

use super::class::{Sorted, sort, typed};
use super::manifest::Problem;
use crate::engine::document::{Parsed, Place, json, yaml};

/// Text, and how to read it.
pub(super) struct Piece {
    /// Its file.
    pub(super) file: Arc<str>,
    /// Where it begins.
    pub(super) origin: Place,
    /// The text.
    pub(super) text: Text,
    /// How it is read.
    pub(super) form: Form,
}

/// Text of a piece's own, or a part of what several share.
pub(super) enum Text {
    Own(String),
    Part(Arc<String>, Range<usize>),
}

/// How a piece is read.
pub(super) enum Form {
    /// As YAML.
    Yaml,
    /// As YAML; what is none, but begins as JSON does, is broken JSON.
    Either,
    /// As JSON values.
    Json,
    /// As one JSON value, an item of a List.
    Item(ItemType),
}

/// The apiVersion and kind that items leave to their List, if they do.
pub(super) type ItemType = Option<(Arc<str>, Arc<str>)>;

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Part(whole, range) => whole.get(range.clone()).unwrap_or_default(),
        }
    }
}

impl Piece {
    /// Reads it and hands out what it holds.
    pub(super) fn read(&self, each: &mut impl FnMut(Sorted)) {
        let (text, origin) = (self.text.as_str(), self.origin);
        let Parsed { documents, errors } = match &self.form {
            Form::Yaml => yaml::parse_from(text, origin),
            Form::Either => either(text, origin),
            Form::Json => json::parse_stream_from(text, origin),
            Form::Item(item_type) => match json::parse_from(text, origin) {
                Ok(node) => return sort(&self.file, typed(node, item_type), each),
                Err(error) => Parsed { documents: Vec::new(), errors: vec![error] },
            },
        };
        for document in documents {
            sort(&self.file, document, each);
        }
        for error in errors {
            each(Sorted::Problem(Problem::document(&self.file, error)));
        }
    }
}

fn either(text: &str, origin: Place) -> Parsed {
    let yaml = yaml::parse_from(text, origin);
    let inside = text.trim_start().strip_prefix('{').map(str::trim_start);
    let is_like_json = inside.is_some_and(|inside| inside.starts_with('"'));
    if is_like_json && !yaml.errors.is_empty() { json::parse_stream_from(text, origin) } else { yaml }
}
