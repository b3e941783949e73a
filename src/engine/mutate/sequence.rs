//! JSON Patch (RFC 6902) as a policy may yield it: operations that build on one another, seen as acts at places.

use std::sync::Arc;

use super::edit::{self, EditError};
use super::operation::{Act, Instruction, RawAct};
use crate::engine::path::FieldPath;
use crate::engine::rego::Value;

type Wanted = Vec<(FieldPath, Act)>;

/// What a sequence would change in an object, in order; nothing if one of its operations finds nothing to act on or a
/// `test` of it fails, so that a sequence that has been applied asks for no more.
pub(super) fn wanted(instructions: &[Instruction], object: &Value, base: &FieldPath) -> Result<Wanted, EditError> {
    let mut scratch = object.clone();
    let mut wanted = Wanted::new();
    for instruction in instructions {
        let Some(acts) = acts(instruction, &scratch, base) else { return Ok(Vec::new()) };
        for (place, act) in acts {
            if !edit::is_done(&scratch, &place, &act) {
                edit::apply(&mut scratch, &place, &act)?;
                wanted.push((place, act));
            }
        }
    }
    if scratch == *object {
        return Ok(Vec::new());
    }
    Ok(net(&wanted, &scratch))
}

/// What acts that build on one another amount to: what is set within a place that is set as well is part of that.
fn net(wanted: &[(FieldPath, Act)], after: &Value) -> Wanted {
    let sets = |act: &Act| matches!(act, Act::Set(_) | Act::Default(_) | Act::Remove);
    let is_within = |place: &FieldPath, other: &FieldPath| place.starts_with(other) && place != other;
    let mut net = Wanted::new();
    for (place, act) in wanted {
        if wanted.iter().any(|(other, act)| sets(act) && is_within(place, other)) {
            continue;
        }
        let act = match edit::at(after, place) {
            _ if !sets(act) => act.clone(),
            Value::Undefined => Act::Remove,
            value => Act::Set(value.clone()),
        };
        if !net.iter().any(|(known, same)| known == place && *same == act) {
            net.push((place.clone(), act));
        }
    }
    net
}

fn acts(instruction: &Instruction, object: &Value, base: &FieldPath) -> Option<Wanted> {
    match instruction {
        Instruction::Do(tokens, RawAct::Add(value)) => add(tokens, value, object, base),
        Instruction::Do(tokens, RawAct::Replace(value)) => {
            let place = existing(tokens, object, base)?;
            Some(vec![(place, Act::Set(value.clone()))])
        }
        Instruction::Do(tokens, RawAct::Remove) => {
            Some(existing(tokens, object, base).map(|place| (place, Act::Remove)).into_iter().collect())
        }
        Instruction::Test(tokens, value) => {
            let place = existing(tokens, object, base)?;
            (edit::at(object, &place) == value).then(Vec::new)
        }
        Instruction::Copy(from, to, is_move) => {
            let source = existing(from, object, base)?;
            let mut acts = add(to, edit::at(object, &source), object, base)?;
            if *is_move {
                acts.push((source, Act::Remove));
            }
            Some(acts)
        }
    }
}

fn add(tokens: &[Arc<str>], value: &Value, object: &Value, base: &FieldPath) -> Option<Wanted> {
    let (last, way) = tokens.split_last()?;
    let parent = place(way, object, base)?;
    let Value::Array(items) = edit::at(object, &parent) else {
        return Some(vec![(parent.key(last.as_ref()), Act::Set(value.clone()))]);
    };
    let act = match index(last) {
        _ if last.as_ref() == "-" => Act::Append(value.clone()),
        Some(index) if index == items.len() => Act::Append(value.clone()),
        Some(index) => Act::Insert(index, value.clone()),
        None => return None,
    };
    Some(vec![(parent, act)])
}

/// The place of what is there.
fn existing(tokens: &[Arc<str>], object: &Value, base: &FieldPath) -> Option<FieldPath> {
    let place = place(tokens, object, base)?;
    (*edit::at(object, &place) != Value::Undefined).then_some(place)
}

fn place(tokens: &[Arc<str>], object: &Value, base: &FieldPath) -> Option<FieldPath> {
    tokens.iter().try_fold(base.clone(), |place, token| match edit::at(object, &place) {
        Value::Array(_) => Some(place.index(index(token)?)),
        _ => Some(place.key(token.as_ref())),
    })
}

/// An index as the RFC writes it: no sign, no leading zero.
fn index(token: &str) -> Option<usize> {
    let is_canonical = token == "0" || !token.starts_with(['0', '+', '-']);
    token.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::operation::{Element, Operations};
    use super::*;

    #[track_caller]
    fn check(before: &str, patch: &str, expected: &str) {
        let mut object = Value::from_json_str(before).unwrap();
        let set = Value::from(BTreeSet::from([Value::from_json_str(patch).unwrap()]));
        let read = Operations::read(&set).unwrap();
        let Some(Element::Patch(instructions)) = read.elements.first() else { panic!("no JSON Patch") };
        for (place, act) in wanted(instructions, &object, &FieldPath::root()).unwrap() {
            edit::apply(&mut object, &place, &act).unwrap();
        }
        assert_eq!(object.to_string(), expected);
        assert_eq!(wanted(instructions, &object, &FieldPath::root()).unwrap(), [], "asks for more when applied");
    }

    #[test]
    fn operations_build_on_one_another() {
        check(
            "{}",
            r#"[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1}]"#,
            r#"{"a":{"b":1}}"#,
        );
        check(r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":1}"#);
        check(r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, r#"{"a":1,"b":1}"#);
        check(r#"{"a":[1,3]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, r#"{"a":[1,2,3]}"#);
        check(r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/-","value":2}]"#, r#"{"a":[1,2]}"#);
        check(r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, r#"{"a":[1,2]}"#);
    }

    #[test]
    fn a_sequence_whose_test_fails_does_nothing() {
        let guarded = r#"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":1}]"#;
        check(r#"{"a":1}"#, guarded, r#"{"a":1,"b":2}"#);
        check(r#"{"a":2}"#, guarded, r#"{"a":2}"#);
        check("{}", guarded, "{}");
    }

    #[test]
    fn what_finds_nothing_to_act_on_does_nothing() {
        check("{}", r#"{"op":"replace","path":"/a","value":1}"#, "{}");
        check("{}", r#"{"op":"remove","path":"/a/b"}"#, "{}");
        check(r#"{"a":[]}"#, r#"{"op":"add","path":"/a/01","value":1}"#, r#"{"a":[]}"#);
        check(r#"{"a":[]}"#, r#"{"op":"add","path":"/a/b/c","value":1}"#, r#"{"a":[]}"#);
    }
}
