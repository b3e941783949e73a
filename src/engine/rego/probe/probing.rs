//! A program with one module more, whose rules yield what the others keep to themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::outline::{rule_name, static_path};
use super::super::syntax::{Module, Ref};
use super::super::{Program, Value};
use super::body::{Local, Operand};
use super::script::Script;

/// What the names of the added rules and variables begin with. Where a module uses it, nothing is added.
const PREFIX: &str = "__portcullis_";

/// The name of the added module.
const FILE: &str = "probe";

/// A module of a program about which there are questions.
pub(super) struct Probing {
    program: Program,
    module: Ref<Module>,
}

/// A rule to add: it yields a row for each way in which its statements hold.
#[derive(Default)]
pub(super) struct Probe<'a> {
    /// The statements as written.
    pub(super) statements: Vec<&'a str>,
    /// What its original puts into the set, as written.
    pub(super) key: Option<&'a str>,
    /// The variables to tell.
    pub(super) locals: &'a [Local],
    /// The operands to tell.
    pub(super) operands: &'a [Operand],
}

/// What one rule yielded, once.
pub(super) struct Row {
    /// What its original puts into the set; null if that was not asked.
    pub(super) key: Value,
    /// The values of the variables asked for.
    pub(super) locals: Vec<Value>,
    /// The values of the operands asked for.
    pub(super) operands: Vec<Vec<Value>>,
}

impl Probing {
    /// Asks about the module that was read from a file.
    pub(super) fn of(program: &Program, file: &str) -> Option<Self> {
        // What is evaluated to answer questions covers nothing.
        let mut program = Program { coverage: None, ..program.clone() };
        program.engine.set_enable_coverage(false);
        let modules = program.engine.get_modules();
        let is_taken = |module: &Ref<Module>| module.package.span.source.contents().contains(PREFIX);
        if modules.iter().any(is_taken) {
            return None;
        }
        let module = modules.iter().find(|module| module.package.span.source.file() == file)?.clone();
        Some(Self { program, module })
    }

    pub(super) fn module(&self) -> &Module {
        &self.module
    }

    pub(super) fn script(&self) -> Option<Script<'_>> {
        Script::of(&self.module.package.span.source)
    }

    /// The path of a rule of the module.
    pub(super) fn path(&self, rule: &str) -> Option<String> {
        Some(format!("data.{}.{rule}", self.package()?))
    }

    /// The package's path as written.
    fn package(&self) -> Option<&str> {
        let script = self.script()?;
        Some(script.exact(&script.expression(&self.module.package.refr)?))
    }

    /// The names that are no variables in the module: its imports, and the rules of its package.
    pub(super) fn globals(&self) -> BTreeSet<String> {
        let mut engine = self.program.engine.clone();
        let package = static_path(&self.module.package.refr).0;
        let same = engine.get_modules().iter().filter(|module| static_path(&module.package.refr).0 == package);
        let mut globals: BTreeSet<String> =
            same.flat_map(|module| module.policy.iter().map(|rule| rule_name(rule))).collect();
        for import in &self.module.imports {
            let name = match &import.r#as {
                Some(alias) => Some(alias.text().to_owned()),
                None => static_path(&import.refr).0.pop(),
            };
            globals.extend(name);
        }
        globals.extend(["input", "data"].map(str::to_owned));
        globals
    }

    /// Evaluates rules on an input; nothing if one of them cannot be.
    pub(super) fn evaluate(&self, rules: &[Probe<'_>], input: &Value, limit: Duration) -> Option<Vec<Vec<Row>>> {
        let program = self.extended(rules)?;
        let paths: Option<Vec<String>> =
            (0..rules.len()).map(|index| self.path(&format!("{PREFIX}rule_{index}"))).collect();
        let values = program.evaluate(&paths?, input.clone(), limit).ok()?;
        values.iter().map(read).collect()
    }

    /// The program with the rules in it.
    fn extended(&self, rules: &[Probe<'_>]) -> Option<Program> {
        let script = self.script()?;
        let mut lines = vec![format!("package {}", self.package()?)];
        for import in &self.module.imports {
            lines.push(script.exact(&script.part(&import.span)?).to_owned());
        }
        let is_v1 = self.module.rego_v1;
        for (index, probe) in rules.iter().enumerate() {
            let name = format!("{PREFIX}rule_{index}");
            let head = if is_v1 { format!("{name} contains {PREFIX}row if") } else { format!("{name}[{PREFIX}row]") };
            lines.push(format!("{head} {{\n{}\n}}", probe.body()));
        }
        let mut program = self.program.clone();
        program.engine.set_rego_v0(!is_v1);
        program.engine.add_policy(FILE.to_owned(), lines.join("\n")).ok()?;
        Some(program)
    }
}

impl Probe<'_> {
    /// The body of the rule, which binds the row.
    fn body(&self) -> String {
        // A body that begins so is read as nothing else.
        let mut lines = vec!["true".to_owned()];
        lines.extend(self.statements.iter().map(|statement| (*statement).to_owned()));
        lines.push(format!("{PREFIX}key := {}", self.key.unwrap_or("null")));
        let name = |index: usize| format!("{PREFIX}operand_{index}");
        for (index, operand) in self.operands.iter().enumerate() {
            lines.push(format!("{} := {}", name(index), operand.values));
        }
        let locals: Vec<&str> = self.locals.iter().map(|local| local.name.as_str()).collect();
        let operands: Vec<String> = (0..self.operands.len()).map(name).collect();
        // A list a line, and an item a line in it: the engine bounds how long lines are.
        lines.push(format!("{PREFIX}row := [{PREFIX}key, [{}],\n[{}]]", locals.join(",\n"), operands.join(",\n")));
        lines.join(";\n")
    }
}

/// The rows in a rule's value.
fn read(value: &Value) -> Option<Vec<Row>> {
    value.as_set().ok()?.iter_sorted().map(read_row).collect()
}

fn read_row(row: &Value) -> Option<Row> {
    let [key, locals, operands] = row.as_array().ok()?.as_slice() else { return None };
    let operands = operands.as_array().ok()?.iter().map(|values| Some(values.as_array().ok()?.to_vec()));
    let operands: Option<Vec<Vec<Value>>> = operands.collect();
    Some(Row { key: key.clone(), locals: locals.as_array().ok()?.to_vec(), operands: operands? })
}
