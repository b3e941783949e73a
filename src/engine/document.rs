//! A YAML or JSON document with the place of every node.
//!
//! A report that names `pod.yaml:12:9` needs to know where a field stands, which the usual parsers forget. The YAML
//! reader understands a text as `kubectl` does, so what is judged is what would be sent.

mod build;
pub mod change;
pub mod fields;
pub mod json;
mod scalar;
pub mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use thiserror::Error;

use crate::engine::path::{FieldPath, Segment};
use crate::engine::rego::Value;

/// How deep mappings and sequences may be nested. The API server takes more, but real objects stay below 40.
pub const MAX_DEPTH: usize = 256;

/// How many nodes one text may hold, aliases expanded: a bound on memory, some hundreds of megabytes.
pub const MAX_NODES: usize = 5_000_000;

/// The hint of an error that the markers of a Go template explain, such as those of a Helm chart.
pub const TEMPLATE_HINT: &str = "it holds template markers `{{ }}`: render the template first";

/// A position in a text, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A value and the place where it begins. The value of an alias stands at its anchor, the entry that holds it where it
/// is written; a value left empty stands at its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What a [`Node`] is: JSON's types, with integers kept exact.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that an `i64` holds.
    Integer(i64),
    /// A greater integer that a `u64` holds.
    Unsigned(u64),
    /// Any other number. **Invariant:** finite, as JSON has no other.
    Float(f64),
    /// Text, shared between the aliases of one anchor.
    String(Arc<str>),
    /// A list.
    Sequence(Vec<Node>),
    /// An object. **Invariant:** its keys differ.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key; keys that are no strings in YAML are written as `kubectl` does.
    pub key: Arc<str>,
    /// Where the key begins.
    pub key_place: Place,
    /// Its value.
    pub value: Node,
}

/// What is wrong with a document, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {message}")]
pub struct DocumentError {
    /// Where it is wrong.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if something can be said.
    pub hint: Option<String>,
}

/// The documents of a text, and what is wrong with those that cannot be read; one does not keep the other away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The documents that can be read, in the text's order; empty ones are left out.
    pub documents: Vec<Node>,
    /// One for each that cannot.
    pub errors: Vec<DocumentError>,
}

/// What [`Node::at`] finds: the field, or its nearest ancestor that exists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    /// The field, or the deepest node on the way to it.
    pub node: &'a Node,
    /// Where that is named: its key in a mapping, itself elsewhere.
    pub place: Place,
    /// How many steps of the path exist.
    pub depth: usize,
    /// Whether that is all of them.
    pub exact: bool,
}

/// Whether `text` holds what a Go template would replace: a Helm chart's template, perhaps, to be rendered first.
pub fn looks_like_template(text: &str) -> bool {
    text.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}"))
}

impl Node {
    /// The value of `key`; none if absent or if this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`; none if absent or if this is no mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| &*entry.key == key)
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        if let Content::Mapping(entries) = &self.content { Some(entries) } else { None }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Self]> {
        if let Content::Sequence(items) = &self.content { Some(items) } else { None }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Content::String(text) = &self.content { Some(text) } else { None }
    }

    /// The field at `path`, or as far as the way to it exists.
    pub fn at(&self, path: &FieldPath) -> Found<'_> {
        let (mut node, mut place, mut depth) = (self, self.place, 0_usize);
        for segment in path.segments() {
            let next = match segment {
                Segment::Key(key) => node.entry(key).map(|entry| (&entry.value, entry.key_place)),
                Segment::Index(index) => {
                    node.items().and_then(|items| items.get(*index)).map(|item| (item, item.place))
                }
            };
            let Some(next) = next else { break };
            (node, place) = next;
            depth = depth.saturating_add(1);
        }
        Found { node, place, depth, exact: depth == path.segments().len() }
    }

    /// This as a value for policies, as it would arrive from the API server: a float without a fraction is an integer.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::from(*value),
            Content::Integer(value) => Value::from(*value),
            Content::Unsigned(value) => Value::from(*value),
            Content::Float(value) => whole(*value).map_or_else(|| Value::from(*value), Value::from),
            Content::String(text) => Value::String(Arc::clone(text)),
            Content::Sequence(items) => Value::from(items.iter().map(Self::to_value).collect::<Vec<_>>()),
            Content::Mapping(entries) => Value::from(
                entries
                    .iter()
                    .map(|entry| (Value::String(Arc::clone(&entry.key)), entry.value.to_value()))
                    .collect::<BTreeMap<_, _>>(),
            ),
        }
    }

    /// This as JSON text on one line, keys in the document's order.
    pub fn to_json(&self) -> String {
        // Keys are strings and floats finite, so writing cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What kind of value this is, with its article, for messages: `a string`.
    pub fn describe(&self) -> &'static str {
        match self.content {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Integer(_) | Content::Unsigned(_) => "an integer",
            Content::Float(_) => "a number",
            Content::String(_) => "a string",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }
}

/// The integer that equals `value`, if an `i64` holds it: Go writes the float 1.0 as `1`.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

impl Content {
    /// The integer that this is, however it is written: 1.0 is 1 to Kubernetes.
    pub(super) fn whole(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(i128::from(*value)),
            Self::Unsigned(value) => Some(i128::from(*value)),
            Self::Float(value) => whole(*value).map(i128::from),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Sequence(_) | Self::Mapping(_) => None,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(value) => serializer.serialize_bool(*value),
            Content::Integer(value) => serializer.serialize_i64(*value),
            Content::Unsigned(value) => serializer.serialize_u64(*value),
            Content::Float(value) => match whole(*value) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*value),
            },
            Content::String(text) => serializer.serialize_str(text),
            Content::Sequence(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Content::Mapping(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for entry in entries {
                    map.serialize_entry(&*entry.key, &entry.value)?;
                }
                map.end()
            }
        }
    }
}

impl Place {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Where the text that follows `text` begins, if that begins here.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match text.rsplit_once('\n') {
            None => Self { column: self.column.saturating_add(count(text.chars().count())), ..self },
            Some((before, last)) => Self {
                line: self.line.saturating_add(count(before.matches('\n').count())).saturating_add(1),
                column: count(last.chars().count()).saturating_add(1),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl DocumentError {
    /// An error without a hint.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// The same error with a hint what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Node {
        let text = "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx\n  - name: log\n";
        yaml::parse_one(text).unwrap()
    }

    #[track_caller]
    fn check(path: &str, line: u32, column: u32, depth: usize, exact: bool) {
        let pod = pod();
        let found = pod.at(&FieldPath::parse(path).unwrap());
        assert_eq!((found.place, found.depth, found.exact), (Place { line, column }, depth, exact), "{path}");
    }

    #[test]
    fn finds_a_field_or_its_nearest_ancestor() {
        check("", 1, 1, 0, true);
        check("spec.containers", 3, 3, 2, true);
        check("spec.containers[0].image", 5, 5, 4, true);
        check("spec.containers[1]", 6, 5, 3, true);
        check("spec.containers[1].image", 6, 5, 3, false);
        check("spec.containers[2].image", 3, 3, 2, false);
        check("spec.securityContext.runAsNonRoot", 2, 1, 1, false);
        check("status", 1, 1, 0, false);
        check("kind.x", 1, 1, 1, false);
    }

    #[test]
    fn gives_the_same_value_and_json() {
        let text = "{a: 1.0, b: 18446744073709551615, c: -9223372036854775808, d: 1e3, e: 0.5, f: 1e300, \
                    g: [true, null, 'x\"'], h: {}, i: 9007199254740993, j: -0.0, k: 9223372036854775808.0}";
        let node = yaml::parse_one(text).unwrap();
        assert_eq!(
            node.to_json(),
            "{\"a\":1,\"b\":18446744073709551615,\"c\":-9223372036854775808,\"d\":1000,\"e\":0.5,\"f\":1e+300,\
             \"g\":[true,null,\"x\\\"\"],\"h\":{},\"i\":9007199254740993,\"j\":0,\"k\":9.223372036854776e+18}"
        );
        assert_eq!(node.to_value(), Value::from_json_str(&node.to_json()).unwrap());
        assert_eq!(json::parse(&node.to_json()).unwrap().to_value(), node.to_value());
    }

    #[test]
    fn recognizes_go_templates() {
        assert!(looks_like_template("a: {{ .Values.a }}"));
        assert!(looks_like_template("{{- if x\n}}"));
        assert!(!looks_like_template("a: {b: {}}"));
        assert!(!looks_like_template("a: }} {{"));
    }

    #[test]
    fn says_where_it_is_wrong() {
        let error = DocumentError::new(Place { line: 3, column: 7 }, "key \"a\" is unknown").hint("drop it");
        assert_eq!(error.to_string(), "line 3, column 7: key \"a\" is unknown");
        assert_eq!(error.hint.as_deref(), Some("drop it"));
    }
}
