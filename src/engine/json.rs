//! Strict JSON for hostile input: duplicate keys refused, depth bounded, integers of 64 bits exact.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::rego::Value;

/// How deep a document may nest. Real objects stay below 40; the engine's own recursion is safe at this depth.
pub const DEPTH: usize = 256;

/// Why a text is not taken as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It nests deeper than [`DEPTH`].
    #[error("nested deeper than {DEPTH} levels")]
    TooDeep,
    /// It is not JSON, holds a key twice, or a number that no 64 bits hold.
    #[error("{0}")]
    Malformed(String),
}

/// Parses one JSON document. Integers within 64 bits are exact; others become floats, as in the API server.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let too_deep = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The tree below counts its depth itself, and stops well before the stack does.
    deserializer.disable_recursion_limit();
    let tree = Tree { depth: 0, too_deep: &too_deep }.deserialize(&mut deserializer);
    match tree.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) if too_deep.get() => Err(JsonError::TooDeep),
        Err(error) => Err(JsonError::Malformed(error.to_string())),
    }
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    depth: usize,
    too_deep: &'a Cell<bool>,
}

impl Tree<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH {
            self.too_deep.set(true);
            return Err(E::custom(JsonError::TooDeep));
        }
        Ok(Self { depth, ..self })
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
    fn wide_maps_and_long_strings_are_taken() {
        let fields: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        assert_eq!(parse(&format!("{{{}}}", fields.join(","))).unwrap().as_object().unwrap().len(), 100_000);
        let long = "x".repeat(10 << 20);
        assert_eq!(parse(&format!("\"{long}\"")).unwrap(), Value::from(long.as_str()));
    }
}
