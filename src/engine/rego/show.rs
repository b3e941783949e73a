//! A value as a person reads it: in Rego's notation, and no longer than asked for.

use std::fmt::{self, Write as _};

use super::Value;

/// A part of a value that is made of no others.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The name of a field.
    Name(&'a Value),
    /// An item, or the value itself.
    Item(&'a Value),
}

/// What to show in place of a part, if not the part itself.
type Hide<'a> = &'a dyn Fn(Part<'_>) -> Option<String>;

/// A value in Rego's notation, cut to so many characters. The cost is bounded by them, not by the value.
pub fn show(value: &Value, characters: usize) -> String {
    show_hiding(value, characters, &|_| None)
}

/// The same with some parts replaced by texts. Each is replaced as a whole before anything is cut.
pub fn show_hiding(value: &Value, characters: usize, hide: Hide<'_>) -> String {
    let mut shown = Shown { text: String::new(), left: characters, hide };
    // The one error is that there is no room left, and then all that fits is there.
    if shown.value(value).is_err() {
        shown.text.push('…');
    }
    shown.text
}

struct Shown<'a> {
    text: String,
    left: usize,
    hide: Hide<'a>,
}

impl fmt::Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn part(&mut self, part: Part<'_>) -> fmt::Result {
        let (Part::Name(value) | Part::Item(value)) = part;
        match ((self.hide)(part), value) {
            (Some(text), _) => self.string(&text),
            (None, Value::String(text)) => self.string(text),
            (None, Value::Undefined) => self.write_str("undefined"),
            (None, value) => write!(self, "{value}"),
        }
    }

    fn value(&mut self, value: &Value) -> fmt::Result {
        match value {
            Value::Array(items) => self.list("[", items.iter(), "]"),
            Value::Set(items) if items.is_empty() => self.write_str("set()"),
            Value::Set(items) => self.list("{", items.iter_sorted(), "}"),
            Value::Object(fields) => {
                self.write_str("{")?;
                for (index, (key, value)) in fields.iter_sorted().enumerate() {
                    if index > 0 {
                        self.write_str(", ")?;
                    }
                    self.name(key)?;
                    self.write_str(": ")?;
                    self.value(value)?;
                }
                self.write_str("}")
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Undefined => {
                self.part(Part::Item(value))
            }
        }
    }

    /// The key of an object, which in Rego may be any value.
    fn name(&mut self, key: &Value) -> fmt::Result {
        match key {
            Value::Array(_) | Value::Set(_) | Value::Object(_) => self.value(key),
            _ => self.part(Part::Name(key)),
        }
    }

    /// A string in quotes and on one line, as JSON writes it.
    fn string(&mut self, text: &str) -> fmt::Result {
        self.write_str("\"")?;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self, "\\{character}")?,
                '\n' => self.write_str("\\n")?,
                '\t' => self.write_str("\\t")?,
                _ if character.is_control() => write!(self, "\\u{:04x}", u32::from(character))?,
                _ => self.write_char(character)?,
            }
        }
        self.write_str("\"")
    }

    fn list<'a>(&mut self, open: &str, items: impl Iterator<Item = &'a Value>, close: &str) -> fmt::Result {
        self.write_str(open)?;
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.write_str(", ")?;
            }
            self.value(item)?;
        }
        self.write_str(close)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(show(&Value::from_json_str(json).unwrap(), 60), expected);
    }

    #[test]
    fn values_read_as_rego_writes_them() {
        check(r#"{"b": [1, -2.5, null, true], "a": {}}"#, r#"{"a": {}, "b": [1, -2.5, null, true]}"#);
        check(r#""say \"no\"\n\u0007 größe""#, r#""say \"no\"\n\u0007 größe""#);
        let set = |items: &[&str]| Value::from(items.iter().map(|item| Value::from(*item)).collect::<BTreeSet<_>>());
        assert_eq!(show(&set(&["b", "a"]), 60), r#"{"a", "b"}"#);
        assert_eq!(show(&set(&[]), 60), "set()");
        assert_eq!(show(&Value::Undefined, 60), "undefined");
    }

    #[test]
    fn values_are_cut_where_room_ends() {
        let long = Value::from("é".repeat(100));
        assert_eq!(show(&long, 5), "\"éééé…");
        assert_eq!(show(&Value::from("abc"), 5), "\"abc\"");
        let wide = Value::from((0..1_000_000_i64).map(Value::from).collect::<Vec<_>>());
        assert_eq!(show(&wide, 10), "[0, 1, 2, …");
    }
}
