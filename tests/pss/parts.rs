//! The parts of a value and the ways to them.

use serde_json::Value;

/// A way into a value: keys of mappings and indices of lists.
pub(super) type Path = Vec<String>;

/// The ways to all parts, a whole before its parts, and the last elements of lists first: to leave one out moves those
/// behind it.
pub(super) fn paths(value: &Value) -> Vec<Path> {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, part)| (key.clone(), part)).collect(),
        Value::Array(list) => list.iter().enumerate().rev().map(|(index, part)| (index.to_string(), part)).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (step, part) in parts {
        found.push(vec![step.clone()]);
        found.extend(paths(part).into_iter().map(|rest| [vec![step.clone()], rest].concat()));
    }
    found
}

/// The part at the end of a way, if it is there.
pub(super) fn part_mut<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Removes the part at the end of a way; whether it was there.
pub(super) fn remove(value: &mut Value, path: &[String]) -> bool {
    let Some((step, way)) = path.split_last() else { return false };
    match part_mut(value, way) {
        Some(Value::Object(fields)) => fields.remove(step).is_some(),
        Some(Value::Array(list)) => {
            let index = step.parse().ok().filter(|index| *index < list.len());
            index.map(|index| list.remove(index)).is_some()
        }
        _ => false,
    }
}
