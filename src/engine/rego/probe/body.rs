//! What the body of a rule says, statement by statement: its variables, and the operands whose values explain it.

use std::collections::BTreeSet;

use super::super::outline::Expression;
use super::super::syntax::{AssignOp, Expr, Literal, LiteralStmt, Query, Ref, Span};
use super::script::{Part, Script, depth};

/// An operand whose text is longer, or has brackets nested deeper, explains nothing to a person, and may take the
/// parser long: each level of brackets doubles its time.
const OPERAND: (usize, usize) = (512, 6);

/// Of one statement so many operands are of use.
const OPERANDS: usize = 8;

/// A statement of a body.
pub(super) struct Statement {
    /// The line it begins on.
    pub(super) line: u32,
    /// Its text as written, modifiers included.
    pub(super) exact: String,
    /// The same on one line.
    pub(super) shown: String,
    /// Whether it only declares variables, and so always holds.
    pub(super) is_declaration: bool,
}

/// An expression whose value explains a statement.
pub(super) struct Operand {
    /// The line of its statement.
    pub(super) line: u32,
    /// Its text on one line.
    pub(super) shown: String,
    /// A comprehension of its values: none if it is undefined, several if it iterates.
    pub(super) values: String,
}

/// A variable of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// The line of the statement that it first stands in.
    pub(super) line: u32,
    /// Its name.
    pub(super) name: String,
}

/// Why the operands are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To show what made a statement true; the variables are shown beside.
    Held,
    /// To show what made it false.
    Failed,
}

/// Reads statements.
pub(super) struct Reader<'a> {
    script: &'a Script<'a>,
    /// The names that are no variables: rules of the package, imports.
    globals: &'a BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(script: &'a Script<'a>, globals: &'a BTreeSet<String>) -> Self {
        Self { script, globals }
    }

    pub(super) fn statements(&self, query: &Ref<Query>) -> Option<Vec<Statement>> {
        query.stmts.iter().map(|statement| self.statement(statement)).collect()
    }

    fn statement(&self, statement: &LiteralStmt) -> Option<Statement> {
        let part = self.script.part(&statement.span)?;
        Some(Statement {
            line: statement.span.line,
            exact: self.script.exact(&part).to_owned(),
            shown: self.script.on_one_line(&part),
            is_declaration: matches!(statement.literal, Literal::SomeVars { .. }),
        })
    }

    /// The variables of a body, those of its comprehensions and of `every` left out.
    pub(super) fn locals(&self, query: &Ref<Query>) -> Vec<Local> {
        let mut locals = Locals { globals: self.globals, line: 0, found: Vec::new() };
        for statement in &query.stmts {
            locals.line = statement.span.line;
            locals.statement(&statement.literal);
        }
        locals.found
    }

    /// The operands of a statement.
    pub(super) fn operands(&self, statement: &LiteralStmt, purpose: Purpose) -> Vec<Operand> {
        let mut operands = Operands { reader: self, purpose, statement, found: Vec::new() };
        match &statement.literal {
            Literal::SomeIn { collection, .. } if purpose == Purpose::Failed => operands.operand(collection),
            Literal::SomeVars { .. } | Literal::SomeIn { .. } => {}
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => operands.expression(expr),
            Literal::Every { key, value, domain, query, .. } => {
                operands.operand(domain);
                if purpose == Purpose::Failed {
                    let names = key.iter().chain([value]).map(Span::text).collect::<Vec<_>>();
                    operands.against_every(&names, domain, query);
                }
            }
        }
        operands.found.truncate(OPERANDS);
        operands.found
    }

    /// An expression that stands outside of a body, such as the value of a rule.
    pub(super) fn value_operands(&self, value: &Expression) -> Vec<Operand> {
        let operand = |expression: &Expression, found: &mut Vec<Operand>| {
            let Some(part) = self.script.expression(expression) else { return };
            found.extend(self.read(value.span().line, &part, ""));
        };
        let mut found = Vec::new();
        match value.as_ref() {
            Expr::BoolExpr { lhs, rhs, .. } => {
                [lhs, rhs].into_iter().filter(|side| !is_constant(side)).for_each(|side| operand(side, &mut found));
            }
            _ if is_constant(value) => {}
            _ => operand(value, &mut found),
        }
        found
    }

    fn read(&self, line: u32, part: &Part, modifiers: &str) -> Option<Operand> {
        let exact = self.script.exact(part);
        let shown = self.script.on_one_line(part);
        let (length, nesting) = OPERAND;
        let is_readable = exact.len() <= length && depth(exact) <= nesting;
        let values = format!("[{VALUE} | {VALUE} := {exact}\n{modifiers}]");
        is_readable.then_some(Operand { line, shown, values })
    }
}

/// The variable that an operand's values are bound to.
const VALUE: &str = "__portcullis_value";

/// Collects the operands of one statement.
struct Operands<'a> {
    reader: &'a Reader<'a>,
    purpose: Purpose,
    statement: &'a LiteralStmt,
    found: Vec<Operand>,
}

impl Operands<'_> {
    /// The operands of an expression that is a statement.
    fn expression(&mut self, expression: &Expression) {
        match expression.as_ref() {
            Expr::Membership { key, value, collection, .. } => self.all(key.iter().chain([value, collection])),
            // What was assigned is shown as the variable's value.
            Expr::AssignExpr { .. } if self.purpose == Purpose::Held => {}
            Expr::AssignExpr { op: AssignOp::ColEq, rhs, .. } => self.operand(rhs),
            Expr::BoolExpr { lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                self.all([lhs, rhs]);
            }
            // That it is true, or is not, is said already.
            Expr::Call { params, .. } => self.all(params),
            _ => self.operand(expression),
        }
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) {
        for expression in expressions {
            self.operand(expression);
        }
    }

    /// An expression that has a value, and what that is made of.
    fn operand(&mut self, expression: &Expression) {
        if is_constant(expression) || self.is_shown_already(expression) {
            return;
        }
        self.add(expression);
        match expression.as_ref() {
            Expr::Call { params, .. } => self.all(params),
            Expr::ArithExpr { lhs, rhs, .. } | Expr::BinExpr { lhs, rhs, .. } | Expr::BoolExpr { lhs, rhs, .. } => {
                self.all([lhs, rhs]);
            }
            _ => {}
        }
    }

    /// Variables are shown beside what held.
    fn is_shown_already(&self, expression: &Expression) -> bool {
        let is_variable = match expression.as_ref() {
            Expr::Var { span, .. } => !self.reader.globals.contains(span.text()),
            _ => false,
        };
        is_variable && self.purpose == Purpose::Held
    }

    fn add(&mut self, expression: &Expression) {
        let Some(part) = self.reader.script.expression(expression) else { return };
        let Some(modifiers) = self.modifiers() else { return };
        let operand = self.reader.read(self.statement.span.line, &part, &modifiers);
        self.found.extend(operand.filter(|operand| self.found.iter().all(|other| other.shown != operand.shown)));
    }

    /// The statement's modifiers as written.
    fn modifiers(&self) -> Option<String> {
        let modifiers = self.statement.with_mods.iter().map(|with| {
            let part = self.reader.script.part(&with.span)?;
            Some(self.reader.script.exact(&part))
        });
        modifiers.collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
    }

    /// The items for which the body of `every` does not hold.
    fn against_every(&mut self, names: &[&str], domain: &Expression, query: &Ref<Query>) {
        let script = self.reader.script;
        let (Some(domain), Some(statements), Some(modifiers)) =
            (script.expression(domain), self.reader.statements(query), self.modifiers())
        else {
            return;
        };
        let Some(item) = names.last() else { return };
        let body = statements.iter().map(|statement| statement.exact.as_str()).collect::<Vec<_>>().join(";\n");
        let (names, domain) = (names.join(", "), script.exact(&domain));
        if depth(&body) > OPERAND.1 {
            return;
        }
        self.found.push(Operand {
            line: self.statement.span.line,
            shown: (*item).to_owned(),
            values: format!("[{item} | some {names} in {domain}\n{modifiers}; count([1 | {body}]) == 0]"),
        });
    }
}

/// Whether an expression reads the same wherever it stands.
fn is_constant(expression: &Expression) -> bool {
    match expression.as_ref() {
        Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => {
            true
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(is_constant),
        Expr::Object { fields, .. } => fields.iter().all(|(_, key, value)| is_constant(key) && is_constant(value)),
        Expr::UnaryExpr { expr, .. } => is_constant(expr),
        _ => false,
    }
}

/// Collects the variables of a body.
struct Locals<'a> {
    globals: &'a BTreeSet<String>,
    line: u32,
    found: Vec<Local>,
}

impl Locals<'_> {
    fn statement(&mut self, literal: &Literal) {
        match literal {
            Literal::SomeVars { vars, .. } => vars.iter().for_each(|span| self.declare(span.text())),
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value]).for_each(|pattern| self.pattern(pattern));
                self.expression(collection);
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                    self.pattern(lhs);
                    self.expression(rhs);
                }
                _ => self.expression(expr),
            },
            // Nothing is bound in it.
            Literal::NotExpr { .. } => {}
            Literal::Every { domain, .. } => self.expression(domain),
        }
    }

    fn declare(&mut self, name: &str) {
        if name != "_" && self.found.iter().all(|local| local.name != name) {
            self.found.push(Local { line: self.line, name: name.to_owned() });
        }
    }

    /// A pattern whose variables are declared by it, even if a rule is called the same.
    fn pattern(&mut self, pattern: &Expression) {
        match pattern.as_ref() {
            Expr::Var { span, .. } => self.declare(span.text()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| self.pattern(value)),
            _ => {}
        }
    }

    /// An expression that may bind variables without declaring them, as `input.list[i]` does.
    fn expression(&mut self, expression: &Expression) {
        match expression.as_ref() {
            Expr::Var { span, .. } if !self.globals.contains(span.text()) => self.declare(span.text()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.expression(item)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
                self.expression(key);
                self.expression(value);
            }),
            Expr::Call { params, .. } => params.iter().for_each(|argument| self.expression(argument)),
            Expr::UnaryExpr { expr, .. } => self.expression(expr),
            Expr::RefDot { refr, .. } => self.expression(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.expression(refr);
                self.expression(index);
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|part| self.expression(part));
            }
            // Names and numbers; and comprehensions, whose variables are their own.
            _ => {}
        }
    }
}
