//! A module's syntax as a tree of our own: what lints follow through rules, helpers and comprehensions.
//!
//! Apart from the outline because it keeps every term, which only `policy check` needs.

use super::super::document::Place;
use super::outline::RuleKind;
use super::syntax::{self, Expr, Literal, Query, Ref, RuleHead};
use super::{Import, Value, outline};

/// A module, every term of it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The package's path, without `data`.
    pub package: Vec<String>,
    /// Its imports.
    pub imports: Vec<Import>,
    /// Its rules, one for each head in the text.
    pub rules: Vec<RuleTree>,
}

/// One rule of the text.
#[derive(Clone, Debug)]
pub struct RuleTree {
    /// Its name; of `a.b contains x` the `a`.
    pub name: String,
    /// What it defines.
    pub kind: RuleKind,
    /// Where it begins.
    pub place: Place,
    /// Whether its head is a name alone, not `a.b` or `a[x]`.
    pub is_plain: bool,
    /// A function's arguments, as patterns.
    pub arguments: Vec<Term>,
    /// Its bodies; one without statements if it has none. Those after the first are its `else`.
    pub bodies: Vec<Body>,
}

/// A body of a rule, and the value that the rule has if it holds.
#[derive(Clone, Debug)]
pub struct Body {
    /// The value, or the element of a set; `true` if nothing is written.
    pub value: Option<Term>,
    /// What must hold.
    pub statements: Vec<Statement>,
}

/// One statement of a body.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Where it begins.
    pub place: Place,
    /// What it says.
    pub kind: StatementKind,
    /// Whether it is evaluated with something replaced.
    pub is_with: bool,
}

/// What a statement says.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `some x, y`.
    Some(Vec<String>),
    /// `some key, value in collection`.
    SomeIn(Option<Term>, Term, Term),
    /// An expression that must be neither false nor undefined.
    Holds(Term),
    /// `not` and an expression.
    Not(Term),
    /// `every key, value in domain { … }`.
    Every(Option<String>, String, Term, Vec<Statement>),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Term {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: TermKind,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum TermKind {
    /// A scalar written out.
    Literal(Value),
    /// A name.
    Name(String),
    /// `base.key` or `base[key]`; the place of the key is where to point at.
    Index(Box<Term>, Box<Term>),
    /// `[…]`.
    Array(Vec<Term>),
    /// `{…}` of elements.
    Set(Vec<Term>),
    /// `{key: value}`.
    Object(Vec<(Term, Term)>),
    /// `[x | …]`.
    ArrayOf(Box<Term>, Vec<Statement>),
    /// `{x | …}`.
    SetOf(Box<Term>, Vec<Statement>),
    /// `{k: v | …}`.
    ObjectOf(Box<Term>, Box<Term>, Vec<Statement>),
    /// A call: the function's path and its arguments.
    Call(Vec<String>, Vec<Term>),
    /// A comparison.
    Compare(Comparison, Box<Term>, Box<Term>),
    /// `=`.
    Unify(Box<Term>, Box<Term>),
    /// `:=`.
    Assign(Box<Term>, Box<Term>),
    /// `key, value in collection`.
    In(Option<Box<Term>>, Box<Term>, Box<Term>),
    /// `a | b` and `a & b` of sets.
    Join(Box<Term>, Box<Term>),
    /// Arithmetic, of which only the terms matter.
    Arithmetic(Vec<Term>),
}

/// How two terms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`.
    Equal,
    /// `!=`.
    Unequal,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
}

impl Term {
    /// The text, if it is a string written out.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Literal(value) => value.as_string().ok().map(AsRef::as_ref),
            _ => None,
        }
    }

    /// The term as it was probably written, cut short where that is no name: `c.spec.ports[…]`.
    pub fn shown(&self) -> String {
        match &self.kind {
            TermKind::Name(name) => name.clone(),
            TermKind::Index(base, key) => match key.as_text() {
                Some(text) if is_word(text) => format!("{}.{text}", base.shown()),
                Some(text) => format!("{}[{text:?}]", base.shown()),
                None => match &key.kind {
                    TermKind::Name(name) => format!("{}[{name}]", base.shown()),
                    TermKind::Literal(value) => format!("{}[{value}]", base.shown()),
                    _ => format!("{}[…]", base.shown()),
                },
            },
            TermKind::Call(path, _) => format!("{}(…)", path.join(".")),
            TermKind::Literal(value) => value.to_string(),
            _ => "…".to_owned(),
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn read(module: &syntax::Module) -> Tree {
    Tree {
        package: outline::static_path(&module.package.refr).0,
        imports: module.imports.iter().map(outline::read_import).collect(),
        rules: module.policy.iter().map(|rule| read_rule(rule)).collect(),
    }
}

fn read_rule(rule: &syntax::Rule) -> RuleTree {
    let (span, refr, arguments, kind, bodies) = match rule {
        syntax::Rule::Default { span, refr, args, value, .. } => {
            let kind = if args.is_empty() { RuleKind::Value } else { RuleKind::Function(args.len()) };
            let body = Body { value: Some(term(value)), statements: Vec::new() };
            (span, refr, args.as_slice(), kind, vec![body])
        }
        syntax::Rule::Spec { span, head, bodies } => {
            let (refr, arguments, key, assign) = outline::parts(head);
            let value = key.or(assign.map(|assign| &assign.value));
            let kind = match head {
                RuleHead::Compr { .. } => RuleKind::Value,
                RuleHead::Set { .. } => RuleKind::Set,
                RuleHead::Func { args, .. } => RuleKind::Function(args.len()),
            };
            (span, refr, arguments, kind, read_bodies(value, bodies))
        }
    };
    let (path, is_static) = outline::static_path(refr);
    let is_plain = is_static && path.len() == 1;
    RuleTree {
        name: path.into_iter().next().unwrap_or_default(),
        kind,
        place: Place { line: span.line, column: span.col },
        is_plain,
        arguments: terms(arguments),
        bodies,
    }
}

fn read_bodies(value: Option<&Ref<Expr>>, bodies: &[syntax::RuleBody]) -> Vec<Body> {
    if bodies.is_empty() {
        return vec![Body { value: value.map(term), statements: Vec::new() }];
    }
    let own = |body: &syntax::RuleBody| body.assign.as_ref().map(|assign| term(&assign.value));
    let read = |body: &syntax::RuleBody| Body {
        value: own(body).or_else(|| if body.is_else { None } else { value.map(term) }),
        statements: statements(&body.query),
    };
    bodies.iter().map(read).collect()
}

fn statements(query: &Ref<Query>) -> Vec<Statement> {
    query.stmts.iter().map(statement).collect()
}

fn statement(statement: &syntax::LiteralStmt) -> Statement {
    let name = |span: &syntax::Span| span.text().to_owned();
    let kind = match &statement.literal {
        Literal::SomeVars { vars, .. } => StatementKind::Some(vars.iter().map(name).collect()),
        Literal::SomeIn { key, value, collection, .. } => {
            StatementKind::SomeIn(key.as_ref().map(term), term(value), term(collection))
        }
        Literal::Expr { expr, .. } => StatementKind::Holds(term(expr)),
        Literal::NotExpr { expr, .. } => StatementKind::Not(term(expr)),
        Literal::Every { key, value, domain, query, .. } => {
            StatementKind::Every(key.as_ref().map(name), name(value), term(domain), statements(query))
        }
    };
    let place = Place { line: statement.span.line, column: statement.span.col };
    Statement { place, kind, is_with: !statement.with_mods.is_empty() }
}

fn terms(expressions: &[Ref<Expr>]) -> Vec<Term> {
    expressions.iter().map(term).collect()
}

fn boxed(expression: &Ref<Expr>) -> Box<Term> {
    Box::new(term(expression))
}

fn term(expression: &Ref<Expr>) -> Term {
    let span = outline::start(expression).span();
    let kind = match expression.as_ref() {
        Expr::String { value, .. }
        | Expr::RawString { value, .. }
        | Expr::Number { value, .. }
        | Expr::Bool { value, .. }
        | Expr::Null { value, .. } => TermKind::Literal(value.clone()),
        Expr::Var { span, .. } => TermKind::Name(span.text().to_owned()),
        Expr::RefDot { refr, field: (span, _), .. } => {
            let place = Place { line: span.line, column: span.col };
            TermKind::Index(boxed(refr), Box::new(Term { place, kind: TermKind::Literal(Value::from(span.text())) }))
        }
        Expr::RefBrack { refr, index, .. } => TermKind::Index(boxed(refr), boxed(index)),
        Expr::Array { items, .. } => TermKind::Array(terms(items)),
        Expr::Set { items, .. } => TermKind::Set(terms(items)),
        Expr::Object { fields, .. } => {
            TermKind::Object(fields.iter().map(|(_, key, value)| (term(key), term(value))).collect())
        }
        Expr::ArrayCompr { term, query, .. } => TermKind::ArrayOf(boxed(term), statements(query)),
        Expr::SetCompr { term, query, .. } => TermKind::SetOf(boxed(term), statements(query)),
        Expr::ObjectCompr { key, value, query, .. } => TermKind::ObjectOf(boxed(key), boxed(value), statements(query)),
        Expr::Call { fcn, params, .. } => TermKind::Call(outline::static_path(fcn).0, terms(params)),
        Expr::UnaryExpr { expr, .. } => TermKind::Arithmetic(vec![term(expr)]),
        Expr::BinExpr { lhs, rhs, .. } => TermKind::Join(boxed(lhs), boxed(rhs)),
        Expr::BoolExpr { op, lhs, rhs, .. } => TermKind::Compare(comparison(op), boxed(lhs), boxed(rhs)),
        Expr::ArithExpr { lhs, rhs, .. } => TermKind::Arithmetic(vec![term(lhs), term(rhs)]),
        Expr::AssignExpr { op: syntax::AssignOp::Eq, lhs, rhs, .. } => TermKind::Unify(boxed(lhs), boxed(rhs)),
        Expr::AssignExpr { op: syntax::AssignOp::ColEq, lhs, rhs, .. } => TermKind::Assign(boxed(lhs), boxed(rhs)),
        Expr::Membership { key, value, collection, .. } => {
            TermKind::In(key.as_ref().map(boxed), boxed(value), boxed(collection))
        }
    };
    Term { place: Place { line: span.line, column: span.col }, kind }
}

fn comparison(operator: &syntax::BoolOp) -> Comparison {
    match operator {
        syntax::BoolOp::Eq => Comparison::Equal,
        syntax::BoolOp::Ne => Comparison::Unequal,
        syntax::BoolOp::Lt => Comparison::Less,
        syntax::BoolOp::Le => Comparison::AtMost,
        syntax::BoolOp::Gt => Comparison::Greater,
        syntax::BoolOp::Ge => Comparison::AtLeast,
    }
}
