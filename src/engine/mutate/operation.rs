//! An operation as a policy writes it: what `mutate` yields, read and checked for its form.
//!
//! `{"op": "set" | "default" | "append" | "remove", "path": […], "value": …}`, or JSON Patch (RFC 6902), whose paths are
//! text. One operation may act in several containers alike: for a Pod of many, an operation for each is most of the time.

use std::sync::Arc;

use super::size::{Budget, SizeError};
use crate::engine::path::MAX_PATH_BYTES;
use crate::engine::rego::Value;

/// What an operation does at its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// The place holds exactly this.
    Set(Value),
    /// The place holds this if it held nothing.
    Default(Value),
    /// The list at the place ends with this, unless an item covers it.
    Append(Value),
    /// The list at the place holds this in front of an item, unless an item covers it.
    Insert(usize, Value),
    /// The place is gone.
    Remove,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field's key; at a path's beginning, perhaps a container's whole path.
    Key(Arc<str>),
    /// An item that is there, by its place in the list.
    Index(usize),
    /// The item of a list that bears a name.
    Named(Arc<str>, Arc<str>),
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Operation {
    /// The containers' paths from which it leads in each; nothing if the path begins elsewhere.
    pub(super) containers: Option<Vec<Arc<str>>>,
    /// Where: from the Pod, from a container, or from the object's root if it has no Pod.
    pub(super) path: Vec<Step>,
    /// What.
    pub(super) act: Act,
}

/// One operation of a JSON Patch whose operations build on one another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Instruction {
    /// One that stands for itself: `add`, `replace` or `remove`.
    Do(Vec<Arc<str>>, RawAct),
    /// `test`.
    Test(Vec<Arc<str>>, Value),
    /// `copy` from the first to the second; `move` if the flag is set.
    Copy(Vec<Arc<str>>, Vec<Arc<str>>, bool),
}

/// What JSON Patch may do at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RawAct {
    /// `add`.
    Add(Value),
    /// `replace`.
    Replace(Value),
    /// `remove`.
    Remove,
}

/// An element of `mutate`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Element {
    /// An operation of the host's own language.
    Own(Operation),
    /// JSON Patch: one operation, or several in order.
    Patch(Vec<Instruction>),
}

/// An element of `mutate` that is no operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mutate yields {0}")]
pub struct OperationError(String);

/// What one evaluation of `mutate` yields, in an order that depends on nothing but its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    pub(super) elements: Vec<Element>,
}

/// The operations of one policy; more are a mistake.
const OPERATIONS: usize = 10_000;

/// The steps of one path; no field of Kubernetes lies half as deep.
const STEPS: usize = 64;

const SHAPE: &str = "an operation is {op, path, value}: op one of set, default, append, remove; path an array";

impl Operations {
    /// Reads the value of `mutate`, a set.
    pub fn read(value: &Value) -> Result<Self, OperationError> {
        let Value::Set(set) = value else {
            return Err(OperationError("no set; write `mutate contains operation if { … }`".to_owned()));
        };
        // Before anything else looks at them.
        let mut budget = Budget::default();
        let spent =
            set.iter().try_for_each(|value| budget.spend(value).and_then(|()| spend_copies(value, &mut budget)));
        spent.map_err(|error| OperationError(error.to_string()))?;
        let mut elements = set.iter_sorted().map(element).collect::<Result<Vec<_>, _>>()?;
        let count = |element: &Element| match element {
            Element::Own(operation) => operation.containers.as_ref().map_or(1, Vec::len),
            Element::Patch(instructions) => instructions.len(),
        };
        if elements.iter().map(count).sum::<usize>() > OPERATIONS {
            return Err(OperationError(format!("more than {OPERATIONS} operations")));
        }
        elements.sort();
        Ok(Self { elements })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }
}

/// What is written in several containers is written several times.
fn spend_copies(operation: &Value, budget: &mut Budget) -> Result<(), SizeError> {
    let Value::Array(path) = &operation["path"] else { return Ok(()) };
    let Some(Value::Array(containers)) = path.first() else { return Ok(()) };
    let value = &operation["value"];
    containers.iter().skip(1).try_for_each(|_| budget.spend(value))
}

fn element(value: &Value) -> Result<Element, OperationError> {
    match value {
        Value::Array(list) => list.iter().map(instruction).collect::<Result<_, _>>().map(Element::Patch),
        Value::Object(_) if matches!(value["path"], Value::String(_)) => {
            let instruction = instruction(value)?;
            if matches!(instruction, Instruction::Do(..)) {
                return Ok(Element::Patch(vec![instruction]));
            }
            let why = "test, copy and move in a set, which has no order; put them into an array, with what follows";
            Err(OperationError(why.to_owned()))
        }
        Value::Object(_) => own(value).map(Element::Own),
        _ => Err(wrong(value, SHAPE)),
    }
}

fn own(value: &Value) -> Result<Operation, OperationError> {
    let op = text(value, "op")?;
    let known: &[&str] = if op == "remove" { &["op", "path"] } else { &["op", "path", "value"] };
    only(value, known)?;
    let act = match op {
        "set" => Act::Set(given(value)?),
        "default" => Act::Default(given(value)?),
        "append" => Act::Append(given(value)?),
        "remove" => Act::Remove,
        "add" | "replace" => {
            return Err(wrong(value, &format!("JSON Patch's {op} has a path of text, such as \"/metadata/labels/a\"")));
        }
        _ => return Err(wrong(value, SHAPE)),
    };
    let Value::Array(steps) = &value["path"] else { return Err(wrong(value, SHAPE)) };
    if steps.is_empty() {
        return Err(wrong(value, "the path is empty: the object itself cannot be replaced"));
    }
    let length = |step: &Value| if let Value::String(key) = step { key.len() } else { 0 };
    let bytes: usize = steps.iter().map(length).sum();
    is_walkable(value, steps.len(), bytes)?;
    let containers = containers(value, steps.first())?;
    let rest = steps.iter().skip(usize::from(containers.is_some()));
    let path = rest.map(|one| step(value, one)).collect::<Result<_, _>>()?;
    Ok(Operation { containers, path, act })
}

/// The containers that a path names together, if its first element does.
fn containers(operation: &Value, first: Option<&Value>) -> Result<Option<Vec<Arc<str>>>, OperationError> {
    let Some(Value::Array(paths)) = first else { return Ok(None) };
    let all: Option<Vec<Arc<str>>> = paths.iter().map(shared).collect();
    all.map(Some).ok_or_else(|| wrong(operation, "a path's list of containers holds paths from input.containers"))
}

fn is_walkable(value: &Value, steps: usize, bytes: usize) -> Result<(), OperationError> {
    if steps > STEPS || bytes > MAX_PATH_BYTES {
        let why = format!("a path has at most {STEPS} steps and {MAX_PATH_BYTES} bytes, this one {steps} and {bytes}");
        return Err(wrong(value, &why));
    }
    Ok(())
}

fn step(operation: &Value, step: &Value) -> Result<Step, OperationError> {
    let named = |key: &Value, name: &Value| Some(Step::Named(shared(key)?, shared(name)?));
    let read = match step {
        Value::String(key) => Some(Step::Key(Arc::clone(key))),
        Value::Number(_) => step.as_u32().ok().and_then(|index| usize::try_from(index).ok()).map(Step::Index),
        Value::Object(fields) if fields.len() == 1 => {
            fields.iter_sorted().next().and_then(|(key, name)| named(key, name))
        }
        _ => None,
    };
    read.ok_or_else(|| {
        wrong(
            operation,
            "an element of a path is a key, an index, or {\"list\": \"name\"} such as {\"containers\": \"web\"}; the first may \
             be an array of the paths of containers",
        )
    })
}

fn shared(value: &Value) -> Option<Arc<str>> {
    if let Value::String(text) = value { Some(Arc::clone(text)) } else { None }
}

fn instruction(value: &Value) -> Result<Instruction, OperationError> {
    let op = text(value, "op")?;
    let place = pointer(value, "path")?;
    let known: &[&str] = match op {
        "remove" => &["op", "path"],
        "copy" | "move" => &["op", "path", "from"],
        _ => &["op", "path", "value"],
    };
    only(value, known)?;
    match op {
        "add" => Ok(Instruction::Do(place, RawAct::Add(given(value)?))),
        "replace" => Ok(Instruction::Do(place, RawAct::Replace(given(value)?))),
        "remove" => Ok(Instruction::Do(place, RawAct::Remove)),
        "test" => Ok(Instruction::Test(place, given(value)?)),
        "copy" | "move" => Ok(Instruction::Copy(pointer(value, "from")?, place, op == "move")),
        "set" | "default" | "append" => {
            Err(wrong(value, &format!("the path of {op} is an array, such as [\"metadata\", \"labels\", \"a\"]")))
        }
        _ => Err(wrong(value, "JSON Patch knows add, remove, replace, move, copy and test")),
    }
}

fn pointer(value: &Value, field: &str) -> Result<Vec<Arc<str>>, OperationError> {
    let text = text(value, field)?;
    is_walkable(value, text.matches('/').count(), text.len())?;
    match text.strip_prefix('/') {
        Some(tokens) => Ok(tokens.split('/').map(|token| Arc::from(super::super::patch::unescaped(token))).collect()),
        None => Err(wrong(value, &format!("{field} is no JSON Pointer: it begins with / and is not the whole object"))),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, OperationError> {
    value[field].as_string().map(AsRef::as_ref).map_err(|_| wrong(value, SHAPE))
}

fn given(value: &Value) -> Result<Value, OperationError> {
    match &value["value"] {
        Value::Undefined => Err(wrong(value, "it lacks a value")),
        found if holds_set(found) => Err(wrong(value, "its value holds a set, which JSON has not: write an array")),
        found => Ok(found.clone()),
    }
}

fn holds_set(value: &Value) -> bool {
    match value {
        Value::Set(_) => true,
        Value::Array(items) => items.iter().any(holds_set),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.as_string().is_err() || holds_set(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Undefined => false,
    }
}

fn only(value: &Value, known: &[&str]) -> Result<(), OperationError> {
    let fields = value.as_object().map_err(|_| wrong(value, SHAPE))?;
    let strange = fields.keys_sorted().find(|key| key.as_string().map_or(true, |key| !known.contains(&key.as_ref())));
    match strange {
        Some(key) => Err(wrong(value, &format!("it has the field {key}, which means nothing there"))),
        None => Ok(()),
    }
}

/// Values are left out: an answer quotes the error.
fn wrong(value: &Value, why: &str) -> OperationError {
    let part = |field: &str| match &value[field] {
        Value::Undefined => String::new(),
        found => format!(" {field} {}", found.to_string().chars().take(200).collect::<String>()),
    };
    let what = if value.as_object().is_ok() { "an operation with" } else { "what is no operation" };
    OperationError(format!("{what}{}{}: {why}", part("op"), part("path")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(items: &[&str]) -> Result<Operations, String> {
        let set: std::collections::BTreeSet<Value> =
            items.iter().map(|json| Value::from_json_str(json).unwrap()).collect();
        Operations::read(&Value::from(set)).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_both_languages() {
        let read = read(&[
            r#"{"op":"set","path":["spec",{"containers":"web"},"args",0],"value":null}"#,
            r#"{"op":"remove","path":["metadata","labels","a/b"]}"#,
            r#"{"op":"add","path":"/metadata/labels/a~1b~01","value":"x"}"#,
            r#"[{"op":"test","path":"/a","value":1},{"op":"move","from":"/a","path":"/b"}]"#,
        ])
        .unwrap();
        assert_eq!(read.elements.len(), 4);
        let key = |text: &str| Step::Key(Arc::from(text));
        let path = vec![key("spec"), Step::Named("containers".into(), "web".into()), key("args"), Step::Index(0)];
        let own = Operation { containers: None, path, act: Act::Set(Value::Null) };
        assert!(read.elements.contains(&Element::Own(own)));
        let pointer = vec!["metadata".into(), "labels".into(), "a/b~1".into()];
        let add = Instruction::Do(pointer, RawAct::Add(Value::from("x")));
        assert!(read.elements.contains(&Element::Patch(vec![add])));
    }

    #[test]
    fn what_is_no_operation_is_told_with_what_to_write() {
        for (item, expected) in [
            ("1", "what is no operation"),
            (r#"{"op":"set","path":["a"]}"#, "lacks a value"),
            (r#"{"op":"set","path":[],"value":1}"#, "the path is empty"),
            (r#"{"op":"set","path":"/a","value":1}"#, "the path of set is an array"),
            (r#"{"op":"add","path":["a"],"value":1}"#, "JSON Patch's add has a path of text"),
            (r#"{"op":"put","path":["a"],"value":1}"#, "op one of set, default, append, remove"),
            (r#"{"op":"remove","path":["a"],"value":1}"#, "the field \"value\""),
            (r#"{"op":"set","path":["a",-1],"value":1}"#, "an element of a path"),
            (r#"{"op":"set","path":["a",1.5],"value":1}"#, "an element of a path"),
            (r#"{"op":"set","path":["a",{"b":"c","d":"e"}],"value":1}"#, "an element of a path"),
            (r#"{"op":"set","path":["a",["b"]],"value":1}"#, "an element of a path"),
            (r#"{"op":"set","path":[["a",1],"b"],"value":1}"#, "a path's list of containers"),
            (r#"{"op":"add","path":"","value":1}"#, "no JSON Pointer"),
            (r#"{"op":"add","path":"a/b","value":1}"#, "no JSON Pointer"),
            (r#"{"op":"test","path":"/a","value":1}"#, "put them into an array"),
            (r#"[{"op":"test","path":"/a","value":1,"from":"/b"}]"#, "the field \"from\""),
            (r#"{"path":["a"],"value":1}"#, "an operation is {op, path, value}"),
        ] {
            let error = read(&[item]).unwrap_err();
            assert!(error.contains(expected), "expected `{expected}` in: {error}");
        }
        assert!(Operations::read(&Value::new_array()).unwrap_err().to_string().contains("no set"));
    }

    #[test]
    fn what_a_policy_may_want_is_bounded() {
        let long = vec![r#""a""#; STEPS + 1].join(",");
        let path = |path: &str| read(&[&format!(r#"{{"op":"set","path":{path},"value":1}}"#)]).unwrap_err();
        assert!(path(&format!("[{long}]")).contains("at most 64 steps"));
        assert!(path(&format!("[\"{}\"]", "k".repeat(MAX_PATH_BYTES + 1))).contains("16384 bytes"));
        let raw = format!(r#"{{"op":"add","path":"{}","value":1}}"#, "/a".repeat(STEPS + 1));
        assert!(read(&[&raw]).unwrap_err().contains("at most 64 steps"));
        // Shared in memory, each of them is written out.
        let mut value = Value::from("x".repeat(1_000));
        for _ in 0..40 {
            value = Value::from(vec![value.clone(), value]);
        }
        let mut operation = Value::from_json_str(r#"{"op":"set","path":["a"]}"#).unwrap();
        operation.as_object_mut().unwrap().insert(Value::from("value"), value);
        let set = Value::from(std::collections::BTreeSet::from([operation]));
        assert_eq!(Operations::read(&set).unwrap_err().to_string(), "mutate yields more than 4194304 bytes");
        // So is what goes into several containers.
        let several = |containers: usize, value: &str| {
            let paths = vec![r#""spec.containers[0]""#; containers].join(",");
            read(&[&format!(r#"{{"op":"set","path":[[{paths}],"tty"],"value":"{value}"}}"#)])
        };
        assert_eq!(several(1_000, &"x".repeat(10_000)).unwrap_err(), "mutate yields more than 4194304 bytes");
        assert_eq!(several(10_001, "x").unwrap_err(), "mutate yields more than 10000 operations");
        assert!(several(1_000, &"x".repeat(1_000)).is_ok());
    }

    #[test]
    fn no_message_quotes_a_value() {
        let error = read(&[r#"{"op":"put","path":["a"],"value":"hunter2"}"#]).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
