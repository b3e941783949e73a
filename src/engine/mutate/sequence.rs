//! JSON Patch (RFC 6902) as a policy may yield it: operations that build on one another, seen as acts at places.

use std::sync::Arc;

use super::edit::{self, EditError};
use super::merge;
use super::operation::{Act, Instruction, RawAct};
use super::size::Budget;
use crate::engine::patch::{Step, alignment};
use crate::engine::path::FieldPath;
use crate::engine::rego::Value;

type Wanted = Vec<(FieldPath, Act)>;

/// What a sequence would change in an object; nothing if one of its operations finds nothing to act on or a `test` of it
/// fails, so that a sequence that has been applied asks for no more.
pub(super) fn wanted(instructions: &[Instruction], object: &Value, base: &FieldPath) -> Result<Wanted, EditError> {
    let mut scratch = object.clone();
    let mut budget = Budget::default();
    for instruction in instructions {
        if !perform(instruction, &mut scratch, base, &mut budget)? {
            return Ok(Vec::new());
        }
    }
    Ok(difference(object, &scratch))
}

/// Does one instruction; false if it finds nothing to act on.
fn perform(
    instruction: &Instruction,
    object: &mut Value,
    base: &FieldPath,
    budget: &mut Budget,
) -> Result<bool, EditError> {
    match instruction {
        Instruction::Do(tokens, RawAct::Add(value)) => add(tokens, value, object, base),
        Instruction::Do(tokens, RawAct::Replace(value)) => match existing(tokens, object, base) {
            Some(place) => edit::apply(object, &place, &Act::Set(value.clone())).map(|()| true),
            None => Ok(false),
        },
        Instruction::Do(tokens, RawAct::Remove) => {
            // What is gone already is as it should be.
            existing(tokens, object, base).map_or(Ok(()), |place| edit::apply(object, &place, &Act::Remove))?;
            Ok(true)
        }
        Instruction::Test(tokens, value) => {
            Ok(existing(tokens, object, base).is_some_and(|place| edit::at(object, &place) == value))
        }
        Instruction::Copy(from, to, is_move) => {
            let Some(source) = existing(from, object, base) else { return Ok(false) };
            let value = edit::at(object, &source).clone();
            // Copies of copies grow without end.
            budget.spend(&value)?;
            if *is_move {
                edit::apply(object, &source, &Act::Remove)?;
            }
            add(to, &value, object, base)
        }
    }
}

fn add(tokens: &[Arc<str>], value: &Value, object: &mut Value, base: &FieldPath) -> Result<bool, EditError> {
    let Some((last, way)) = tokens.split_last() else { return Ok(false) };
    let Some(parent) = place(way, object, base) else { return Ok(false) };
    let (place, act) = match edit::at(object, &parent) {
        Value::Array(items) => match index(last) {
            _ if last.as_ref() == "-" => (parent, Act::Append(value.clone())),
            Some(index) if index == items.len() => (parent, Act::Append(value.clone())),
            Some(index) => (parent, Act::Insert(index, value.clone())),
            None => return Ok(false),
        },
        _ => (parent.key(last.as_ref()), Act::Set(value.clone())),
    };
    if !edit::is_done(object, &place, &act) {
        edit::apply(object, &place, &act)?;
    }
    Ok(true)
}

/// What makes one value of another, in the terms of the one: no index means what others have made of it. By the RFC an
/// index means the list as the operations before have left it.
fn difference(before: &Value, after: &Value) -> Wanted {
    let mut wanted = Wanted::new();
    compare(&FieldPath::root(), before, after, &mut wanted);
    wanted
}

fn compare(place: &FieldPath, before: &Value, after: &Value, wanted: &mut Wanted) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old.iter_sorted() {
                let Ok(name) = key.as_string() else { continue };
                match new.get(key) {
                    Some(kept) => compare(&place.key(name.as_ref()), value, kept, wanted),
                    None => wanted.push((place.key(name.as_ref()), Act::Remove)),
                }
            }
            for (key, value) in new.iter_sorted().filter(|(key, _)| !old.contains_key(key)) {
                let Ok(name) = key.as_string() else { continue };
                wanted.push((place.key(name.as_ref()), Act::Set(value.clone())));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            let (old, new): (Vec<&Value>, Vec<&Value>) = (old.iter().collect(), new.iter().collect());
            let acts = items(&old, &new);
            if is_result(before, &acts, after) {
                wanted.extend(acts.into_iter().map(|(below, act)| (place.join(&below), act)));
            } else {
                wanted.push((place.clone(), Act::Set(after.clone())));
            }
        }
        _ => wanted.push((place.clone(), Act::Set(after.clone()))),
    }
}

/// What happens to a list's items, each at its index in the list as it was.
fn items(old: &[&Value], new: &[&Value]) -> Wanted {
    let mut wanted = Wanted::new();
    let mut at = 0_usize;
    for step in alignment(old, new) {
        match step {
            Step::Keep(old, new) => {
                compare(&FieldPath::root().index(at), old, new, &mut wanted);
                at = at.saturating_add(1);
            }
            Step::Drop => {
                wanted.push((FieldPath::root().index(at), Act::Remove));
                at = at.saturating_add(1);
            }
            Step::Insert(value) if at == old.len() => wanted.push((FieldPath::root(), Act::Append(value.clone()))),
            Step::Insert(value) => wanted.push((FieldPath::root(), Act::Insert(at, value.clone()))),
        }
    }
    wanted
}

/// Whether acts lead where they should. They do not if an item comes while another that covers it goes, as where a list
/// is sorted anew.
fn is_result(before: &Value, acts: &Wanted, after: &Value) -> bool {
    let mut acts: Vec<&(FieldPath, Act)> = acts.iter().collect();
    merge::in_order(&mut acts, |(place, act)| (place, act));
    let mut trial = before.clone();
    let applied = acts
        .into_iter()
        .all(|(place, act)| edit::is_done(&trial, place, act) || edit::apply(&mut trial, place, act).is_ok());
    applied && trial == *after
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

    fn instructions(patch: &str) -> Vec<Instruction> {
        let set = Value::from(BTreeSet::from([Value::from_json_str(patch).unwrap()]));
        let read = Operations::read(&set).unwrap();
        let Some(Element::Patch(instructions)) = read.elements.first() else { panic!("no JSON Patch") };
        instructions.clone()
    }

    /// What becomes of an object when the acts are done in the host's order.
    #[track_caller]
    fn check_once(before: &str, patch: &str, expected: &str) -> Value {
        let mut object = Value::from_json_str(before).unwrap();
        let mut acts = wanted(&instructions(patch), &object, &FieldPath::root()).unwrap();
        merge::in_order(&mut acts, |(place, act)| (place, act));
        for (place, act) in acts {
            if !edit::is_done(&object, &place, &act) {
                edit::apply(&mut object, &place, &act).unwrap();
            }
        }
        assert_eq!(object.to_string(), expected);
        object
    }

    #[track_caller]
    fn check(before: &str, patch: &str, expected: &str) {
        let object = check_once(before, patch, expected);
        let more = wanted(&instructions(patch), &object, &FieldPath::root()).unwrap();
        assert_eq!(more, [], "asks for more when applied");
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
        check(
            r#"{"a":[]}"#,
            r#"[{"op":"add","path":"/a/0","value":2},{"op":"add","path":"/a/0","value":1}]"#,
            r#"{"a":[1,2]}"#,
        );
    }

    #[test]
    fn an_item_that_goes_takes_no_other_with_it() {
        let remove = r#"{"op":"remove","path":"/a/0"}"#;
        check_once(r#"{"a":["x","y"]}"#, remove, r#"{"a":["y"]}"#);
        check_once(r#"{"a":[1,2,3]}"#, &format!("[{remove},{remove}]"), r#"{"a":[3]}"#);
        let guarded = format!(r#"[{{"op":"test","path":"/a/0","value":"x"}},{remove}]"#);
        check(r#"{"a":["x","y"]}"#, &guarded, r#"{"a":["y"]}"#);
    }

    #[test]
    fn an_item_may_move_within_its_list() {
        let to_end = r#"[{"op":"test","path":"/a/0","value":"x"},{"op":"move","from":"/a/0","path":"/a/-"}]"#;
        check(r#"{"a":["x","y"]}"#, to_end, r#"{"a":["y","x"]}"#);
        let to_front = r#"[{"op":"test","path":"/a/1","value":"x"},{"op":"move","from":"/a/1","path":"/a/0"}]"#;
        check(r#"{"a":["y","x"]}"#, to_front, r#"{"a":["x","y"]}"#);
        check(
            r#"{"a":[{"name":"x","v":1},{"name":"y"}]}"#,
            r#"[{"op":"test","path":"/a/0/v","value":1},{"op":"remove","path":"/a/0"},
                {"op":"add","path":"/a/-","value":{"name":"x","v":2}}]"#,
            r#"{"a":[{"name":"y"},{"name":"x","v":2}]}"#,
        );
    }

    #[test]
    fn copies_of_copies_are_bounded() {
        let object = Value::from_json_str(r#"{"a":{}}"#).unwrap();
        let grow = |kind: &str, from: [&str; 2], to: [&str; 2]| {
            let of = |at: usize| format!(r#"{{"op":"{kind}","from":"{}","path":"{}"}}"#, from[at], to[at]);
            let all: Vec<String> = (0..2_000).flat_map(|_| [of(0), of(1)]).collect();
            wanted(&instructions(&format!("[{}]", all.join(","))), &object, &FieldPath::root())
        };
        assert!(matches!(grow("copy", ["/a", "/b"], ["/b/x", "/a/x"]), Err(EditError::TooLarge(_))));
        assert!(matches!(grow("move", ["/a", "/b"], ["/b/x", "/a/x"]), Err(EditError::TooLarge(_))));
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
        check(
            r#"{"a":{"b":1}}"#,
            r#"[{"op":"move","from":"/a","path":"/c/d"},{"op":"test","path":"/a","value":1}]"#,
            r#"{"a":{"b":1}}"#,
        );
    }
}
