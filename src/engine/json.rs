//! Strict JSON for hostile input: duplicate keys refused, depth bounded, integers of 64 bits exact.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::rego::Value;

/// How deep a document may nest. Real objects stay below 40; the engine's own recursion is safe at this depth.
pub const DEPTH: usize = 256;

/// How many values a document may hold, as each costs a hundred bytes of memory. An object at etcd's limit of 1.5 MB
/// that is nothing but fields holds a third of it.
pub const VALUES: usize = 500_000;

/// Why a text is not taken as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It nests deeper than [`DEPTH`].
    #[error("nested deeper than {DEPTH} levels")]
    TooDeep,
    /// It holds more values than [`VALUES`].
    #[error("made of more than {VALUES} values")]
    TooMany,
    /// It is not JSON, holds a key twice, or a number that no 64 bits hold.
    #[error("{0}")]
    Malformed(String),
}

/// Parses one JSON document. Integers within 64 bits are exact; others become floats, as in the API server.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let bounds = Bounds::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The tree below counts its depth itself, and stops well before the stack does.
    deserializer.disable_recursion_limit();
    let tree = Tree { depth: 0, bounds: &bounds }.deserialize(&mut deserializer);
    match tree.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) => Err(bounds.exceeded.take().unwrap_or_else(|| JsonError::Malformed(error.to_string()))),
    }
}

/// What the whole document used up, and which bound it exceeded.
#[derive(Default)]
struct Bounds {
    values: Cell<usize>,
    exceeded: Cell<Option<JsonError>>,
}

impl Bounds {
    fn exceed<E: Error>(&self, bound: JsonError) -> E {
        let error = E::custom(&bound);
        self.exceeded.set(Some(bound));
        error
    }
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    depth: usize,
    bounds: &'a Bounds,
}

impl Tree<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH { Err(self.bounds.exceed(JsonError::TooDeep)) } else { Ok(Self { depth, ..self }) }
    }

    fn count<E: Error>(self) -> Result<(), E> {
        let values = self.bounds.values.get().saturating_add(1);
        self.bounds.values.set(values);
        if values > VALUES { Err(self.bounds.exceed(JsonError::TooMany)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            self.count()?;
            items.push(item);
        }
        Ok(Value::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut fields = BTreeMap::new();
        while let Some(key) = map.next_key_seed(inner)? {
            let value = map.next_value_seed(inner)?;
            match fields.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(place) => {
                    return Err(A::Error::custom(format_args!("key {} occurs twice in one object", place.key())));
                }
            }
            self.count()?;
        }
        Ok(Value::from(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let value = parse(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
    }

    #[test]
    fn integers_are_exact() {
        check("[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
        check("[18446744073709551615,9007199254740993]", "[18446744073709551615,9007199254740993]");
    }

    #[test]
    fn text_is_carried_as_it_is() {
        check(r#"{"Name":1,"name":2,"":3}"#, r#"{"":3,"Name":1,"name":2}"#);
        assert_eq!(parse(r#""a\u0000b""#).unwrap(), Value::from("a\0b"));
        assert_eq!(parse(r#""\ud83d\ude00""#).unwrap(), Value::from("😀"));
    }

    #[test]
    fn what_parsers_disagree_on_is_refused() {
        check_refused(r#"{"a":1,"a":1}"#, r#"key "a" occurs twice"#);
        check_refused(r#"{"a":{"b":1,"\u0062":2}}"#, r#"key "b" occurs twice"#);
        for text in ["", "{", "NaN", "1e400", "[1,]", "{} x", "\u{feff}{}", r#""\ud800""#, "a: 1", "{1:2}", "01"] {
            assert!(matches!(parse(text), Err(JsonError::Malformed(_))), "{text:?} is accepted");
        }
    }

    #[test]
    fn depth_is_bounded_and_never_overflows() {
        for depth in [1, 100, 127, 128, DEPTH] {
            assert!(parse(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).is_ok(), "depth {depth}");
        }
        for depth in [DEPTH + 1, 1_000, 10_000, 1_000_000] {
            assert_eq!(parse(&"[".repeat(depth)), Err(JsonError::TooDeep), "depth {depth}");
            assert_eq!(parse(&r#"{"a":"#.repeat(depth)), Err(JsonError::TooDeep), "depth {depth}");
        }
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(parse(&list(VALUES)).is_ok());
        assert_eq!(parse(&list(VALUES + 1)), Err(JsonError::TooMany));
    }

    #[test]
    fn wide_maps_and_long_strings_are_taken() {
        let fields: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        assert_eq!(parse(&format!("{{{}}}", fields.join(","))).unwrap().as_object().unwrap().len(), 100_000);
        let long = "x".repeat(10 << 20);
        assert_eq!(parse(&format!("\"{long}\"")).unwrap(), Value::from(long.as_str()));
    }
}
