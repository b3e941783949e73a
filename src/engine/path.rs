//! The path of a field in an object, such as `spec.containers[0].image` or `metadata.annotations["a.b/c"]`.
//!
//! Reports name fields by it, policies yield it, mutation and places in files are found by it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::engine::rego::Value;

/// The longest text that [`FieldPath::parse`] reads, in bytes; paths come from policies, whose output is not trusted.
pub const MAX_PATH_BYTES: usize = 16 * 1024;

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value of a key in a mapping.
    Key(Arc<str>),
    /// An item of a sequence, counted from zero.
    Index(usize),
}

/// The way from an object's root to one of its fields; empty for the root itself.
///
/// Its canonical text, as [`fmt::Display`] writes it, reads back to the same path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    segments: Vec<Segment>,
}

/// What is wrong with the text of a path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// It exceeds [`MAX_PATH_BYTES`].
    #[error("field path of {0} bytes is longer than {MAX_PATH_BYTES}")]
    TooLong(usize),
    /// A key is missing, as in `a..b`, `a[]` or `a.`.
    #[error("field path lacks a key at byte {0}")]
    MissingKey(usize),
    /// A bracket or its quotes are not closed.
    #[error("field path has a bracket at byte {0} that is not closed")]
    Unclosed(usize),
    /// Something follows a bracket that is neither `.` nor `[`, or a `]` stands alone.
    #[error("field path has an unexpected character at byte {0}")]
    Unexpected(usize),
}

impl FieldPath {
    /// The path of the object itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of these steps.
    pub fn of(segments: &[Segment]) -> Self {
        Self { segments: segments.to_vec() }
    }

    /// Reads a path. Lenient where no doubt arises: a leading dot, single quotes and an unquoted key in brackets
    /// (`metadata.annotations[a.b/c]`) are understood.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(text.len()));
        }
        let mut segments = Vec::new();
        let mut rest = match text.strip_prefix('.') {
            Some("") => return Err(PathError::MissingKey(1)),
            Some(rest) => rest,
            None => text,
        };
        let at = |rest: &str| text.len().saturating_sub(rest.len());
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (segment, after) = bracketed(inside).ok_or_else(|| PathError::Unclosed(at(rest)))?;
                if inside.starts_with(']') {
                    return Err(PathError::MissingKey(at(inside)));
                }
                segments.push(segment);
                rest = after;
            } else {
                let (key, after) = rest.split_at(rest.find(['.', '[', ']']).unwrap_or(rest.len()));
                if key.is_empty() {
                    return Err(PathError::MissingKey(at(rest)));
                }
                segments.push(Segment::Key(Arc::from(key)));
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) if after.is_empty() || after.starts_with('[') => {
                    return Err(PathError::MissingKey(at(after)));
                }
                Some(after) => rest = after,
                None if rest.is_empty() || rest.starts_with('[') => {}
                None => return Err(PathError::Unexpected(at(rest))),
            }
        }
        Ok(Self { segments })
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: impl Into<Arc<str>>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Goes on by a step.
    pub fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// This path followed by `tail`.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        let mut joined = self.clone();
        joined.segments.extend(tail.segments.iter().cloned());
        joined
    }

    /// The steps from the root on.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether this is the object itself.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether `prefix` is this path or leads to it.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.segments.starts_with(&prefix.segments)
    }

    /// What this path leads to in `object`; none if a step of it is absent or of another type.
    pub fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.segments.iter().try_fold(object, |value, segment| match (segment, value) {
            (Segment::Key(key), Value::Object(entries)) => entries.get(&Value::String(Arc::clone(key))),
            (Segment::Index(index), Value::Array(items)) => items.get(*index),
            (Segment::Key(_) | Segment::Index(_), _) => None,
        })
    }

    fn with(&self, segment: Segment) -> Self {
        let mut longer = self.clone();
        longer.push(segment);
        longer
    }
}

/// Reads what stands between brackets, from behind the opening one; gives the rest behind the closing one.
fn bracketed(inside: &str) -> Option<(Segment, &str)> {
    if let Some(quote @ ('"' | '\'')) = inside.chars().next() {
        return quoted(inside, quote).map(|(key, rest)| (Segment::Key(Arc::from(key)), rest));
    }
    let (text, rest) = inside.split_once(']')?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let segment = match text.parse() {
        Ok(index) if digits => Segment::Index(index),
        Ok(_) | Err(_) => Segment::Key(Arc::from(text)),
    };
    Some((segment, rest))
}

/// Reads a quoted key and the closing bracket; a backslash takes the next character as it is.
fn quoted(inside: &str, quote: char) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = inside.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => key.push(chars.next()?.1),
            _ if char == quote => {
                return Some((key, inside.get(at..)?.strip_prefix(quote)?.strip_prefix(']')?));
            }
            _ => key.push(char),
        }
    }
    None
}

/// Whether `key` can stand in a path without brackets and quotes.
fn is_plain(key: &str) -> bool {
    let mut bytes = key.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Segment::Key(key) => write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))?,
            }
        }
        Ok(())
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        let path = FieldPath::parse(text).unwrap();
        assert_eq!(path.to_string(), canonical);
        assert_eq!(FieldPath::parse(canonical), Ok(path));
    }

    #[track_caller]
    fn refuses(text: &str, error: &PathError) {
        assert_eq!(FieldPath::parse(text).as_ref(), Err(error), "{text}");
    }

    #[test]
    fn reads_and_prints_paths() {
        check("", "");
        check("spec", "spec");
        check(".spec.x", "spec.x");
        check(
            "spec.template.spec.containers[0].securityContext.runAsNonRoot",
            "spec.template.spec.containers[0].securityContext.runAsNonRoot",
        );
        check(r#"metadata.annotations["a.b/c"]"#, r#"metadata.annotations["a.b/c"]"#);
        check("metadata.annotations['a.b/c']", r#"metadata.annotations["a.b/c"]"#);
        check("metadata.annotations[a.b/c]", r#"metadata.annotations["a.b/c"]"#);
        check("metadata.annotations.a/b", r#"metadata.annotations["a/b"]"#);
        check("resources.limits.ephemeral-storage", "resources.limits.ephemeral-storage");
        check("[0][1].a", "[0][1].a");
        check(r#"[""].a"#, r#"[""].a"#);
        check(r#"a["\"\\]"]"#, r#"a["\"\\]"]"#);
        check("a[99999999999999999999999]", r#"a["99999999999999999999999"]"#);
        check("größe.0", r#"["größe"]["0"]"#);
    }

    #[test]
    fn refuses_unfinished_paths() {
        refuses(".", &PathError::MissingKey(1));
        refuses("a..b", &PathError::MissingKey(2));
        refuses("a.", &PathError::MissingKey(2));
        refuses("a.[0]", &PathError::MissingKey(2));
        refuses("a[]", &PathError::MissingKey(2));
        refuses("a[0", &PathError::Unclosed(1));
        refuses(r#"a["b"#, &PathError::Unclosed(1));
        refuses(r#"a["b"c]"#, &PathError::Unclosed(1));
        refuses("a]", &PathError::Unexpected(1));
        refuses("a[0]b", &PathError::Unexpected(4));
        refuses(&"[".repeat(10_000_000), &PathError::TooLong(10_000_000));
        refuses(&"[".repeat(MAX_PATH_BYTES), &PathError::Unclosed(0));
    }

    #[test]
    fn tells_a_prefix_by_whole_steps() {
        let path = FieldPath::parse("spec.containers[1].image").unwrap();
        let starts = |prefix: &str| path.starts_with(&FieldPath::parse(prefix).unwrap());
        assert!(starts("") && starts("spec") && starts("spec.containers[1]") && starts("spec.containers[1].image"));
        assert!(!starts("spec.cont") && !starts("spec.containers[0]") && !starts("spec.containers[1].image.x"));
    }

    #[test]
    fn finds_values() {
        let object = Value::from_json_str(r#"{"a": [{"b.c": 1}], "0": 2}"#).unwrap();
        let find = |path: &str| FieldPath::parse(path).unwrap().find(&object).cloned();
        assert_eq!(find(r#"a[0]["b.c"]"#), Some(Value::from(1_i64)));
        assert_eq!(find(""), Some(object.clone()));
        assert_eq!(find("a[1]"), None);
        assert_eq!(find("a.b"), None);
        assert_eq!(find("[0]"), None);
        assert_eq!(find("a[0]").and_then(|item| FieldPath::parse("x").unwrap().find(&item).cloned()), None);
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back(keys in proptest::collection::vec(
            prop_oneof![any::<String>().prop_map(|key| Segment::Key(Arc::from(key))), any::<usize>().prop_map(Segment::Index)], 0..6,
        )) {
            let path = FieldPath { segments: keys };
            prop_assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_text_breaks_it(text in r#"[a.\[\]"'\\0]{0,24}"#) {
            if let Ok(path) = FieldPath::parse(&text) {
                prop_assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
