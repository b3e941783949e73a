//! What a module says without being run: its package, imports, rules, and what each rule calls and reads.
//!
//! Guards and lints work on this outline, so that they need neither the engine nor its syntax tree.

use std::collections::BTreeSet;

use super::syntax;
use syntax::{Expr, Literal, Query, Ref, RuleHead};

/// The dialect of Rego a module is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Rego as before OPA 1.0: `deny[msg] { … }`.
    V0,
    /// Rego as of OPA 1.0: `deny contains msg if { … }`.
    V1,
}

/// A module in outline.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The dialect it parses as.
    pub dialect: Dialect,
    /// The package's path, without `data`.
    pub package: Vec<String>,
    /// The line of its `package`.
    pub package_line: u32,
    /// Its imports.
    pub imports: Vec<Import>,
    /// Its rules, one for each head and body in the text.
    pub rules: Vec<Rule>,
}

/// `import path as alias`.
#[derive(Clone, Debug)]
pub struct Import {
    /// The path, such as `data`, `lib`, `images`.
    pub path: Vec<String>,
    /// The name it has in the module.
    pub alias: String,
}

/// What a rule defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// A value, complete or an object.
    Value,
    /// A set: `deny contains x`, `deny[x]`.
    Set,
    /// A function of so many arguments.
    Function(usize),
}

/// One rule of the text.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name; of `a.b contains x` the `a`.
    pub name: String,
    /// What it defines.
    pub kind: RuleKind,
    /// The line it starts on.
    pub line: u32,
    /// Whether it is an empty collection written out, such as `deny := set()` or `deny := {}`.
    pub is_empty_literal: bool,
    /// What its head and bodies read and call.
    pub uses: Vec<Use>,
}

/// A reference or a call.
#[derive(Clone, Debug)]
pub struct Use {
    /// Its leading parts that are written out: of `input.containers[i].name` the first two.
    pub path: Vec<String>,
    /// Its line.
    pub line: u32,
    /// Its column.
    pub column: u32,
    /// The call, if it is one.
    pub call: Option<Call>,
}

/// The shape of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How many arguments are written.
    pub arguments: usize,
    /// The first argument if it is a string written out.
    pub text: Option<String>,
    /// The length of the second argument if it is an array written out.
    pub list: Option<usize>,
}

pub(super) fn read(module: &syntax::Module, dialect: Dialect) -> Outline {
    let package = static_path(&module.package.refr).0;
    Outline {
        dialect,
        package,
        package_line: module.package.span.line,
        imports: module.imports.iter().map(read_import).collect(),
        rules: module.policy.iter().map(|rule| read_rule(rule)).collect(),
    }
}

pub(super) fn read_import(import: &syntax::Import) -> Import {
    let path = static_path(&import.refr).0;
    let alias = match &import.r#as {
        Some(span) => span.text().to_owned(),
        None => path.last().cloned().unwrap_or_default(),
    };
    Import { path, alias }
}

fn read_rule(rule: &syntax::Rule) -> Rule {
    match rule {
        syntax::Rule::Default { span, args, value, .. } => {
            let mut walk = Walk::default();
            walk.expression(value);
            let kind = if args.is_empty() { RuleKind::Value } else { RuleKind::Function(args.len()) };
            Rule {
                name: rule_name(rule),
                kind,
                line: span.line,
                is_empty_literal: is_empty_literal(value),
                uses: walk.uses,
            }
        }
        syntax::Rule::Spec { span, head, bodies } => {
            let (_, arguments, key, assign) = parts(head);
            let mut walk = Walk::default();
            for argument in arguments {
                walk.declare(argument);
            }
            let declared = walk.locals.clone();
            let value = assign.map(|assign| &assign.value);
            for body in bodies {
                walk.locals.clone_from(&declared);
                walk.declare_in(&body.query);
                walk.query(&body.query);
                for expression in body.assign.iter().map(|assign| &assign.value).chain(key).chain(value) {
                    walk.expression(expression);
                }
            }
            if bodies.is_empty() {
                key.into_iter().chain(value).for_each(|expression| walk.expression(expression));
            }
            let kind = match head {
                RuleHead::Compr { .. } => RuleKind::Value,
                RuleHead::Set { .. } => RuleKind::Set,
                RuleHead::Func { args, .. } => RuleKind::Function(args.len()),
            };
            Rule {
                name: rule_name(rule),
                kind,
                line: span.line,
                is_empty_literal: bodies.iter().all(|body| body.query.stmts.is_empty())
                    && value.is_some_and(is_empty_literal),
                uses: walk.uses,
            }
        }
    }
}

/// The name that a rule's path begins with.
pub(super) fn rule_name(rule: &syntax::Rule) -> String {
    let refr = match rule {
        syntax::Rule::Default { refr, .. } => refr,
        syntax::Rule::Spec { head, .. } => parts(head).0,
    };
    static_path(refr).0.into_iter().next().unwrap_or_default()
}

pub(super) type Expression = Ref<Expr>;
pub(super) type HeadParts<'a> =
    (&'a Expression, &'a [Expression], Option<&'a Expression>, Option<&'a syntax::RuleAssign>);

pub(super) fn parts(head: &RuleHead) -> HeadParts<'_> {
    match head {
        RuleHead::Compr { refr, assign, .. } => (refr, &[], None, assign.as_ref()),
        RuleHead::Set { refr, key, .. } => (refr, &[], key.as_ref(), None),
        RuleHead::Func { refr, args, assign, .. } => (refr, args, None, assign.as_ref()),
    }
}

fn is_empty_literal(expression: &Expression) -> bool {
    match expression.as_ref() {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.is_empty(),
        Expr::Object { fields, .. } => fields.is_empty(),
        _ => false,
    }
}

/// The leading parts of a reference that are written out, and whether they are all of it.
pub(super) fn static_path(expression: &Expression) -> (Vec<String>, bool) {
    match expression.as_ref() {
        Expr::Var { span, .. } => (vec![span.text().to_owned()], true),
        Expr::RefDot { refr, field, .. } => extend(refr, Some(field.0.text())),
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { value, .. } => extend(refr, value.as_string().ok().map(AsRef::as_ref)),
            _ => extend(refr, None),
        },
        _ => (Vec::new(), false),
    }
}

/// Where a reference starts; its own place is its last dot or bracket.
pub(super) fn start(reference: &Expression) -> &Expression {
    let mut start = reference;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = start.as_ref() {
        start = refr;
    }
    start
}

fn extend(base: &Expression, part: Option<&str>) -> (Vec<String>, bool) {
    let (mut path, complete) = static_path(base);
    match part {
        Some(part) if complete => {
            path.push(part.to_owned());
            (path, true)
        }
        _ => (path, false),
    }
}

/// Collects what expressions use, leaving out the variables of the body at hand.
#[derive(Default)]
struct Walk {
    locals: BTreeSet<String>,
    uses: Vec<Use>,
}

impl Walk {
    fn declare(&mut self, pattern: &Expression) {
        match pattern.as_ref() {
            Expr::Var { span, .. } => {
                self.locals.insert(span.text().to_owned());
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.declare(item)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| self.declare(value)),
            _ => {}
        }
    }

    /// Declares the variables of a body, not those of the comprehensions in it.
    fn declare_in(&mut self, query: &Ref<Query>) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => {
                    self.locals.extend(vars.iter().map(|span| span.text().to_owned()));
                }
                Literal::SomeIn { key, value, .. } => {
                    if let Some(key) = key {
                        self.declare(key);
                    }
                    self.declare(value);
                }
                Literal::Expr { expr, .. } => {
                    if let Expr::AssignExpr { op: syntax::AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                        self.declare(lhs);
                    }
                }
                Literal::NotExpr { .. } | Literal::Every { .. } => {}
            }
        }
    }

    fn query(&mut self, query: &Ref<Query>) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    self.expressions(key);
                    self.expression(value);
                    self.expression(collection);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expression(expr),
                Literal::Every { key, value, domain, query, .. } => {
                    self.expression(domain);
                    let names = key.iter().chain([value]).map(|span| span.text().to_owned()).collect();
                    self.nested(names, &[query], &[]);
                }
            }
            statement.with_mods.iter().for_each(|with| self.expression(&with.r#as));
        }
    }

    /// Walks what has variables of its own: comprehensions and `every`.
    fn nested(&mut self, names: Vec<String>, queries: &[&Ref<Query>], terms: &[&Expression]) {
        let outer = self.locals.clone();
        self.locals.extend(names);
        for query in queries {
            self.declare_in(query);
            self.query(query);
        }
        self.expressions(terms.iter().copied());
        self.locals = outer;
    }

    fn expressions<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expression>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression.as_ref() {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expression),
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.expression(item)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
                self.expression(key);
                self.expression(value);
            }),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.nested(Vec::new(), &[query], &[term]);
            }
            Expr::ObjectCompr { key, value, query, .. } => self.nested(Vec::new(), &[query], &[key, value]),
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr, .. } => self.expression(expr),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                self.expressions(key);
                self.expression(value);
                self.expression(collection);
            }
        }
    }

    fn reference(&mut self, expression: &Expression) {
        let (path, _) = static_path(expression);
        let is_local = path.first().is_some_and(|root| self.locals.contains(root));
        if !path.is_empty() && !is_local {
            let span = start(expression).span();
            self.uses.push(Use { path, line: span.line, column: span.col, call: None });
        }
        self.inside_reference(expression);
    }

    /// Walks the indices of a reference, and its base if that is no plain variable.
    fn inside_reference(&mut self, expression: &Expression) {
        match expression.as_ref() {
            Expr::RefDot { refr, .. } => self.inside_reference(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.inside_reference(refr);
                self.expression(index);
            }
            Expr::Var { .. } => {}
            _ => self.expression(expression),
        }
    }

    fn call(&mut self, function: &Expression, arguments: &[Expression]) {
        let (path, _) = static_path(function);
        let text = arguments.first().and_then(|argument| match argument.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                value.as_string().ok().map(std::string::ToString::to_string)
            }
            _ => None,
        });
        let list = arguments.get(1).and_then(|argument| match argument.as_ref() {
            Expr::Array { items, .. } => Some(items.len()),
            _ => None,
        });
        let call = Some(Call { arguments: arguments.len(), text, list });
        let span = start(function).span();
        self.uses.push(Use { path, line: span.line, column: span.col, call });
        self.expressions(arguments);
    }
}
