//! Conditions: whether a statement may hold, as far as what it compares is known.

use super::super::super::rego::Value;
use super::super::super::rego::tree::{Comparison, Term, TermKind};
use super::super::rule::RuleId;
use super::super::shape::Shape;
use super::terms::is_true;
use super::{Follower, Scope, place};

impl<'a> Follower<'a> {
    /// Whether an expression that must hold may.
    pub(super) fn holds(&mut self, term: &'a Term, scope: &mut Scope) -> bool {
        let (verdict, why) = self.consider(term, scope);
        self.judged(term, verdict != Some(false), why, scope)
    }

    /// Whether an expression under `not` may fail.
    pub(super) fn fails(&mut self, term: &'a Term, scope: &mut Scope) -> bool {
        let was_negated = std::mem::replace(&mut self.is_negated, true);
        let (verdict, why) = self.consider(term, scope);
        self.is_negated = was_negated;
        self.judged(term, verdict != Some(true) || !is_defined(term, scope), why, scope)
    }

    /// Notes whether a condition may be fulfilled, with what is wrong if it cannot. No words: it was said elsewhere.
    fn judged(&mut self, term: &Term, is_possible: bool, why: Option<String>, scope: &Scope) -> bool {
        let place = place(scope.unit, term);
        if self.is_quiet {
            return is_possible;
        }
        match why {
            _ if is_possible => self.seen.fine(place, RuleId::NeverFires),
            Some(why) => {
                let fix = "drop the rule, or correct the condition; kinds and operations are METADATA's match";
                self.seen.against(place, RuleId::NeverFires, why, fix.to_owned());
            }
            None => {}
        }
        is_possible
    }

    /// Whether an expression holds, if that is certain, and in words why.
    pub(super) fn consider(&mut self, term: &'a Term, scope: &mut Scope) -> (Option<bool>, Option<String>) {
        match &term.kind {
            TermKind::Assign(pattern, value) => {
                let shape = self.term(value, scope);
                self.bind(pattern, &shape, scope);
                ((shape == Shape::Nothing).then_some(false), None)
            }
            TermKind::Unify(left, right) => self.unify(left, right, scope),
            TermKind::Compare(comparison, left, right) => self.compare(*comparison, left, right, scope),
            TermKind::In(key, value, collection) => {
                if let Some(key) = key {
                    let shape = self.term(key, scope);
                    self.escapes(&shape);
                }
                let (shape, all) = (self.term(value, scope), self.term(collection, scope));
                let element = self.element(&all);
                self.escapes(&shape);
                let verdict = equal(&shape, &element).filter(|holds| !holds && element != Shape::Nothing);
                (verdict, Some(format!("{} is never one of these: {}", value.shown(), may_be(&shape))))
            }
            _ => {
                let shape = self.term(term, scope);
                self.escapes(&shape);
                let verdict = match &shape {
                    Shape::Literal(value) => Some(is_true(value)),
                    Shape::Nothing => Some(false),
                    _ => None,
                };
                let is_literal = matches!(shape, Shape::Literal(_));
                let word = if verdict == Some(true) { "true" } else { "false" };
                (verdict, is_literal.then(|| format!("the condition is always {word}: {}", term.shown())))
            }
        }
    }

    fn unify(&mut self, left: &'a Term, right: &'a Term, scope: &mut Scope) -> (Option<bool>, Option<String>) {
        for (pattern, value) in [(left, right), (right, left)] {
            if self.binds(pattern, scope) {
                let shape = self.term(value, scope);
                self.bind(pattern, &shape, scope);
                return ((shape == Shape::Nothing).then_some(false), None);
            }
        }
        self.compare(Comparison::Equal, left, right, scope)
    }

    /// Whether a term of `=` is given a value by it.
    fn binds(&self, pattern: &Term, scope: &Scope) -> bool {
        match &pattern.kind {
            TermKind::Name(name) => {
                name != "input" && !scope.names.contains_key(name) && self.meaning(name, scope).is_none()
            }
            TermKind::Array(items) => items.iter().any(|item| self.binds(item, scope)),
            _ => false,
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: &'a Term,
        right: &'a Term,
        scope: &mut Scope,
    ) -> (Option<bool>, Option<String>) {
        let (a, b) = (self.term(left, scope), self.term(right, scope));
        self.escapes(&a);
        self.escapes(&b);
        if a == Shape::Nothing || b == Shape::Nothing {
            return (Some(false), None);
        }
        let verdict = match comparison {
            Comparison::Equal => equal(&a, &b),
            Comparison::Unequal => equal(&a, &b).map(|holds| !holds),
            Comparison::Less | Comparison::AtMost | Comparison::Greater | Comparison::AtLeast => {
                a.as_literal().zip(b.as_literal()).map(|(a, b)| ordered(comparison, a, b))
            }
        };
        let always = if verdict == Some(true) { "always" } else { "never" };
        let mut known: Vec<String> = [(left, &a), (right, &b)]
            .into_iter()
            .filter(|(term, _)| !matches!(term.kind, TermKind::Literal(_)))
            .map(|(term, shape)| format!("{} is {}", term.shown(), may_be(shape)))
            .collect();
        known.dedup();
        let because = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
        let written = format!("{} {} {}", left.shown(), symbol(comparison), right.shown());
        (verdict, Some(format!("{written} {always} holds{because}")))
    }
}

/// Whether two values are equal, if that is certain.
fn equal(a: &Shape, b: &Shape) -> Option<bool> {
    match (a.literals(), b.literals()) {
        (Some(left), Some(right)) if left.is_disjoint(&right) => Some(false),
        (Some(left), Some(right)) if left.len() == 1 && left == right => Some(true),
        (None, Some(values)) if !values.iter().any(|value| a.admits(value)) => Some(false),
        (Some(values), None) if !values.iter().any(|value| b.admits(value)) => Some(false),
        _ => None,
    }
}

/// Whether a term has a value whenever the statements before it hold: a rule or what is read of one may have none.
fn is_defined(term: &Term, scope: &Scope) -> bool {
    match &term.kind {
        TermKind::Literal(_) => true,
        TermKind::Name(name) => name == "input" || scope.names.contains_key(name),
        TermKind::Index(base, _) => is_defined(base, scope),
        TermKind::Compare(_, left, right) => is_defined(left, scope) && is_defined(right, scope),
        _ => false,
    }
}

fn ordered(comparison: Comparison, a: &Value, b: &Value) -> bool {
    match comparison {
        Comparison::Equal => a == b,
        Comparison::Unequal => a != b,
        Comparison::Less => a < b,
        Comparison::AtMost => a <= b,
        Comparison::Greater => a > b,
        Comparison::AtLeast => a >= b,
    }
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::Unequal => "!=",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
    }
}

/// What a value may be, in words.
fn may_be(shape: &Shape) -> String {
    let word = |shape: &Shape| match shape {
        Shape::Literal(value) => value.to_string(),
        Shape::Kubernetes { of, .. } => match *of {
            "string" => "a string".to_owned(),
            "boolean" => "true or false".to_owned(),
            "integer" => "an integer".to_owned(),
            "number" => "a number".to_owned(),
            "scalar" => "a string or a number".to_owned(),
            list if list.starts_with("[]") => "a list".to_owned(),
            _ => "an object".to_owned(),
        },
        Shape::Text => "a string".to_owned(),
        _ => "an object".to_owned(),
    };
    let mut words: Vec<String> = shape.alternatives().map(word).collect();
    words.dedup();
    match words.as_slice() {
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}
