//! JSON text cut into its values, and Lists into their items, without a tree of either: the text is all that is kept.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::class::Class;
use crate::engine::document::json;

/// The values of a text one by one; last the offset from which it is none, if it is not JSON.
pub(super) fn values(text: &str) -> impl Iterator<Item = Result<&str, usize>> {
    let mut stream = Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut is_over = false;
    std::iter::from_fn(move || {
        let value = stream.next().filter(|_| !is_over)?;
        is_over = value.is_err();
        Some(value.map(RawValue::get).map_err(|_| stream.byte_offset()))
    })
}

/// A List of which nothing but the items matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    /// The text of its items.
    items: &'a RawValue,
}

/// Whose items a List holds, if they leave that to it: their apiVersion and kind.
pub(super) type ItemType = Option<(String, String)>;

impl<'a> List<'a> {
    /// Looks whether the text of a value is a List. None if it is not, or if anything about it is odd: its whole
    /// document is read then, and tells what.
    pub(super) fn of(text: &'a str) -> Option<(Self, ItemType)> {
        // Nearly all other values are told apart without a closer look.
        if !text.starts_with('{') || !text.contains("List\"") {
            return None;
        }
        let shell = Deserializer::from_str(text).deserialize_map(Shell::default()).ok()?;
        let string = |text: Option<&str>| json::parse(text?).ok().and_then(|node| Some(node.as_str()?.to_owned()));
        let (api_version, kind) = (string(shell.api_version)?, string(shell.kind)?);
        let items = shell.items.filter(|items| items.get().starts_with('['))?;
        let is_sound = |text: &&str| json::parse(text).is_ok();
        match Class::of(&api_version, &kind, true) {
            Class::List if shell.others.iter().all(is_sound) => Some((Self { items }, None)),
            Class::ListOf(kind) if shell.others.iter().all(is_sound) => {
                let item = kind.to_owned();
                Some((Self { items }, Some((api_version, item))))
            }
            Class::List | Class::ListOf(_) | Class::Object | Class::Review | Class::Other(_) => None,
        }
    }

    /// Hands out the text of each item.
    pub(super) fn each(self, each: impl FnMut(&'a str)) {
        // It has been read once, so it can be read again.
        let _ = Items(each).deserialize(&mut Deserializer::from_str(self.items.get()));
    }
}

/// The fields of a mapping, not read yet.
#[derive(Default)]
struct Shell<'a> {
    api_version: Option<&'a str>,
    kind: Option<&'a str>,
    items: Option<&'a RawValue>,
    others: Vec<&'a str>,
}

impl<'de> Visitor<'de> for Shell<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            match key.as_str() {
                "apiVersion" => self.api_version = Some(value.get()),
                "kind" => self.kind = Some(value.get()),
                "items" => self.items = Some(value),
                _ => self.others.push(value.get()),
            }
            if !keys.insert(key) {
                return Err(A::Error::custom("a key is given twice"));
            }
        }
        Ok(self)
    }
}

struct Items<F>(F);

impl<'de, F: FnMut(&'de str)> DeserializeSeed<'de> for Items<F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de str)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.0)(item.get());
        }
        Ok(())
    }
}
