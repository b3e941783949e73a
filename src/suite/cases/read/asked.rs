//! Reading who asks for what: in the defaults of a suite, and in a case on top of them.

use std::collections::BTreeMap;

use crate::engine::document::DocumentError;
use crate::engine::document::fields::Fields;
use crate::engine::metadata::read::object;
use crate::engine::pattern::Labels;
use crate::engine::rego::Value;
use crate::engine::review::Operation;
use crate::engine::scope::NamespaceFact;
use crate::engine::violation::Enforcement;

/// Who asks for what, as far as the defaults or a case say so.
#[derive(Clone, Default)]
pub(super) struct Asked {
    pub(super) operation: Option<Operation>,
    pub(super) user: Option<String>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) namespace: Namespace,
    pub(super) parameters: Option<Value>,
    pub(super) enforcement: Option<Enforcement>,
}

/// What is said of a namespace.
#[derive(Clone, Default)]
pub(super) struct Namespace {
    pub(super) name: Option<String>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
}

/// Who asks for what. The fields are the same in the defaults and in a case.
pub(super) fn asked(fields: &mut Fields<'_>) -> Asked {
    let operations = Operation::ALL.map(|operation| (operation.as_str(), operation));
    let enforcements = [Enforcement::Deny, Enforcement::Warn, Enforcement::Audit].map(|it| (it.as_str(), it));
    let groups = fields.take_strings("groups");
    let parameters = fields.take("parameters");
    Asked {
        operation: fields.take_choice("operation", &operations),
        user: fields.take_string("user").map(str::to_owned),
        groups: groups.map(|groups| groups.into_iter().map(|(text, _)| text.to_owned()).collect()),
        namespace: namespace(fields),
        parameters: parameters.and_then(|entry| object(fields, entry)),
        enforcement: fields.take_choice("enforcement", &enforcements),
    }
}

/// A namespace by its name, or with its labels and annotations.
fn namespace(fields: &mut Fields<'_>) -> Namespace {
    let entry = fields.take("namespace");
    if let Some(name) = entry.and_then(|entry| entry.value.as_str()).filter(|name| !name.is_empty()) {
        return Namespace { name: Some(name.to_owned()), ..Namespace::default() };
    }
    let Some(mut given) = fields.take_mapping("namespace") else { return Namespace::default() };
    let namespace = Namespace {
        name: given.take_string("name").map(str::to_owned),
        labels: texts(&mut given, "labels"),
        annotations: texts(&mut given, "annotations"),
    };
    let result = given.finish();
    fields.absorb(result);
    namespace
}

/// Labels or annotations, whose values are strings.
fn texts(fields: &mut Fields<'_>, key: &'static str) -> Option<Labels> {
    fields.take_mapping(key)?;
    let mut labels = BTreeMap::new();
    for entry in fields.take(key)?.value.entries().unwrap_or_default() {
        if let Some(value) = entry.value.as_str() {
            labels.insert(entry.key.to_string(), value.to_owned());
        } else {
            let message = format!("{key} {:?} must be a string, found {}", entry.key, entry.value.describe());
            fields.refuse(DocumentError::new(entry.value.place, message).hint("write it in quotes"));
        }
    }
    Some(labels)
}

impl Asked {
    /// What is said here, and where nothing is, what is said there. Parameters go key by key.
    pub(super) fn over(mut self, defaults: &Self) -> Self {
        let parameters = match (defaults.parameters.clone(), self.parameters.take()) {
            (Some(mut below), Some(Value::Object(own))) => {
                if let Ok(all) = below.as_object_mut() {
                    own.iter().for_each(|(key, value)| drop(all.insert(key.clone(), value.clone())));
                }
                Some(below)
            }
            (below, own) => own.or(below),
        };
        let there = defaults.clone();
        Self {
            operation: self.operation.or(there.operation),
            user: self.user.or(there.user),
            groups: self.groups.or(there.groups),
            namespace: Namespace {
                name: self.namespace.name.or(there.namespace.name),
                labels: self.namespace.labels.or(there.namespace.labels),
                annotations: self.namespace.annotations.or(there.namespace.annotations),
            },
            parameters,
            enforcement: self.enforcement.or(there.enforcement),
        }
    }
}

impl Namespace {
    /// What is known of the namespace of that name.
    pub(super) fn fact(&self, name: &str) -> NamespaceFact {
        if self.labels.is_none() && self.annotations.is_none() {
            return NamespaceFact::Unknown(format!(
                "the labels of namespace {name:?} are not known: the case gives none"
            ));
        }
        let mut labels = self.labels.clone().unwrap_or_default();
        // The API server adds it to every namespace.
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        NamespaceFact::Known { labels, annotations: self.annotations.clone().unwrap_or_default() }
    }
}
