//! Acting on an object: one operation at one place, and whether it would change anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operation::{Act, Operation, Step};
use super::size::SizeError;
use crate::engine::path::{FieldPath, Segment};
use crate::engine::rego::Value;
use crate::engine::workload::Workload;

/// Why an operation cannot act where it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EditError {
    /// The way to the place leads through what is no mapping.
    #[error("{0} is no mapping")]
    NotMapping(FieldPath),
    /// The way to the place leads through what is no list, or what should be appended to is none.
    #[error("{0} is no list")]
    NotList(FieldPath),
    /// An item is addressed that is not there.
    #[error("{0} has no item {1}; `append` adds one")]
    ItemMissing(FieldPath, usize),
    /// The first element of a path looks like a container's path, and is none.
    #[error("{0} is no container of a Pod; use the path of one in input.containers")]
    ContainerMissing(Arc<str>),
    /// What is copied grows beyond all bounds.
    #[error("what it copies is {0}")]
    TooLarge(#[from] SizeError),
}

/// Where the paths of operations may begin.
pub(super) struct Starts<'a> {
    /// Where they begin if they name no container.
    base: FieldPath,
    /// The containers by their paths, as the host has given them to the policy; nothing if the object has no Pod in it.
    containers: Option<BTreeMap<&'a str, FieldPath>>,
}

impl<'a> Starts<'a> {
    /// At `base`, or at a container of the workload.
    pub(super) fn of(base: FieldPath, workload: Option<&'a Workload>) -> Self {
        let place = |path: &'a String| Some((path.as_str(), FieldPath::parse(path).ok()?));
        let places = |workload: &'a Workload| workload.containers.iter().filter_map(|one| place(&one.path)).collect();
        Self { base, containers: workload.map(places) }
    }

    /// Where paths begin that name no container.
    pub(super) fn base(&self) -> &FieldPath {
        &self.base
    }

    /// Where an operation's path leads in an object: nowhere if an item that it names is not there, to several places if
    /// it names several containers.
    pub(super) fn resolve(&self, operation: &Operation, object: &Value) -> Result<Vec<FieldPath>, EditError> {
        let (starts, steps) = match (&operation.containers, operation.path.as_slice(), &self.containers) {
            (Some(several), steps, _) => {
                (several.iter().map(|one| self.container(one)).collect::<Result<Vec<_>, _>>()?, steps)
            }
            (None, [Step::Key(first), rest @ ..], Some(_)) if first.contains(['.', '[']) => {
                (vec![self.container(first)?], rest)
            }
            (None, steps, _) => (vec![self.base.clone()], steps),
        };
        Ok(starts.into_iter().filter_map(|start| follow(start, steps, object)).collect())
    }

    fn container(&self, path: &Arc<str>) -> Result<FieldPath, EditError> {
        let known = self.containers.as_ref().and_then(|containers| containers.get(path.as_ref()));
        known.cloned().ok_or_else(|| EditError::ContainerMissing(Arc::clone(path)))
    }
}

/// Where steps lead from a place; nowhere if an item that they name is not there.
fn follow(mut place: FieldPath, steps: &[Step], object: &Value) -> Option<FieldPath> {
    for step in steps {
        match step {
            Step::Key(key) => place.push(Segment::Key(Arc::clone(key))),
            Step::Index(index) => place.push(Segment::Index(*index)),
            Step::Named(list, name) => {
                place.push(Segment::Key(Arc::clone(list)));
                let Value::Array(items) = at(object, &place) else { return None };
                place.push(Segment::Index(items.iter().position(|item| is_named(item, name))?));
            }
        }
    }
    Some(place)
}

fn is_named(item: &Value, name: &Arc<str>) -> bool {
    matches!(&item["name"], Value::String(found) if found == name)
}

/// What stands at a place; undefined if nothing.
pub(super) fn at<'a>(object: &'a Value, place: &FieldPath) -> &'a Value {
    place.find(object).unwrap_or(&Value::Undefined)
}

/// Whether the object is already as the operation would have it.
pub(super) fn is_done(object: &Value, place: &FieldPath, act: &Act) -> bool {
    let found = at(object, place);
    let is_absent = matches!(found, Value::Undefined | Value::Null);
    match act {
        // Null and nothing are one to the API server, which would not keep the null.
        Act::Set(value) => found == value || (is_absent && *value == Value::Null),
        // An author who writes null asks for nothing to be there just as one who leaves the field out.
        Act::Default(value) => !is_absent || *value == Value::Null,
        Act::Append(value) | Act::Insert(_, value) => {
            matches!(found, Value::Array(items) if items.iter().any(|item| covers(item, value)))
        }
        // An item that is null is an item.
        Act::Remove => match place.segments().last() {
            Some(Segment::Index(_)) => *found == Value::Undefined,
            Some(Segment::Key(_)) | None => is_absent,
        },
    }
}

/// Whether an item of a list stands for a value that should be in it: it bears the same name, or holds all that the
/// value holds. The server may have filled in more since it was added.
fn covers(item: &Value, value: &Value) -> bool {
    matches!(&value["name"], Value::String(name) if is_named(item, name)) || holds(item, value)
}

/// Whether a value has all that another has.
pub(super) fn holds(item: &Value, value: &Value) -> bool {
    match (item, value) {
        (Value::Object(item), Value::Object(value)) => {
            value.iter().all(|(key, wanted)| item.get(key).is_some_and(|found| holds(found, wanted)))
        }
        (Value::Array(item), Value::Array(value)) => {
            item.len() == value.len() && item.iter().zip(value.iter()).all(|(found, wanted)| holds(found, wanted))
        }
        _ => item == value,
    }
}

/// Acts on an object that is not yet as the operation would have it. Parents that are missing are made.
pub(super) fn apply(object: &mut Value, place: &FieldPath, act: &Act) -> Result<(), EditError> {
    match act {
        Act::Set(value) | Act::Default(value) => {
            *slot(object, place)? = value.clone();
            Ok(())
        }
        Act::Append(value) => insert(object, place, None, value),
        Act::Insert(index, value) => insert(object, place, Some(*index), value),
        Act::Remove => remove(object, place),
    }
}

/// Puts an item in front of another, or at a list's end.
fn insert(object: &mut Value, place: &FieldPath, index: Option<usize>, value: &Value) -> Result<(), EditError> {
    let slot = slot(object, place)?;
    if *slot == Value::Null {
        *slot = Value::new_array();
    }
    let items = slot.as_array_mut().map_err(|_| EditError::NotList(place.clone()))?;
    let Some(index) = index else {
        items.push(value.clone());
        return Ok(());
    };
    let mut all = items.to_vec();
    if index > all.len() {
        return Err(EditError::ItemMissing(place.clone(), index));
    }
    all.insert(index, value.clone());
    *slot = Value::from(all);
    Ok(())
}

/// The value at a place, to be written: null if there was none.
fn slot<'a>(object: &'a mut Value, place: &FieldPath) -> Result<&'a mut Value, EditError> {
    let mut value = object;
    for (depth, segment) in place.segments().iter().enumerate() {
        let here = || FieldPath::of(place.segments().get(..depth).unwrap_or_default());
        value = match segment {
            Segment::Key(key) => {
                if *value == Value::Null {
                    *value = Value::new_object();
                }
                let fields = value.as_object_mut().map_err(|_| EditError::NotMapping(here()))?;
                fields.get_or_insert_with(Value::String(Arc::clone(key)), || Value::Null)
            }
            Segment::Index(index) => {
                let items = value.as_array_mut().map_err(|_| EditError::NotList(here()))?;
                items.get_mut(*index).ok_or_else(|| EditError::ItemMissing(here(), *index))?
            }
        };
    }
    Ok(value)
}

fn remove(object: &mut Value, place: &FieldPath) -> Result<(), EditError> {
    let Some((last, way)) = place.segments().split_last() else { return Ok(()) };
    let parent = FieldPath::of(way);
    let holder = slot(object, &parent)?;
    match last {
        Segment::Key(key) => {
            let fields = holder.as_object_mut().map_err(|_| EditError::NotMapping(parent))?;
            fields.remove(&Value::String(Arc::clone(key)));
        }
        Segment::Index(index) => {
            let items = holder.as_array_mut().map_err(|_| EditError::NotList(parent))?;
            let mut position = 0..;
            items.retain(|_| position.next() != Some(*index));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    #[track_caller]
    fn check(before: &str, place: &str, act: &Act, expected: &str) {
        let mut object = value(before);
        let place = FieldPath::parse(place).unwrap();
        assert!(!is_done(&object, &place, act), "is done already");
        let result = apply(&mut object, &place, act);
        assert_eq!(result.map_or_else(|error| error.to_string(), |()| object.to_string()), expected);
        if !expected.contains(" is no ") && !expected.contains(" has no ") {
            assert!(is_done(&object, &place, act), "is not done after it was");
        }
    }

    #[test]
    fn parents_are_made() {
        let set = Act::Set(Value::from(true));
        check("{}", "a.b.c", &set, r#"{"a":{"b":{"c":true}}}"#);
        check(r#"{"a":null}"#, "a.b", &set, r#"{"a":{"b":true}}"#);
        check(r#"{"a":"x"}"#, "a.b", &set, "a is no mapping");
        check(r#"{"a":[]}"#, "a.b", &set, "a is no mapping");
        check(r#"{"a":{}}"#, "a[0]", &set, "a is no list");
        check(r#"{"a":[{}]}"#, "a[0].b", &set, r#"{"a":[{"b":true}]}"#);
        check(r#"{"a":[{}]}"#, "a[1].b", &set, "a has no item 1; `append` adds one");
    }

    #[test]
    fn a_default_acts_only_where_nothing_is_set() {
        let default = Act::Default(Value::from(1_i64));
        check("{}", "a", &default, r#"{"a":1}"#);
        check(r#"{"a":null}"#, "a", &default, r#"{"a":1}"#);
        for set in [r#"{"a":0}"#, r#"{"a":false}"#, r#"{"a":""}"#, r#"{"a":{}}"#, r#"{"a":[]}"#] {
            assert!(is_done(&value(set), &FieldPath::parse("a").unwrap(), &default), "{set}");
        }
    }

    #[test]
    fn an_item_is_appended_once() {
        let append = Act::Append(value(r#"{"name":"x","v":1}"#));
        check("{}", "a", &append, r#"{"a":[{"name":"x","v":1}]}"#);
        check(r#"{"a":null}"#, "a", &append, r#"{"a":[{"name":"x","v":1}]}"#);
        check(r#"{"a":["b"]}"#, "a", &append, r#"{"a":["b",{"name":"x","v":1}]}"#);
        check(r#"{"a":{}}"#, "a", &append, "a is no list");
        let place = FieldPath::parse("a").unwrap();
        assert!(is_done(&value(r#"{"a":[{"name":"x","v":2}]}"#), &place, &append), "one of the same name");
        let unnamed = Act::Append(value(r#"{"k":{"x":1}}"#));
        assert!(is_done(&value(r#"{"a":[{"k":{"x":1,"filled":2}}]}"#), &place, &unnamed), "one with more");
        assert!(!is_done(&value(r#"{"a":[{"k":{"x":2}}]}"#), &place, &unnamed));
    }

    #[test]
    fn what_is_there_is_removed() {
        check(r#"{"a":{"b":1,"c":2}}"#, "a.b", &Act::Remove, r#"{"a":{"c":2}}"#);
        check(r#"{"a":[1,2]}"#, "a[1]", &Act::Remove, r#"{"a":[1]}"#);
        let mut list = value("[1,2,3]");
        apply(&mut list, &FieldPath::root().index(1), &Act::Remove).unwrap();
        assert_eq!(list.to_string(), "[1,3]");
        assert!(is_done(&value(r#"{"a":{}}"#), &FieldPath::parse("a.b.c").unwrap(), &Act::Remove));
        assert!(is_done(&value(r#"{"a":[]}"#), &FieldPath::parse("a[0]").unwrap(), &Act::Remove));
        assert!(is_done(&value(r#"{"a":null}"#), &FieldPath::parse("a").unwrap(), &Act::Remove));
        assert!(!is_done(&value(r#"{"a":[null]}"#), &FieldPath::parse("a[0]").unwrap(), &Act::Remove));
    }

    #[test]
    fn a_path_finds_containers_by_path_and_by_name() {
        let object = value(
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"b"}],"volumes":[{"name":"t"}]}}}}"#,
        );
        let workload = Workload::of("spec.template", &object).unwrap();
        let base = FieldPath::parse("spec.template").unwrap();
        let starts = Starts::of(base, Some(&workload));
        let resolved = |containers: Option<&[&str]>, steps: &[Step]| {
            let containers = containers.map(|paths| paths.iter().map(|path| Arc::from(*path)).collect());
            let places = starts.resolve(&Operation { containers, path: steps.to_vec(), act: Act::Remove }, &object);
            places.map(|places| places.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let found = |steps: &[Step]| resolved(None, steps).unwrap();
        let key = |key: &str| Step::Key(Arc::from(key));
        let named = |list: &str, name: &str| Step::Named(Arc::from(list), Arc::from(name));
        let image = "spec.template.spec.containers[1].image";
        assert_eq!(found(&[key("spec.template.spec.containers[1]"), key("image")]), [image]);
        assert_eq!(found(&[key("spec"), named("containers", "b"), key("image")]), [image]);
        assert_eq!(found(&[key("spec"), named("volumes", "t")]), ["spec.template.spec.volumes[0]"]);
        assert_eq!(found(&[key("spec"), named("containers", "c"), key("image")]), [""; 0]);
        assert_eq!(found(&[key("spec"), named("initContainers", "a")]), [""; 0]);
        let both = ["spec.template.spec.containers[1]", "spec.template.spec.containers[0]"];
        let first = "spec.template.spec.containers[0].image";
        assert_eq!(resolved(Some(&both), &[key("image")]).unwrap(), [image, first]);
        assert_eq!(resolved(Some(&[]), &[key("image")]).unwrap(), [""; 0]);
        let missing = Err(EditError::ContainerMissing(Arc::from("spec.containers[0]")));
        assert_eq!(resolved(None, &[key("spec.containers[0]")]), missing);
        assert_eq!(resolved(Some(&[both[0], "spec.containers[0]"]), &[key("image")]), missing);
        let nowhere = Starts::of(FieldPath::root(), None);
        let path = vec![key("data"), key("a.b")];
        let root = nowhere.resolve(&Operation { containers: None, path, act: Act::Remove }, &object).unwrap();
        assert_eq!(root.iter().map(ToString::to_string).collect::<Vec<_>>(), ["data[\"a.b\"]"]);
    }
}
