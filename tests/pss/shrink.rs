//! The smallest Pod that still shows something.

use serde_json::Value;

/// A way into a value: keys of mappings and indices of lists.
type Path = Vec<String>;

/// Leaves out of a Pod whatever `shows` does not need, one field or element after the other, until nothing more can go.
pub(super) fn shrink(pod: &Value, mut shows: impl FnMut(&Value) -> bool) -> Value {
    let mut smallest = pod.clone();
    loop {
        let before = smallest.clone();
        for path in paths(&before) {
            let mut smaller = smallest.clone();
            if remove(&mut smaller, &path) && shows(&smaller) {
                smallest = smaller;
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

/// The ways to all parts, a whole before its parts, and the last elements of lists first: to leave one out moves those
/// behind it.
fn paths(value: &Value) -> Vec<Path> {
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

/// Whether there was something to remove.
fn remove(value: &mut Value, path: &[String]) -> bool {
    match (value, path) {
        (Value::Object(fields), [key]) => fields.remove(key).is_some(),
        (Value::Object(fields), [key, rest @ ..]) => fields.get_mut(key).is_some_and(|part| remove(part, rest)),
        (Value::Array(list), [index, rest @ ..]) => {
            let index: usize = index.parse().unwrap();
            if index >= list.len() {
                return false;
            }
            if rest.is_empty() {
                list.remove(index);
                return true;
            }
            remove(&mut list[index], rest)
        }
        _ => false,
    }
}

#[test]
fn what_is_not_needed_is_left_out() {
    let pod = serde_json::json!({"a": [1, {"b": 2, "c": [3, 4]}, 5], "d": null});
    let shows = |value: &Value| value.pointer("/a").is_some_and(|list| list.to_string().contains('4'));
    assert_eq!(shrink(&pod, shows).to_string(), r#"{"a":[{"c":[4]}]}"#);
    assert_eq!(shrink(&pod, |_| true), serde_json::json!({}));
    assert_eq!(shrink(&pod, |value| *value == pod), pod);
}
