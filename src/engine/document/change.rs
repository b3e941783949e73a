//! A JSON Patch applied to a document. What stays keeps its place and its order; what is new stands where its nearest
//! ancestor does that was there before, so that what is said of it points into the original text.

use std::sync::Arc;

use thiserror::Error;

use super::{Content, Entry, Node, Place, json};
use crate::engine::patch::{Act, Operation, Patch, unescaped};
use crate::engine::path::{FieldPath, Segment};

/// A patch that does not fit the document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the patch does not fit the document at {0:?}")]
pub struct Misfit(pub String);

impl Node {
    /// The document after a patch of what lies at `base`. Parents that are missing are made, as a document may lack
    /// what the API server fills in: the namespace, and `metadata` with it.
    pub fn patched(&self, base: &FieldPath, patch: &Patch) -> Result<Self, Misfit> {
        let mut patched = self.clone();
        let base: Vec<String> = base.segments().iter().map(token).collect();
        for operation in patch.operations() {
            apply(&mut patched, &base, operation).ok_or_else(|| Misfit(operation.path.clone()))?;
        }
        Ok(patched)
    }

    /// The same with the keys of its mappings in the order that they have in another document; others come last.
    #[must_use]
    pub fn in_order_of(&self, other: &Self) -> Self {
        let content = match (&self.content, &other.content) {
            (Content::Mapping(own), Content::Mapping(others)) => {
                let place =
                    |entry: &Entry| others.iter().position(|other| other.key == entry.key).unwrap_or(others.len());
                let ordered = |entry: &Entry| {
                    let value = other
                        .get(&entry.key)
                        .map_or_else(|| entry.value.clone(), |other| entry.value.in_order_of(other));
                    Entry { value, ..entry.clone() }
                };
                let mut entries: Vec<Entry> = own.iter().map(ordered).collect();
                entries.sort_by_key(place);
                Content::Mapping(entries)
            }
            (Content::Sequence(own), Content::Sequence(others)) => {
                let ordered = |(index, item): (usize, &Self)| {
                    others.get(index).map_or_else(|| item.clone(), |other| item.in_order_of(other))
                };
                Content::Sequence(own.iter().enumerate().map(ordered).collect())
            }
            (content, _) => content.clone(),
        };
        Self { place: self.place, content }
    }

    /// Whether this and another say the same, wherever they stand.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Sequence(a), Content::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_the_same_as(b))
            }
            (Content::Mapping(a), Content::Mapping(_)) => {
                let same =
                    |entry: &Entry| other.get(&entry.key).is_some_and(|value| entry.value.says_the_same_as(value));
                Some(a.len()) == other.entries().map(<[Entry]>::len) && a.iter().all(same)
            }
            (a, b) => a == b || a.whole().is_some_and(|number| b.whole() == Some(number)),
        }
    }
}

fn token(segment: &Segment) -> String {
    match segment {
        Segment::Key(key) => key.to_string(),
        Segment::Index(index) => index.to_string(),
    }
}

fn apply(root: &mut Node, base: &[String], operation: &Operation) -> Option<()> {
    let mut tokens = base.to_vec();
    tokens.extend(operation.path.split('/').skip(1).map(unescaped));
    let Some((last, parents)) = tokens.split_last() else {
        root.content = new(operation, root.place)?.content;
        return Some(());
    };
    let mut place = root.place;
    let mut parent = root;
    for token in parents {
        parent = child(parent, token, &mut place)?;
    }
    made(parent, place);
    match &mut parent.content {
        Content::Mapping(entries) => field(entries, last, operation, place),
        Content::Sequence(items) => item(items, last, operation, place),
        Content::Null
        | Content::Bool(_)
        | Content::Integer(_)
        | Content::Unsigned(_)
        | Content::Float(_)
        | Content::String(_) => None,
    }
}

/// A null is where something may be made.
fn made(node: &mut Node, place: Place) {
    if node.content == Content::Null {
        *node = Node { place, content: Content::Mapping(Vec::new()) };
    }
}

fn child<'a>(node: &'a mut Node, token: &str, place: &mut Place) -> Option<&'a mut Node> {
    made(node, *place);
    match &mut node.content {
        Content::Mapping(entries) => {
            if !entries.iter().any(|entry| &*entry.key == token) {
                let value = Node { place: *place, content: Content::Mapping(Vec::new()) };
                entries.push(Entry { key: Arc::from(token), key_place: *place, value });
            }
            let entry = entries.iter_mut().find(|entry| &*entry.key == token)?;
            *place = entry.key_place;
            Some(&mut entry.value)
        }
        Content::Sequence(items) => {
            let item = items.get_mut(token.parse::<usize>().ok()?)?;
            *place = item.place;
            Some(item)
        }
        _ => None,
    }
}

fn field(entries: &mut Vec<Entry>, key: &str, operation: &Operation, place: Place) -> Option<()> {
    let at = entries.iter().position(|entry| &*entry.key == key);
    match (operation.op, at) {
        (Act::Remove, Some(at)) => drop(entries.remove(at)),
        // What only the API server fills in is not there.
        (Act::Remove, None) => {}
        (Act::Add | Act::Replace, Some(at)) => {
            let entry = entries.get_mut(at)?;
            entry.value = new(operation, entry.key_place)?;
        }
        (Act::Add | Act::Replace, None) => {
            entries.push(Entry { key: Arc::from(key), key_place: place, value: new(operation, place)? });
        }
    }
    Some(())
}

fn item(items: &mut Vec<Node>, token: &str, operation: &Operation, place: Place) -> Option<()> {
    let at = if token == "-" { items.len() } else { token.parse::<usize>().ok()? };
    match operation.op {
        Act::Add if at <= items.len() => items.insert(at, new(operation, place)?),
        Act::Replace => {
            let item = items.get_mut(at)?;
            *item = new(operation, item.place)?;
        }
        Act::Remove if at < items.len() => drop(items.remove(at)),
        Act::Add | Act::Remove => return None,
    }
    Some(())
}

/// The value of an operation, all of it at one place.
fn new(operation: &Operation, place: Place) -> Option<Node> {
    let text = serde_json::to_string(operation.value.as_ref()?).ok()?;
    let mut node = json::parse(&text).ok()?;
    stand_at(&mut node, place);
    Some(node)
}

fn stand_at(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.content {
        Content::Sequence(items) => items.iter_mut().for_each(|item| stand_at(item, place)),
        Content::Mapping(entries) => entries.iter_mut().for_each(|entry| {
            entry.key_place = place;
            stand_at(&mut entry.value, place);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) -> Node {
        let (before, after) = (yaml::parse_one(before).unwrap(), yaml::parse_one(after).unwrap());
        let patched =
            before.patched(&FieldPath::root(), &Patch::between(&before.to_value(), &after.to_value())).unwrap();
        assert_eq!(patched.to_value(), after.to_value());
        assert!(patched.says_the_same_as(&after) && (before == after || !patched.says_the_same_as(&before)));
        patched
    }

    #[test]
    fn what_stays_keeps_its_place_and_order() {
        let patched = check(
            "z: 1\nspec:\n  c:\n  - {name: a, x: 1}\n  - {name: b}\n",
            "{z: 1, spec: {a: {b: [1]}, c: [{name: w}, {name: b, x: 2}]}, m: {}}",
        );
        assert_eq!(patched.to_json(), r#"{"z":1,"spec":{"c":[{"name":"w"},{"name":"b","x":2}],"a":{"b":[1]}},"m":{}}"#);
        let at = |path: &str| patched.at(&FieldPath::parse(path).unwrap()).place;
        assert_eq!((at("spec.c[1].name").line, at("spec.c[1].x").line), (5, 5));
        assert_eq!((at("spec.a.b[0]").line, at("m").line), (2, 1));
    }

    #[test]
    fn every_operation_fits_what_it_is_for() {
        check("a: null", "a: {b: 1}");
        check("a: {b: 1}", "a: null");
        check("[1, 2, 3]", "[1, 3, 4]");
        check("{a: 1}", "[a]");
        check("'a/b': {'~': 1}", "'a/b': {'~': 2, '': 3}");
        check("a: 1", "a: 1");
    }

    #[test]
    fn parents_that_only_the_server_knows_are_made() {
        let (sent, wanted) =
            ("{kind: Pod, metadata: {namespace: n}}", "{kind: Pod, metadata: {namespace: n, labels: {a: b}}}");
        let value = |text: &str| yaml::parse_one(text).unwrap().to_value();
        let patch = Patch::between(&value(sent), &value(wanted));
        let base = FieldPath::parse("items[0]").unwrap();
        let list = yaml::parse_one("items:\n- kind: Pod\n").unwrap().patched(&base, &patch).unwrap();
        assert_eq!(list.to_json(), r#"{"items":[{"kind":"Pod","metadata":{"labels":{"a":"b"}}}]}"#);
        let misfit = yaml::parse_one("items: 1").unwrap().patched(&base, &patch);
        assert_eq!(misfit, Err(Misfit("/metadata/labels".to_owned())));
    }
}
