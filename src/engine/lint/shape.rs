//! What is known of a value without running anything: which fields it has, or which values it may be.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rego::Value;
use super::fields::{self, Type, TypeName};

/// How many alternatives are kept; a value that may be more is not followed.
const ALTERNATIVES: usize = 40;

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Nothing.
    Unknown,
    /// There is none: the field does not exist, or the rule never holds.
    Nothing,
    /// Exactly this scalar.
    Literal(Value),
    /// Text that is not known.
    Text,
    /// A value of a Kubernetes type; `is_old` if it is part of the object as it was.
    Kubernetes { of: TypeName, is_old: bool },
    /// An object that the host makes, and what to call it.
    Host(&'static str, BTreeMap<String, Shape>),
    /// An object written out in the policy.
    Object(BTreeMap<String, Shape>),
    /// An object of unknown keys.
    Map(Box<Shape>),
    /// A list.
    List(Box<Shape>),
    /// A set.
    Set(Box<Shape>),
    /// `input.parameters`.
    Parameters,
    /// One of these.
    OneOf(BTreeSet<Shape>),
}

/// What reading a field gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The value's shape.
    Found(Shape),
    /// There is none; what has no such field.
    Missing(Owner),
}

/// What was asked for a field that it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// What to call it, such as `PodSpec`.
    pub(super) name: String,
    /// The fields that it has.
    pub(super) fields: Vec<String>,
}

impl Shape {
    pub(super) fn literal(text: &str) -> Self {
        Self::Literal(Value::from(text))
    }

    pub(super) fn kubernetes(of: TypeName) -> Self {
        Self::Kubernetes { of, is_old: false }
    }

    /// Either of two shapes.
    pub(super) fn or(self, other: Self) -> Self {
        Self::one_of([self, other])
    }

    /// One of several shapes. What is not known makes the rest unknown, but that parameters may be among them is kept:
    /// who reads them matters.
    pub(super) fn one_of(shapes: impl IntoIterator<Item = Self>) -> Self {
        let mut all = BTreeSet::new();
        for shape in shapes {
            match shape {
                Self::OneOf(inner) => all.extend(inner),
                other => drop(all.insert(other)),
            }
        }
        if all.len() > 1 {
            all.remove(&Self::Nothing);
        }
        if all.contains(&Self::Unknown) || all.len() > ALTERNATIVES {
            all.retain(Self::holds_parameters);
            all.insert(Self::Unknown);
        }
        match (all.len(), all.pop_first()) {
            (_, None) => Self::Nothing,
            (1, Some(only)) => only,
            (_, Some(first)) => {
                all.insert(first);
                Self::OneOf(all)
            }
        }
    }

    /// Each alternative; itself if there is one.
    pub(super) fn alternatives(&self) -> impl Iterator<Item = &Self> {
        let (several, one) = match self {
            Self::OneOf(all) => (Some(all.iter()), None),
            other => (None, Some(other)),
        };
        several.into_iter().flatten().chain(one)
    }

    /// Whether `input.parameters` is it or in it.
    pub(super) fn holds_parameters(&self) -> bool {
        match self {
            Self::Parameters => true,
            Self::Host(_, fields) | Self::Object(fields) => fields.values().any(Self::holds_parameters),
            Self::Map(inner) | Self::List(inner) | Self::Set(inner) => inner.holds_parameters(),
            Self::OneOf(all) => all.iter().any(Self::holds_parameters),
            Self::Unknown | Self::Nothing | Self::Literal(_) | Self::Text | Self::Kubernetes { .. } => false,
        }
    }

    /// The scalar that it is.
    pub(super) fn as_literal(&self) -> Option<&Value> {
        if let Self::Literal(value) = self { Some(value) } else { None }
    }

    /// The values it may be, if all are known.
    pub(super) fn literals(&self) -> Option<BTreeSet<&Value>> {
        self.alternatives().map(Self::as_literal).collect()
    }

    /// Reads a field by a name that is written out. Parameters are the caller's business.
    pub(super) fn field(&self, name: &str) -> Field {
        let mut found = Vec::new();
        let mut missing = None;
        for shape in self.alternatives() {
            match shape.own_field(name) {
                Field::Found(shape) => found.push(shape),
                Field::Missing(owner) => missing = missing.or(Some(owner)),
            }
        }
        match (found.is_empty(), missing) {
            (true, Some(owner)) => Field::Missing(owner),
            _ => Field::Found(Self::one_of(found)),
        }
    }

    fn own_field(&self, name: &str) -> Field {
        let found = |shape: &Self| Field::Found(shape.clone());
        match self {
            Self::Unknown | Self::Parameters | Self::OneOf(_) | Self::Set(_) => Field::Found(Self::Unknown),
            Self::Map(value) => found(value),
            Self::Object(fields) => Field::Found(fields.get(name).cloned().unwrap_or(Self::Nothing)),
            Self::Host(owner, fields) => fields.get(name).map_or_else(
                || Field::Missing(Owner { name: (*owner).to_owned(), fields: fields.keys().cloned().collect() }),
                found,
            ),
            Self::Literal(Value::Null) => Field::Missing(Owner { name: "null".to_owned(), fields: Vec::new() }),
            Self::Nothing | Self::Literal(_) | Self::Text | Self::List(_) => Field::Found(Self::Nothing),
            Self::Kubernetes { of, is_old } => kubernetes_field(of, *is_old, name),
        }
    }

    /// What an element is, read by a key or index that is not known.
    pub(super) fn element(&self) -> Self {
        Self::one_of(self.alternatives().map(|shape| match shape {
            Self::Unknown | Self::Parameters | Self::OneOf(_) => Self::Unknown,
            Self::Nothing | Self::Literal(_) | Self::Text => Self::Nothing,
            Self::Map(inner) | Self::List(inner) | Self::Set(inner) => (**inner).clone(),
            Self::Host(_, fields) | Self::Object(fields) => Self::one_of(fields.values().cloned()),
            Self::Kubernetes { of, is_old } => match fields::describe(of) {
                Type::List(inner) | Type::Map(inner) => Self::of_type(inner, *is_old),
                // Which field is meant is not known, and some lead anywhere.
                Type::Structure | Type::Any => Self::Unknown,
                Type::Scalar => Self::Nothing,
            },
        }))
    }

    /// What a key is, read beside its element.
    pub(super) fn key(&self) -> Self {
        Self::one_of(self.alternatives().map(|shape| match shape {
            Self::Object(fields) => Self::one_of(fields.keys().map(|key| Self::literal(key))),
            Self::Nothing => Self::Nothing,
            _ => Self::Unknown,
        }))
    }

    fn of_type(of: TypeName, is_old: bool) -> Self {
        match fields::describe(of) {
            Type::Any => Self::Unknown,
            Type::Structure | Type::List(_) | Type::Map(_) | Type::Scalar => Self::Kubernetes { of, is_old },
        }
    }

    /// Whether it could equal a value, by its type.
    pub(super) fn admits(&self, value: &Value) -> bool {
        self.alternatives().any(|shape| match shape {
            Self::Literal(known) => known == value,
            Self::Text => matches!(value, Value::String(_)),
            Self::Host(..) | Self::Object(_) => matches!(value, Value::Object(_)),
            Self::Kubernetes { of, .. } => match *of {
                // To the API server null is the same as unset, and helpers for any field look for "" as well.
                _ if *value == Value::Null || *value == Value::from("") => true,
                "string" => matches!(value, Value::String(_)),
                "boolean" => matches!(value, Value::Bool(_)),
                "integer" | "number" => matches!(value, Value::Number(_)),
                "scalar" => matches!(value, Value::String(_) | Value::Number(_)),
                _ => true,
            },
            Self::Unknown
            | Self::Nothing
            | Self::Map(_)
            | Self::List(_)
            | Self::Set(_)
            | Self::Parameters
            | Self::OneOf(_) => true,
        })
    }
}

fn kubernetes_field(of: TypeName, is_old: bool, name: &str) -> Field {
    let missing = |what: String, fields: Vec<String>| Field::Missing(Owner { name: what, fields });
    match fields::describe(of) {
        Type::Any => Field::Found(Shape::Unknown),
        Type::Map(value) => Field::Found(Shape::of_type(value, is_old)),
        Type::List(element) => missing(format!("a list of {element}"), Vec::new()),
        Type::Scalar => missing(format!("a {of}"), Vec::new()),
        Type::Structure => {
            let known = fields::fields(of);
            let found = known.iter().find(|(field, _)| *field == name);
            found.map_or_else(
                || {
                    let plain = of.rsplit('.').next().unwrap_or(of);
                    missing(plain.to_owned(), known.iter().map(|(field, _)| (*field).to_owned()).collect())
                },
                |(_, field)| Field::Found(Shape::of_type(field, is_old)),
            )
        }
    }
}
