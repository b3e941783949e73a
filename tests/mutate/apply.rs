//! Patches applied: strictly, so that whatever two libraries may understand differently is an error.

use serde_json::Value;

/// A pointer's tokens, unescaped.
pub(super) fn tokens(pointer: &str) -> Vec<String> {
    let rest = pointer.strip_prefix('/').unwrap_or_else(|| panic!("{pointer:?} is the whole object, or no pointer"));
    rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// What a patch makes of an object, by the narrowest reading: parents are there, what is replaced or removed is there
/// and what is replaced is not null, indexes are plain and within the list, `-` only adds at the end.
pub(super) fn strictly(object: &Value, patch: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in patch.as_array().ok_or("no list")? {
        step(&mut object, operation).map_err(|why| format!("{operation}: {why}"))?;
    }
    Ok(object)
}

fn step(object: &mut Value, operation: &Value) -> Result<(), String> {
    let tokens = tokens(operation["path"].as_str().ok_or("no path")?);
    let (last, way) = tokens.split_last().ok_or("the whole object")?;
    let mut parent = object;
    for token in way {
        parent = match parent {
            Value::Object(fields) => fields.get_mut(token).ok_or("a parent is missing")?,
            Value::Array(items) => items.get_mut(index(token)?).ok_or("beyond the list")?,
            _ => return Err(format!("{token} is below what has no fields")),
        };
    }
    let value = operation.get("value").cloned();
    match (operation["op"].as_str().unwrap_or_default(), parent) {
        ("add", Value::Object(fields)) => {
            let value = value.ok_or("no value")?;
            match fields.insert(last.clone(), value) {
                None | Some(Value::Null) => Ok(()),
                Some(_) => Err("adds what is there".to_owned()),
            }
        }
        ("add", Value::Array(items)) => {
            let at = if last == "-" { items.len() } else { index(last)? };
            if at > items.len() {
                return Err("beyond the list".to_owned());
            }
            items.insert(at, value.ok_or("no value")?);
            Ok(())
        }
        ("replace", Value::Object(fields)) => replace(fields.get_mut(last), value),
        ("replace", Value::Array(items)) => replace(items.get_mut(index(last)?), value),
        ("remove", Value::Object(fields)) => fields.remove(last).map(drop).ok_or("removes nothing".to_owned()),
        ("remove", Value::Array(items)) => {
            let at = index(last)?;
            if at >= items.len() {
                return Err("removes nothing".to_owned());
            }
            items.remove(at);
            Ok(())
        }
        (op, parent) => Err(format!("{op} in {parent}")),
    }
}

fn replace(slot: Option<&mut Value>, value: Option<Value>) -> Result<(), String> {
    let slot = slot.ok_or("replaces nothing")?;
    let value = value.ok_or("no value")?;
    if slot.is_null() {
        return Err("replaces null, which the server's library does not find".to_owned());
    }
    if *slot == value {
        return Err("replaces a value by itself".to_owned());
    }
    *slot = value;
    Ok(())
}

fn index(token: &str) -> Result<usize, String> {
    let is_plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    token.parse().ok().filter(|_| is_plain).ok_or_else(|| format!("{token:?} is no plain index"))
}

/// What a patch makes of an object by the RFC, as another library reads it.
pub(super) fn by_the_rfc(object: &Value, patch: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
    json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
    Ok(object)
}

/// Whether two values are the same; numbers by what they are, not by how they are written.
pub(super) fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| alike(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
