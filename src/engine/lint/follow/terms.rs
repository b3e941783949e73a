//! Terms: references into `input`, names, calls, literals and comprehensions.

use std::collections::BTreeMap;

use super::super::super::document::fields::closest;
use super::super::super::rego::tree::{Statement, Term, TermKind};
use super::super::super::rego::{RuleKind, Value};
use super::super::rule::RuleId;
use super::super::seen::ListRead;
use super::super::shape::{Field, Owner, Shape};
use super::{Follower, RulePath, Scope, place};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Builtins that give a text.
const TEXTS: [&str; 14] = [
    "sprintf",
    "concat",
    "format_int",
    "json.marshal",
    "lower",
    "upper",
    "replace",
    "substring",
    "trim",
    "trim_left",
    "trim_right",
    "trim_prefix",
    "trim_suffix",
    "trim_space",
];

impl<'a> Follower<'a> {
    /// The shape of a term.
    pub(super) fn term(&mut self, term: &'a Term, scope: &mut Scope) -> Shape {
        self.terms = self.terms.saturating_sub(1);
        if self.terms == 0 {
            self.give_up();
            return Shape::Unknown;
        }
        match &term.kind {
            TermKind::Literal(value) => Shape::Literal(value.clone()),
            TermKind::Name(_) | TermKind::Index(..) => self.reference(term, scope),
            TermKind::Array(items) => Shape::List(Box::new(self.any_of(items, scope))),
            TermKind::Set(items) => Shape::Set(Box::new(self.any_of(items, scope))),
            TermKind::Object(fields) => self.object(fields, scope),
            TermKind::ArrayOf(term, body) => Shape::List(Box::new(self.comprehension(&[term], body, scope))),
            TermKind::SetOf(term, body) => Shape::Set(Box::new(self.comprehension(&[term], body, scope))),
            TermKind::ObjectOf(key, value, body) => {
                Shape::Map(Box::new(self.comprehension(&[key, value], body, scope)))
            }
            TermKind::Call(path, arguments) => self.call(path, arguments, scope),
            TermKind::Join(left, right) => self.term(left, scope).or(self.term(right, scope)),
            TermKind::Arithmetic(terms) => {
                for term in terms {
                    let shape = self.term(term, scope);
                    self.escapes(&shape);
                }
                Shape::Unknown
            }
            TermKind::Compare(..) | TermKind::Unify(..) | TermKind::Assign(..) | TermKind::In(..) => {
                self.consider(term, scope);
                Shape::Unknown
            }
        }
    }

    fn any_of(&mut self, items: &'a [Term], scope: &mut Scope) -> Shape {
        let shapes: Vec<Shape> = items.iter().map(|item| self.term(item, scope)).collect();
        Shape::one_of(shapes)
    }

    fn object(&mut self, fields: &'a [(Term, Term)], scope: &mut Scope) -> Shape {
        let mut named = BTreeMap::new();
        let mut values = Vec::new();
        for (key, value) in fields {
            let value = self.term(value, scope);
            match key.as_text() {
                Some(name) => drop(named.insert(name.to_owned(), value.clone())),
                None => self.escape_of(key, scope),
            }
            values.push(value);
        }
        if named.len() == fields.len() { Shape::Object(named) } else { Shape::Map(Box::new(Shape::one_of(values))) }
    }

    fn escape_of(&mut self, term: &'a Term, scope: &mut Scope) {
        let shape = self.term(term, scope);
        self.escapes(&shape);
    }

    /// The last of the terms, where a body's statements hold.
    fn comprehension(&mut self, terms: &[&'a Term], body: &'a [Statement], scope: &Scope) -> Shape {
        self.nested(scope, |follower, scope| {
            let was_negated = std::mem::replace(&mut follower.is_negated, false);
            let holds = follower.body(body, scope);
            let mut last = Shape::Nothing;
            for term in terms {
                follower.escapes(&last);
                last = follower.term(term, scope);
            }
            follower.is_negated = was_negated;
            if holds { last } else { Shape::Nothing }
        })
    }

    fn reference(&mut self, term: &'a Term, scope: &mut Scope) -> Shape {
        let mut keys = Vec::new();
        let mut root = term;
        while let TermKind::Index(base, key) = &root.kind {
            keys.push((root, &**key));
            root = base;
        }
        keys.reverse();
        let TermKind::Name(name) = &root.kind else {
            let shape = self.term(root, scope);
            return self.read(shape, &keys, scope);
        };
        if let Some(shape) = scope.names.get(name) {
            return self.read(shape.clone(), &keys, scope);
        }
        if scope.pending.contains(name) {
            // It has its value from a later statement: what is read of it is not known.
            self.seen.reads_all_parameters = true;
            return self.read(Shape::Unknown, &keys, scope);
        }
        if name == "input" {
            return self.read(self.input.shape.clone(), &keys, scope);
        }
        let Some(prefix) = self.meaning(name, scope) else {
            if name != "_" {
                scope.names.insert(name.clone(), Shape::Unknown);
            }
            return self.read(Shape::Unknown, &keys, scope);
        };
        if prefix.first().is_some_and(|root| root == "input") {
            let shape = prefix.iter().skip(1).fold(self.input.shape.clone(), |shape, name| match shape.field(name) {
                Field::Found(shape) => shape,
                Field::Missing(_) => Shape::Unknown,
            });
            return self.read(shape, &keys, scope);
        }
        self.global(prefix, &keys, scope)
    }

    /// What a name that is no variable stands for: a path under `data`, or one that begins with `input`.
    pub(super) fn meaning(&self, name: &str, scope: &Scope) -> Option<RulePath> {
        let unit = self.units.get(scope.unit)?;
        if name == "data" {
            return Some(Vec::new());
        }
        if let Some(import) = unit.tree.imports.iter().find(|import| import.alias == name) {
            return match import.path.split_first() {
                Some((root, rest)) if root == "data" => Some(rest.to_vec()),
                Some((root, _)) if root == "input" => Some(import.path.clone()),
                _ => None,
            };
        }
        let own: RulePath = unit.tree.package.iter().cloned().chain([name.to_owned()]).collect();
        self.rules.contains_key(&own).then_some(own)
    }

    /// Reads a rule, and what is behind it.
    fn global(&mut self, prefix: RulePath, keys: &[(&'a Term, &'a Term)], scope: &mut Scope) -> Shape {
        let mut path = prefix;
        let mut used = 0_usize;
        while !self.rules.contains_key(&path) {
            let Some(name) = keys.get(used).and_then(|(_, key)| key.as_text()) else {
                return self.read(Shape::Unknown, keys, scope);
            };
            path.push(name.to_owned());
            used = used.saturating_add(1);
        }
        let shape = self.rule(&path, &[]);
        self.read(shape, keys.get(used..).unwrap_or_default(), scope)
    }

    fn read(&mut self, mut shape: Shape, keys: &[(&'a Term, &'a Term)], scope: &mut Scope) -> Shape {
        for (whole, key) in keys {
            shape = match key.as_text() {
                Some(name) => self.field(&shape, name, whole, key, scope),
                None => self.indexed(&shape, whole, key, scope),
            };
        }
        shape
    }

    /// Reads by a key that is not written out.
    fn indexed(&mut self, shape: &Shape, whole: &'a Term, key: &'a Term, scope: &mut Scope) -> Shape {
        if let TermKind::Name(name) = &key.kind
            && !scope.names.contains_key(name)
            && !scope.pending.contains(name)
            && self.meaning(name, scope).is_none()
        {
            if name != "_" {
                scope.names.insert(name.clone(), shape.key());
            }
            return self.element(shape);
        }
        let index = self.term(key, scope);
        let texts: Option<Vec<String>> = index.literals().and_then(|values| {
            values.into_iter().map(|value| value.as_string().ok().map(std::string::ToString::to_string)).collect()
        });
        match texts {
            Some(names) if !names.is_empty() && !matches!(shape, Shape::Set(_)) => {
                let found: Vec<Shape> = names.iter().map(|name| self.field(shape, name, whole, key, scope)).collect();
                Shape::one_of(found)
            }
            _ => {
                self.escapes(&index);
                self.element(shape)
            }
        }
    }

    /// Reads a field by its name.
    fn field(&mut self, shape: &Shape, name: &str, whole: &Term, key: &Term, scope: &Scope) -> Shape {
        let place = place(scope.unit, key);
        for alternative in shape.alternatives() {
            match alternative {
                Shape::Parameters => self.parameter(name, key, scope),
                Shape::Host("input", _) if name == "containers" => self.seen.reads_containers = true,
                Shape::Kubernetes { of: "PodSpec", is_old: false } if LISTS.contains(&name) => {
                    let read = ListRead { list: name.to_owned(), place, shown: whole.shown() };
                    if !self.seen.lists.contains(&read) {
                        self.seen.lists.push(read);
                    }
                }
                _ => {}
            }
        }
        self.podless(shape, name, key, scope);
        match shape.field(name) {
            Field::Found(found) => {
                if !self.is_quiet && found != Shape::Nothing {
                    self.seen.fine(place, RuleId::UnknownField);
                }
                found
            }
            Field::Missing(owner) => {
                if !self.is_quiet && !self.is_podless(&owner, whole) {
                    let (message, fix) = self.missing(&owner, name, whole);
                    self.seen.against(place, RuleId::UnknownField, message, fix);
                }
                Shape::Nothing
            }
        }
    }

    /// `input.pod` and `input.containers` where no kind that matches has a Pod.
    fn podless(&mut self, shape: &Shape, name: &str, key: &Term, scope: &Scope) {
        let is_input = matches!(shape, Shape::Host("input", _));
        if is_input && matches!(name, "pod" | "containers") && !self.input.has_pods && !self.is_quiet {
            let what = if name == "pod" { "null" } else { "empty" };
            let message = format!("input.{name} is always {what}: the policy matches {} only", self.input.kinds);
            let fix = "read input.request.object, or add kinds that have a Pod to METADATA's match";
            self.seen.against(place(scope.unit, key), RuleId::NeverFires, message, fix.to_owned());
        }
    }

    /// Whether [`Self::podless`] has said it.
    fn is_podless(&self, owner: &Owner, whole: &Term) -> bool {
        let of_null = owner.name == "null" && !self.input.has_pods;
        of_null && matches!(&whole.kind, TermKind::Index(base, _) if base.shown() == "input.pod")
    }

    fn parameter(&mut self, name: &str, key: &Term, scope: &Scope) {
        self.seen.parameters.insert(name.to_owned());
        let Some(declared) = self.declared else { return };
        if declared.contains(name) || self.is_quiet {
            return;
        }
        let fix = match closest(name, declared.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("declare `{name}` under custom.parameters of METADATA, with its default"),
        };
        let message = format!("parameter {name} is not declared in METADATA");
        self.seen.against(place(scope.unit, key), RuleId::UndeclaredParameter, message, fix);
    }

    fn missing(&self, owner: &Owner, name: &str, whole: &Term) -> (String, String) {
        let consequence = if self.is_negated { "; `not` of it always holds" } else { "" };
        let message = match owner.name.as_str() {
            "null" => format!("{} does not exist: it is read of null{consequence}", whole.shown()),
            what => format!("{} does not exist: {what} has no field {name}{consequence}", whole.shown()),
        };
        let fix = match closest(name, owner.fields.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => instead(owner, name, &self.input.kinds),
        };
        (message, fix)
    }

    fn call(&mut self, path: &'a [String], arguments: &'a [Term], scope: &mut Scope) -> Shape {
        let function = path.split_first().and_then(|(root, rest)| {
            let full: RulePath = self.meaning(root, scope)?.into_iter().chain(rest.iter().cloned()).collect();
            let arity = self.rules.get(&full)?.iter().find_map(|(_, rule)| match rule.kind {
                RuleKind::Function(arity) => Some(arity),
                RuleKind::Value | RuleKind::Set => None,
            })?;
            Some((full, arity))
        });
        if let Some((full, arity)) = function {
            let shapes: Vec<Shape> = arguments.iter().take(arity).map(|term| self.term(term, scope)).collect();
            return self.rule(&full, &shapes);
        }
        let name = path.join(".");
        if name == "object.get" {
            return self.object_get(arguments, scope);
        }
        let shapes: Vec<Shape> = arguments.iter().map(|argument| self.term(argument, scope)).collect();
        for shape in &shapes {
            self.escapes(shape);
        }
        match name.as_str() {
            "array.concat" => Shape::one_of(shapes),
            name if TEXTS.contains(&name) => Shape::Text,
            _ => Shape::Unknown,
        }
    }

    /// `object.get(object, key, default)`, the key being a name or a list of names.
    fn object_get(&mut self, arguments: &'a [Term], scope: &mut Scope) -> Shape {
        let [object, key, default] = arguments else { return Shape::Unknown };
        let mut shape = self.term(object, scope);
        let default = self.term(default, scope);
        let keys: Vec<&Term> = match &key.kind {
            TermKind::Array(keys) => keys.iter().collect(),
            _ => vec![key],
        };
        for key in keys {
            shape = match key.as_text() {
                Some(name) => self.field(&shape, name, &index(object, key), key, scope),
                None => self.indexed(&shape, object, key, scope),
            };
        }
        if shape == Shape::Nothing {
            // What is missing has been said; that the default always holds need not be.
            self.escapes(&default);
            return Shape::Unknown;
        }
        shape.or(default)
    }
}

fn index(object: &Term, key: &Term) -> Term {
    Term { place: key.place, kind: TermKind::Index(Box::new(object.clone()), Box::new(key.clone())) }
}

/// What to write where no field has a similar name.
fn instead(owner: &Owner, name: &str, kinds: &str) -> String {
    match (owner.name.as_str(), name) {
        ("input", "review") => "input.review is Gatekeeper's; here it is input.request".to_owned(),
        ("input", "metadata" | "spec" | "kind" | "apiVersion" | "status" | "data") => {
            format!("the object under review is input.request.object: read input.request.object.{name}")
        }
        ("null", _) => "see METADATA's match: no request that it lets through has it".to_owned(),
        ("a string", _) => "a key with dots is written in brackets: labels[\"example.com/team\"]".to_owned(),
        (list, _) if list.starts_with("a list") => "read it of an element, as in [_]".to_owned(),
        _ if owner.fields.len() <= 12 && !owner.fields.is_empty() => {
            format!("known are: {}", owner.fields.join(", "))
        }
        _ => format!("see kubectl explain; the policy matches {kinds}"),
    }
}

/// Whether a value is anything but false.
pub(super) fn is_true(value: &Value) -> bool {
    *value != Value::Bool(false)
}
