//! Which definition of a rule came true, with which values; and which statement of a rule was the first that did not
//! hold.
//!
//! The engine gives no trace. So rules are written that repeat the bodies in question and yield their variables, into
//! a module of the same package and imports, and are evaluated beside the others on the same input. What they say is
//! believed only if it agrees with what the rule itself yields; otherwise less is said, and in the end nothing. Rules
//! and functions that a body calls are not looked into.

mod body;
mod probing;
mod script;

use std::collections::BTreeSet;
use std::time::Duration;

use self::body::{Local, Operand, Purpose, Reader, Statement};
use self::probing::{Probe, Probing, Row};
use self::script::Script;
use super::outline::{Expression, rule_name, static_path};
use super::syntax::{Ref, Rule, RuleBody, RuleHead};
use super::{Program, Value};

/// One way in which a definition of a set came true.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// The line of the definition.
    pub line: u32,
    /// What it put into the set.
    pub value: Value,
    /// The values that made it true; empty if they could not be told.
    pub bindings: Vec<Binding>,
}

/// The first statement of a rule that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its line.
    pub line: u32,
    /// Its text on one line.
    pub statement: String,
    /// The values of its operands.
    pub bindings: Vec<Binding>,
}

/// An expression and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The line of its statement.
    pub line: u32,
    /// Its text on one line.
    pub expression: String,
    /// Its value; none if it is undefined, several if it was tried with several.
    pub values: Vec<Value>,
}

/// How much is asked about each definition; less if more does not work.
#[derive(Clone, Copy)]
enum Detail {
    Operands,
    Locals,
    Lines,
}

/// Rows of values that are told apart; more would not be read.
const ROWS: usize = 8;

impl Program {
    /// How the set `rule` of a file came by its items. Nothing if that cannot be told for certain.
    pub fn fired(&self, file: &str, rule: &str, input: &Value, limit: Duration) -> Option<Vec<Firing>> {
        let probing = Probing::of(self, file)?;
        let actual = self.evaluate(&[probing.path(rule)?], input.clone(), limit).ok()?.pop()?;
        let script = probing.script()?;
        let globals = probing.globals();
        let reader = Reader::new(&script, &globals);
        let definitions = definitions(&probing, rule)?;
        [Detail::Operands, Detail::Locals, Detail::Lines].into_iter().find_map(|detail| {
            let read = |definition: &Definition<'_>| read_definition(&reader, &script, definition, detail);
            let explained = definitions.iter().map(read).collect::<Option<Vec<_>>>()?;
            fired(&probing, &explained, input, limit).filter(|firings| are_all(firings, &actual))
        })
    }

    /// Which statement of a rule was the first that did not hold, on an empty input. Nothing if that cannot be told
    /// for certain.
    pub fn first_failure(&self, file: &str, rule: &str, limit: Duration) -> Option<Failure> {
        let probing = Probing::of(self, file)?;
        let script = probing.script()?;
        let globals = probing.globals();
        let reader = Reader::new(&script, &globals);
        let rule = probing.module().policy.iter().find(|definition| is_complete(definition, rule))?;
        let Rule::Spec { span, head: RuleHead::Compr { assign, .. }, bodies } = rule.as_ref() else { return None };
        let statements = match bodies.as_slice() {
            [] => Vec::new(),
            [body] => reader.statements(&body.query)?,
            _ => return None,
        };
        let texts: Vec<&str> = statements.iter().map(|statement| statement.exact.as_str()).collect();
        let held = held(&probing, &texts, limit)?;
        if let (Some(statement), Some(body)) = (statements.get(held), bodies.first()) {
            let operands = reader.operands(body.query.stmts.get(held)?, Purpose::Failed);
            let bindings = bindings_after(&probing, texts.get(..held)?, &operands, limit);
            // What only declares holds whatever follows.
            let failure = Failure { line: statement.line, statement: statement.shown.clone(), bindings };
            return (!statement.is_declaration).then_some(failure);
        }
        // Every statement holds: it is the value that is not true.
        let value = &assign.as_ref()?.value;
        let bindings = bindings_after(&probing, &texts, &reader.value_operands(value), limit);
        Some(Failure { line: span.line, statement: script.on_one_line(&script.expression(value)?), bindings })
    }
}

fn is_complete(definition: &Ref<Rule>, name: &str) -> bool {
    match definition.as_ref() {
        Rule::Spec { head: RuleHead::Compr { refr, .. }, .. } => static_path(refr) == (vec![name.to_owned()], true),
        Rule::Spec { .. } | Rule::Default { .. } => false,
    }
}

/// A definition of a set: its line, what it puts in, its body.
struct Definition<'a> {
    line: u32,
    key: &'a Expression,
    body: Option<&'a RuleBody>,
}

/// The definitions of a set; nothing if one of them has a form that is not understood.
fn definitions<'a>(probing: &'a Probing, name: &str) -> Option<Vec<Definition<'a>>> {
    let definition = |rule: &'a Ref<Rule>| match rule.as_ref() {
        Rule::Spec { span, head: RuleHead::Set { refr, key: Some(key), .. }, bodies } if bodies.len() < 2 => {
            let is_plain = static_path(refr) == (vec![name.to_owned()], true);
            is_plain.then_some(Definition { line: span.line, key, body: bodies.first() })
        }
        Rule::Spec { .. } | Rule::Default { .. } => None,
    };
    probing.module().policy.iter().filter(|rule| rule_name(rule) == name).map(definition).collect()
}

/// A definition with what is to be told of it.
struct Explained<'a> {
    line: u32,
    key: &'a str,
    statements: Vec<Statement>,
    locals: Vec<Local>,
    operands: Vec<Operand>,
}

impl Explained<'_> {
    fn probe(&self) -> Probe<'_> {
        Probe {
            statements: self.statements.iter().map(|statement| statement.exact.as_str()).collect(),
            key: Some(self.key),
            locals: &self.locals,
            operands: &self.operands,
        }
    }
}

fn read_definition<'a>(
    reader: &Reader<'_>,
    script: &Script<'a>,
    definition: &Definition<'_>,
    detail: Detail,
) -> Option<Explained<'a>> {
    let key = script.exact(&script.expression(definition.key)?);
    let mut explained =
        Explained { line: definition.line, key, statements: Vec::new(), locals: Vec::new(), operands: Vec::new() };
    let Some(body) = definition.body else { return Some(explained) };
    explained.statements = reader.statements(&body.query)?;
    if matches!(detail, Detail::Operands | Detail::Locals) {
        explained.locals = reader.locals(&body.query);
        // What is put in is shown as the violation.
        explained.locals.retain(|local| local.name != key);
    }
    if matches!(detail, Detail::Operands) {
        let operands = body.query.stmts.iter().flat_map(|statement| reader.operands(statement, Purpose::Held));
        explained.operands = operands.collect();
    }
    Some(explained)
}

fn fired(probing: &Probing, explained: &[Explained<'_>], input: &Value, limit: Duration) -> Option<Vec<Firing>> {
    let probes: Vec<Probe<'_>> = explained.iter().map(Explained::probe).collect();
    let rows = probing.evaluate(&probes, input, limit)?;
    let firings = explained.iter().zip(rows).flat_map(|(definition, rows)| {
        rows.into_iter().map(|row| Firing {
            line: definition.line,
            bindings: bindings(definition, &row),
            value: row.key,
        })
    });
    Some(firings.collect())
}

/// Whether firings put into a set what is in it, no less and no more.
fn are_all(firings: &[Firing], actual: &Value) -> bool {
    let told: BTreeSet<&Value> = firings.iter().map(|firing| &firing.value).collect();
    actual.as_set().is_ok_and(|actual| told.len() == actual.len() && told.iter().all(|value| actual.contains(value)))
}

/// The bindings of one row. An operand with several values iterates by itself, so that none of them is known to be
/// the one.
fn bindings(definition: &Explained<'_>, row: &Row) -> Vec<Binding> {
    let locals = definition.locals.iter().zip(&row.locals).map(|(local, value)| Binding {
        line: local.line,
        expression: local.name.clone(),
        values: vec![value.clone()],
    });
    let operands = definition.operands.iter().zip(&row.operands).filter(|(_, values)| values.len() < 2);
    let operands = operands.map(|(operand, values)| Binding {
        line: operand.line,
        expression: operand.shown.clone(),
        values: values.clone(),
    });
    let mut bindings: Vec<Binding> = Vec::new();
    for binding in locals.chain(operands) {
        if bindings.iter().all(|other| other.expression != binding.expression) {
            bindings.push(binding);
        }
    }
    bindings.sort_by_key(|binding| binding.line);
    bindings
}

/// How many of the statements hold, each together with those before it.
fn held(probing: &Probing, statements: &[&str], limit: Duration) -> Option<usize> {
    let first = |count: usize| statements.iter().take(count).copied().collect();
    let probes: Vec<Probe<'_>> =
        (1..=statements.len()).map(|count| Probe { statements: first(count), ..Probe::default() }).collect();
    let rows = probing.evaluate(&probes, &Value::new_object(), limit)?;
    let held = rows.iter().position(Vec::is_empty).unwrap_or(rows.len());
    // Once a statement fails, so do all behind it.
    rows.iter().skip(held).all(Vec::is_empty).then_some(held)
}

/// The values of operands where statements hold; nothing if they cannot be told.
fn bindings_after(probing: &Probing, statements: &[&str], operands: &[Operand], limit: Duration) -> Vec<Binding> {
    let probe = Probe { statements: statements.to_vec(), operands, ..Probe::default() };
    let rows = probing.evaluate(&[probe], &Value::new_object(), limit).and_then(|mut rows| rows.pop());
    let rows = rows.unwrap_or_default();
    if rows.is_empty() {
        return Vec::new();
    }
    let binding = |(index, operand): (usize, &Operand)| Binding {
        line: operand.line,
        expression: operand.shown.clone(),
        values: distinct(rows.iter().take(ROWS).filter_map(|row| row.operands.get(index)).flatten()),
    };
    operands.iter().enumerate().map(binding).collect()
}

/// Values without those that came before.
fn distinct<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in values {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
    }
    distinct
}

#[cfg(test)]
mod tests;
