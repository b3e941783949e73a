//! Objects as text: what a patch leaves alone keeps every byte of it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::apply::tokens;

/// JSON whose leaves are the text that was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Object(BTreeMap<String, Raw>),
    List(Vec<Raw>),
    Leaf(String),
}

impl Raw {
    pub(super) fn read(text: &str) -> Self {
        if let Ok(fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
            return Self::Object(fields.into_iter().map(|(key, value)| (key, Self::read(value.get()))).collect());
        }
        if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
            return Self::List(items.iter().map(|item| Self::read(item.get())).collect());
        }
        Self::Leaf(text.trim().to_owned())
    }

    /// Applies a patch that is known to apply.
    pub(super) fn patch(&mut self, patch: &str) {
        let operations: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(patch).unwrap();
        for operation in operations {
            let text = |field: &str| serde_json::from_str::<String>(operation[field].get()).unwrap();
            let value = operation.get("value").map(|value| Self::read(value.get()));
            self.step(&text("op"), &tokens(&text("path")), value);
        }
    }

    fn step(&mut self, op: &str, tokens: &[String], value: Option<Self>) {
        match (self, tokens) {
            (Self::Object(fields), [last]) => drop(match value {
                Some(value) => fields.insert(last.clone(), value),
                None => fields.remove(last),
            }),
            (Self::List(items), [last]) => match (op, value) {
                ("add", Some(value)) => items.insert(last.parse().unwrap_or(items.len()), value),
                (_, Some(value)) => items[last.parse::<usize>().unwrap()] = value,
                (_, None) => drop(items.remove(last.parse().unwrap())),
            },
            (Self::Object(fields), [first, rest @ ..]) => fields.get_mut(first).unwrap().step(op, rest, value),
            (Self::List(items), [first, rest @ ..]) => items[first.parse::<usize>().unwrap()].step(op, rest, value),
            (found, _) => panic!("{op} {tokens:?} in {found:?}"),
        }
    }

    /// What of it lies outside some places, as a text for each leaf, by its way.
    pub(super) fn outside(&self, places: &[Vec<String>]) -> BTreeMap<Vec<String>, String> {
        let mut found = BTreeMap::new();
        self.collect(&mut Vec::new(), places, &mut found);
        found
    }

    fn collect(&self, way: &mut Vec<String>, places: &[Vec<String>], found: &mut BTreeMap<Vec<String>, String>) {
        if places.iter().any(|place| way.starts_with(place)) {
            return;
        }
        let below: Vec<(String, &Self)> = match self {
            Self::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Self::List(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
            Self::Leaf(text) => {
                found.insert(way.clone(), text.clone());
                return;
            }
        };
        for (token, value) in below {
            way.push(token);
            value.collect(way, places, found);
            way.pop();
        }
    }
}
