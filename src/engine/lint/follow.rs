//! Follows values from `input` through a policy's rules, helpers and libraries, without running anything.
//!
//! **Invariant:** a remark needs every way that leads to a place to agree. What is not understood is unknown, and
//! nothing is said of it.

mod judge;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use super::super::rego::tree::{RuleTree, Statement, StatementKind, Term, TermKind, Tree};
use super::super::rego::{RuleKind, Value};
use super::super::source::Source;
use super::input::Input;
use super::rule::RuleId;
use super::seen::{Place, Seen};
use super::shape::{Field, Shape};

/// The rules that the host evaluates.
pub(super) const ENTRYPOINTS: [&str; 3] = ["deny", "warn", "mutate"];

/// Terms looked at for one policy. A real one takes some thousands.
const TERMS: u32 = 400_000;

/// Rules within rules. The guard refuses recursion, but not long chains.
const DEPTH: u32 = 40;

/// A module to follow values through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    pub(super) source: &'a Source,
    pub(super) tree: &'a Tree,
}

/// The names of a body, and where it stands.
#[derive(Clone, Debug)]
struct Scope {
    unit: usize,
    names: BTreeMap<String, Shape>,
    /// Names that a later statement gives a value.
    pending: BTreeSet<String>,
}

type RulePath = Vec<String>;

/// The names of the parameters that a policy declares; nothing if it leaves open which there are.
pub(super) type Declared = Option<BTreeSet<String>>;

struct Follower<'a> {
    units: &'a [Unit<'a>],
    rules: BTreeMap<RulePath, Vec<(usize, &'a RuleTree)>>,
    input: &'a Input,
    declared: &'a Declared,
    known: BTreeMap<(RulePath, Vec<Shape>, bool), Shape>,
    terms: u32,
    depth: u32,
    /// Whether what is looked at cannot be reached, so that nothing is to be said of it.
    is_quiet: bool,
    is_negated: bool,
    seen: Seen,
}

/// Follows the entrypoints of the first unit, a policy's own module; the others are the libraries it may import.
pub(super) fn follow(units: &[Unit<'_>], input: &Input, declared: &Declared) -> Seen {
    let mut rules: BTreeMap<RulePath, Vec<_>> = BTreeMap::new();
    for (index, unit) in units.iter().enumerate() {
        for rule in &unit.tree.rules {
            let path = unit.tree.package.iter().chain([&rule.name]).cloned().collect();
            rules.entry(path).or_default().push((index, rule));
        }
    }
    let mut follower = Follower {
        units,
        rules,
        input,
        declared,
        known: BTreeMap::new(),
        terms: TERMS,
        depth: 0,
        is_quiet: false,
        is_negated: false,
        seen: Seen::default(),
    };
    for name in ENTRYPOINTS {
        if let Some(unit) = units.first() {
            let path: RulePath = unit.tree.package.iter().cloned().chain([name.to_owned()]).collect();
            follower.rule(&path, &[]);
        }
    }
    follower.seen
}

impl<'a> Follower<'a> {
    /// The value of a rule, or of a function for arguments of these shapes.
    fn rule(&mut self, path: &RulePath, arguments: &[Shape]) -> Shape {
        if arguments.contains(&Shape::Nothing) && !self.is_quiet {
            // The call has no value; what the function reads counts all the same.
            self.is_quiet = true;
            self.rule(path, arguments);
            self.is_quiet = false;
            return Shape::Nothing;
        }
        let key = (path.clone(), arguments.to_vec(), self.is_quiet);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let Some(rules) = self.rules.get(path).cloned() else { return Shape::Unknown };
        if self.depth >= DEPTH {
            self.give_up();
            return Shape::Unknown;
        }
        self.depth = self.depth.saturating_add(1);
        let was_negated = std::mem::replace(&mut self.is_negated, false);
        let values: Vec<Shape> = rules.iter().flat_map(|(unit, rule)| self.bodies(*unit, rule, arguments)).collect();
        self.is_negated = was_negated;
        self.depth = self.depth.saturating_sub(1);
        let value = Shape::one_of(values);
        let value = match rules.first().map(|(_, rule)| rule.kind) {
            Some(RuleKind::Set) => Shape::Set(Box::new(value)),
            Some(RuleKind::Value | RuleKind::Function(_)) | None => value,
        };
        self.known.insert(key, value.clone());
        value
    }

    fn bodies(&mut self, unit: usize, rule: &'a RuleTree, arguments: &[Shape]) -> Vec<Shape> {
        let is_entrypoint = unit == 0 && ENTRYPOINTS.contains(&rule.name.as_str());
        let mut values = Vec::new();
        for body in &rule.bodies {
            let mut scope = Scope { unit, names: BTreeMap::new(), pending: BTreeSet::new() };
            for (pattern, shape) in rule.arguments.iter().zip(arguments) {
                self.bind(pattern, shape, &mut scope);
            }
            let was_quiet = self.is_quiet;
            let holds = self.body(&body.statements, &mut scope);
            let value = match &body.value {
                Some(term) => self.term(term, &mut scope),
                None => Shape::Literal(Value::Bool(true)),
            };
            self.is_quiet = was_quiet;
            if is_entrypoint {
                self.escapes(&value);
                let is_violation = holds && rule.name != "mutate";
                if let Some(term) = body.value.as_ref().filter(|_| is_violation) {
                    self.violation(unit, term, &value);
                }
            }
            if rule.is_plain {
                values.push(if holds { value } else { Shape::Nothing });
            } else {
                self.escapes(&value);
                values.push(Shape::Unknown);
            }
        }
        values
    }

    /// Looks at what a violation is made of.
    fn violation(&mut self, unit: usize, term: &Term, value: &Shape) {
        let no_remedy = |shape: &Shape| match shape {
            Shape::Text | Shape::Literal(Value::String(_)) => Some("the violation is a string, without a remedy"),
            Shape::Object(fields) if !fields.contains_key("remedy") => Some("the violation says no remedy"),
            _ => None,
        };
        if let Some(message) = value.alternatives().find_map(no_remedy) {
            let fix = "yield {\"msg\": …, \"field\": …, \"remedy\": …}, the remedy saying what to write instead";
            self.seen.against(place(unit, term), RuleId::NoRemedy, message.to_owned(), fix.to_owned());
        }
    }

    /// Goes through statements, and tells whether all may hold. What follows one that cannot is looked at quietly.
    fn body(&mut self, statements: &'a [Statement], scope: &mut Scope) -> bool {
        let outer = scope.pending.clone();
        for statement in statements {
            pending(statement, &mut scope.pending);
        }
        let mut holds = true;
        for statement in statements {
            if !self.statement(statement, scope) {
                holds = false;
                self.is_quiet = true;
            }
        }
        scope.pending = outer;
        holds
    }

    /// Goes through statements that are no part of the body around them.
    fn nested<T>(&mut self, scope: &Scope, look: impl FnOnce(&mut Self, &mut Scope) -> T) -> T {
        let was_quiet = self.is_quiet;
        let result = look(self, &mut scope.clone());
        self.is_quiet = was_quiet;
        result
    }

    fn statement(&mut self, statement: &'a Statement, scope: &mut Scope) -> bool {
        if statement.is_with {
            let was_quiet = std::mem::replace(&mut self.is_quiet, true);
            self.plain_statement(statement, scope);
            self.is_quiet = was_quiet;
            // What is evaluated then is other input: what it reads of ours is not known.
            self.seen.reads_all_parameters = true;
            return true;
        }
        self.plain_statement(statement, scope)
    }

    fn plain_statement(&mut self, statement: &'a Statement, scope: &mut Scope) -> bool {
        match &statement.kind {
            StatementKind::Some(names) => {
                scope.names.extend(names.iter().map(|name| (name.clone(), Shape::Unknown)));
                true
            }
            StatementKind::SomeIn(key, value, collection) => {
                let collection = self.term(collection, scope);
                if let Some(key) = key {
                    self.bind(key, &collection.key(), scope);
                }
                let element = self.element(&collection);
                self.bind(value, &element, scope);
                element != Shape::Nothing
            }
            StatementKind::Holds(term) => self.holds(term, scope),
            StatementKind::Not(term) => self.fails(term, scope),
            StatementKind::Every(key, value, domain, statements) => {
                let domain = self.term(domain, scope);
                let element = self.element(&domain);
                self.nested(scope, |follower, scope| {
                    if let Some(key) = key {
                        scope.names.insert(key.clone(), domain.key());
                    }
                    scope.names.insert(value.clone(), element);
                    follower.body(statements, scope);
                });
                true
            }
        }
    }

    fn bind(&mut self, pattern: &Term, shape: &Shape, scope: &mut Scope) {
        match &pattern.kind {
            TermKind::Name(name) => {
                scope.pending.remove(name);
                scope.names.insert(name.clone(), shape.clone());
            }
            TermKind::Array(items) => {
                let element = self.element(shape);
                for item in items {
                    self.bind(item, &element, scope);
                }
            }
            TermKind::Object(fields) => {
                for (key, value) in fields {
                    let field = key.as_text().map(|name| shape.field(name));
                    let found = if let Some(Field::Found(found)) = field { found } else { Shape::Unknown };
                    self.escapes(shape);
                    self.bind(value, &found, scope);
                }
            }
            _ => self.escapes(shape),
        }
    }

    /// An element of a collection, whichever.
    fn element(&mut self, collection: &Shape) -> Shape {
        if collection.alternatives().any(|shape| *shape == Shape::Parameters) {
            self.seen.reads_all_parameters = true;
        }
        collection.element()
    }

    /// A value goes where it is not followed.
    fn escapes(&mut self, shape: &Shape) {
        if shape.holds_parameters() {
            self.seen.reads_all_parameters = true;
        }
    }

    fn give_up(&mut self) {
        self.seen.gave_up = true;
        self.seen.reads_all_parameters = true;
    }
}

fn place(unit: usize, term: &Term) -> Place {
    Place { unit, line: term.place.line, column: term.place.column }
}

/// The names that a statement gives a value.
fn pending(statement: &Statement, names: &mut BTreeSet<String>) {
    fn of(pattern: &Term, names: &mut BTreeSet<String>) {
        match &pattern.kind {
            TermKind::Name(name) => drop(names.insert(name.clone())),
            TermKind::Array(items) => items.iter().for_each(|item| of(item, names)),
            TermKind::Object(fields) => fields.iter().for_each(|(_, value)| of(value, names)),
            _ => {}
        }
    }
    match &statement.kind {
        StatementKind::SomeIn(key, value, _) => key.iter().chain([value]).for_each(|pattern| of(pattern, names)),
        StatementKind::Holds(Term { kind: TermKind::Assign(pattern, _), .. }) => of(pattern, names),
        _ => {}
    }
}
