//! A policy: its contract and its rules, compiled and proven.

use std::sync::Arc;
use std::time::Duration;

use super::guard;
use super::metadata::{self, Metadata};
use super::mutate::operation::{OperationError, Operations};
use super::rego::coverage::Coverage;
use super::rego::{self, Dialect, EvaluationError, Firing, Outline, Program, RuleKind, Value};
use super::source::{Source, SourceError};
use super::violation::{Enforcement, ShapeError, Violation};

/// How long the first evaluation, which proves a policy at load, may take. It prepares the engine as well.
const PROOF_LIMIT: Duration = Duration::from_secs(2);

/// A policy, ready to judge. Immutable, and cheap to share.
#[derive(Debug)]
pub struct Policy {
    /// Its name, unique in a set.
    pub name: Arc<str>,
    /// The file it was read from.
    pub file: Arc<str>,
    /// The dialect of Rego it is written in.
    pub dialect: Dialect,
    /// Its contract.
    pub metadata: Metadata,
    rules: Vec<Entrypoint>,
    paths: Vec<String>,
    /// The path of its rule `mutate`, if it has one.
    mutate: Option<String>,
    program: Program,
}

/// A rule that judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrypoint {
    Deny,
    Warn,
}

/// A violation and the definition of `deny` or `warn` that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The violation.
    pub violation: Violation,
    /// `deny` or `warn`.
    pub rule: &'static str,
    /// The definition, with what made it true.
    pub firing: Firing,
}

/// Why a policy has no verdict on a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Its evaluation failed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// It yielded what is no violation.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// It yielded what is no operation.
    #[error(transparent)]
    Operation(#[from] OperationError),
}

impl Entrypoint {
    const ALL: [Self; 2] = [Self::Deny, Self::Warn];

    fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
        }
    }

    /// What follows from a violation of this rule in a policy enforced so.
    fn enforcement(self, policy: Enforcement) -> Enforcement {
        match self {
            Self::Deny => policy,
            Self::Warn => policy.min(Enforcement::Warn),
        }
    }
}

/// A module with its outline, and whether it is a library.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its text.
    pub source: Source,
    /// What it says.
    pub outline: Outline,
}

impl Module {
    /// Parses a text.
    pub fn parse(source: Source) -> Result<Self, SourceError> {
        let outline = rego::parse(&source)?;
        Ok(Self { source, outline })
    }
}

/// Compiles modules into one program, after the guards have seen them together.
pub fn link<'a>(modules: impl IntoIterator<Item = &'a Module> + Clone) -> Result<Program, SourceError> {
    link_for(modules, None)
}

/// The same; `coverage`, if any, learns which lines the program's evaluations reach.
pub fn link_for<'a>(
    modules: impl IntoIterator<Item = &'a Module> + Clone,
    coverage: Option<&Coverage>,
) -> Result<Program, SourceError> {
    let seen: Vec<guard::Module<'_>> =
        modules.clone().into_iter().map(|module| (&module.source, &module.outline)).collect();
    guard::check(&seen)?;
    let modules = modules.into_iter().map(|module| (&module.source, module.outline.dialect));
    match coverage {
        None => Program::compile(modules),
        Some(coverage) => Program::observed(modules, coverage),
    }
}

impl Policy {
    /// Makes a policy of its module and the libraries it may import, and proves it by evaluating it on `sample`, an
    /// ordinary Pod. `fallback_name` names it if its package does not.
    pub fn new(main: &Module, libraries: &[Module], fallback_name: &str, sample: &Value) -> Result<Self, SourceError> {
        let outline = &main.outline;
        let (rules, mutates) = entrypoints(main)?;
        let name = match outline.package.as_slice() {
            [policies, name] if policies == "policies" => name.as_str(),
            _ => fallback_name,
        };
        if !is_name(name) {
            let message = format!("policy would be named {name:?}, which is no name for logs and metrics");
            return Err(SourceError::whole(&main.source.file, message)
                .fix("name its file or directory with letters, digits, _, - and . only"));
        }
        let metadata = match metadata::read(&main.source)? {
            Some(metadata) => metadata,
            None if outline.dialect == Dialect::V0 => Metadata::unstated(name),
            None => return Err(without_metadata(main)),
        };
        let package = outline.package.join(".");
        let paths: Vec<String> = rules.iter().map(|rule| format!("data.{package}.{}", rule.name())).collect();
        let policy = Self {
            name: Arc::from(name),
            file: Arc::clone(&main.source.file),
            dialect: outline.dialect,
            metadata,
            rules,
            paths,
            mutate: mutates.then(|| format!("data.{package}.{MUTATE}")),
            program: link(libraries.iter().chain([main]))?,
        };
        policy.proven(main, sample)
    }

    /// Evaluates once, so that the engine is prepared and what it finds wrong only then is found now.
    fn proven(mut self, main: &Module, sample: &Value) -> Result<Self, SourceError> {
        let mut input = sample.clone();
        if let Ok(fields) = input.as_object_mut() {
            fields.insert(Value::from("parameters"), self.metadata.parameters.clone());
        }
        let rules: Vec<&String> = self.paths.iter().chain(&self.mutate).collect();
        self.program = self.program.clone().prepared(&rules, input.clone(), PROOF_LIMIT);
        let is_for_pods = self.metadata.scope.view(&super::scope::pod()).is_some();
        let mutated = self.operations(input.clone(), PROOF_LIMIT).map(drop);
        match mutated.and_then(|()| self.evaluate(input, Enforcement::Audit, PROOF_LIMIT)) {
            Err(error) if is_for_pods => {
                let message = format!("policy cannot be evaluated on an ordinary Pod: {error}");
                Err(SourceError::whole(&main.source.file, message))
            }
            Ok(_) | Err(_) => Ok(self),
        }
    }

    /// The same policy compiled anew, so that `coverage` learns which lines its verdicts reach. `main` and `libraries`
    /// are what it was made of.
    pub fn observed(&self, main: &Module, libraries: &[Module], coverage: &Coverage) -> Result<Self, SourceError> {
        let program = link_for(libraries.iter().chain([main]), Some(coverage))?;
        let rules: Vec<&String> = self.paths.iter().chain(&self.mutate).collect();
        Ok(Self {
            name: Arc::clone(&self.name),
            file: Arc::clone(&self.file),
            dialect: self.dialect,
            metadata: self.metadata.clone(),
            rules: self.rules.clone(),
            paths: self.paths.clone(),
            mutate: self.mutate.clone(),
            program: program.prepared(&rules, Value::new_object(), PROOF_LIMIT),
        })
    }

    /// Whether it has a rule that judges: `deny` or `warn`.
    pub fn judges(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether it has a rule `mutate`.
    pub fn mutates(&self) -> bool {
        self.mutate.is_some()
    }

    /// The names of the rules that the host evaluates.
    pub fn entrypoints(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().map(|rule| rule.name()).chain(self.mutate.is_some().then_some(MUTATE))
    }

    /// What it would change of an input, within a time limit; nothing if it has no rule `mutate`.
    pub fn operations(&self, input: Value, limit: Duration) -> Result<Operations, PolicyError> {
        let Some(rule) = &self.mutate else { return Ok(Operations::default()) };
        let values = self.program.evaluate(std::slice::from_ref(rule), input, limit)?;
        Ok(Operations::read(values.first().unwrap_or(&Value::Undefined))?)
    }

    /// The violations of an input, under an enforcement, within a time limit.
    pub fn evaluate(
        &self,
        input: Value,
        enforcement: Enforcement,
        limit: Duration,
    ) -> Result<Vec<Violation>, PolicyError> {
        let values = self.program.evaluate(&self.paths, input, limit)?;
        let mut violations = Vec::new();
        for (rule, value) in self.rules.iter().zip(&values) {
            violations.extend(Violation::read(value, rule.name(), rule.enforcement(enforcement))?);
        }
        Ok(violations)
    }

    /// How [`Self::evaluate`] came by its violations. It takes several times as long, and leaves out the rules of which
    /// it cannot be told for certain.
    pub fn fired(&self, input: &Value, enforcement: Enforcement, limit: Duration) -> Vec<Fired> {
        let mut fired = Vec::new();
        for rule in &self.rules {
            let firings = self.program.fired(&self.file, rule.name(), input, limit).unwrap_or_default();
            fired.extend(firings.into_iter().filter_map(|firing| {
                let violation = Violation::read_one(&firing.value, rule.enforcement(enforcement))?;
                Some(Fired { violation, rule: rule.name(), firing })
            }));
        }
        fired
    }
}

/// Names stand in metric labels and, comma-separated, in audit annotations.
fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=100).contains(&name.len()) && name.bytes().all(known)
}

fn without_metadata(main: &Module) -> SourceError {
    SourceError::at(&main.source.file, main.outline.package_line, 0, "policy has no METADATA").fix(
        "write above the package: # METADATA, # title: …, # custom:, #   severity: high, #   match: {kinds: [Pod]}",
    )
}

/// The rule that yields operations.
const MUTATE: &str = "mutate";

/// The rules that the host evaluates: sets named `deny`, `warn` and `mutate`, at least one, none of them empty. Those that
/// judge, and whether there is one that mutates.
fn entrypoints(main: &Module) -> Result<(Vec<Entrypoint>, bool), SourceError> {
    let mut judging = Vec::new();
    for entrypoint in Entrypoint::ALL {
        if is_defined(main, entrypoint.name(), "denies")? {
            judging.push(entrypoint);
        }
    }
    let mutates = is_defined(main, MUTATE, "changes")?;
    if judging.is_empty() && !mutates {
        let message = "policy has no rule named deny, warn or mutate";
        return Err(SourceError::at(&main.source.file, main.outline.package_line, 0, message)
            .fix(format!("write `{}`; a library belongs into a directory named lib", how(main, "deny"))));
    }
    Ok((judging, mutates))
}

/// How a rule is written in the module's dialect.
fn how(main: &Module, name: &str) -> String {
    let item = if name == MUTATE { "operation" } else { "violation" };
    match main.outline.dialect {
        Dialect::V0 => format!("{name}[{}] {{ … }}", if name == MUTATE { item } else { "msg" }),
        Dialect::V1 => format!("{name} contains {item} if {{ … }}"),
    }
}

/// Whether a module has a rule of this name, and if so a set that may hold something.
fn is_defined(main: &Module, name: &str, does: &str) -> Result<bool, SourceError> {
    let rules: Vec<_> = main.outline.rules.iter().filter(|rule| rule.name == name).collect();
    let refuse =
        |line: u32, message: String, fix: String| Err(SourceError::at(&main.source.file, line, 0, message).fix(fix));
    if let Some(rule) = rules.iter().find(|rule| rule.is_empty_literal) {
        let message = format!("rule {name} is empty and {does} nothing");
        return refuse(rule.line, message, format!("write `{}`, or leave it out", how(main, name)));
    }
    if let Some(rule) = rules.iter().find(|rule| rule.kind != RuleKind::Set) {
        let of = if name == MUTATE { "operations" } else { "violations" };
        return refuse(rule.line, format!("rule {name} is not a set of {of}"), format!("write `{}`", how(main, name)));
    }
    Ok(!rules.is_empty())
}
