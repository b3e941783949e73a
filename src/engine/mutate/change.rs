//! What a mutator has changed, or would: for people, the log and the object's own annotation.

use std::collections::BTreeSet;
use std::fmt;

use super::MUTATED_BY;
use super::edit;
use super::operation::Act;
use crate::engine::path::FieldPath;
use crate::engine::rego::{self, Value};
use crate::engine::violation::{Enforcement, Violation};

/// A value is shown in so many characters.
const SHOWN: usize = 80;

/// One change of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where, from the object's root.
    pub field: FieldPath,
    act: Act,
}

impl Change {
    pub(super) fn new(field: FieldPath, act: Act) -> Self {
        Self { field, act }
    }

    /// What it puts there; nothing if it removes.
    pub fn value(&self) -> Option<&Value> {
        match &self.act {
            Act::Set(value) | Act::Default(value) | Act::Append(value) | Act::Insert(_, value) => Some(value),
            Act::Remove => None,
        }
    }

    /// Whether anything of it is to be seen between an object before and after mutation: what yields, or came first, may
    /// have been undone by what another wanted.
    pub(super) fn remains(&self, before: &Value, after: &Value) -> bool {
        let (was, is) = (edit::at(before, &self.field), edit::at(after, &self.field));
        was != is
            && match &self.act {
                Act::Set(value) | Act::Default(value) => edit::holds(is, value),
                act => edit::is_done(after, &self.field, act),
            }
    }

    /// The change as something that is said of the object, instead of done.
    pub(super) fn as_violation(&self, enforcement: Enforcement) -> Violation {
        Violation {
            message: format!("would {self}"),
            field: Some(self.field.to_string()),
            remedy: None,
            details: None,
            enforcement,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.act {
            Act::Set(value) | Act::Default(value) => write!(f, "set {field} to {}", rego::show(value, SHOWN)),
            Act::Append(value) | Act::Insert(_, value) => write!(f, "add {} to {field}", rego::show(value, SHOWN)),
            Act::Remove => write!(f, "remove {field}"),
        }
    }
}

/// The object with the annotation that names its mutators, beside those that it names already.
pub(super) fn annotated(object: &Value, names: &BTreeSet<&str>) -> Value {
    let stated = object["metadata"]["annotations"][MUTATED_BY].as_string().ok().cloned();
    let mut all = names.clone();
    all.extend(stated.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()));
    let text = all.into_iter().collect::<Vec<_>>().join(",");
    let place = FieldPath::root().key("metadata").key("annotations").key(MUTATED_BY);
    let mut annotated = object.clone();
    // An object whose metadata is none cannot be annotated, and the server will refuse it.
    match edit::apply(&mut annotated, &place, &Act::Set(Value::from(text))) {
        Ok(()) => annotated,
        Err(_) => object.clone(),
    }
}
