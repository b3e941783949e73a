//! A policy: its contract and its rules, compiled and proven.

use std::sync::Arc;
use std::time::Duration;

use super::guard;
use super::metadata::{self, Metadata};
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
    program: Program,
}

/// A rule that the host evaluates.
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
        let rules = entrypoints(main)?;
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
        self.program = self.program.clone().prepared(&self.paths, input.clone(), PROOF_LIMIT);
        let judges_pods = self.metadata.scope.view(&super::scope::pod()).is_some();
        match self.evaluate(input, Enforcement::Audit, PROOF_LIMIT) {
            Err(error) if judges_pods => {
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
        Ok(Self {
            name: Arc::clone(&self.name),
            file: Arc::clone(&self.file),
            dialect: self.dialect,
            metadata: self.metadata.clone(),
            rules: self.rules.clone(),
            paths: self.paths.clone(),
            program: program.prepared(&self.paths, Value::new_object(), PROOF_LIMIT),
        })
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

/// The rules that the host evaluates: sets named `deny` and `warn`, at least one, none of them empty.
fn entrypoints(main: &Module) -> Result<Vec<Entrypoint>, SourceError> {
    let file = &main.source.file;
    let outline = &main.outline;
    let how = match outline.dialect {
        Dialect::V0 => "deny[msg] { … }",
        Dialect::V1 => "deny contains violation if { … }",
    };
    let mut found = Vec::new();
    for entrypoint in Entrypoint::ALL {
        let name = entrypoint.name();
        let rules: Vec<_> = outline.rules.iter().filter(|rule| rule.name == name).collect();
        if let Some(rule) = rules.iter().find(|rule| rule.is_empty_literal) {
            return Err(SourceError::at(file, rule.line, 0, format!("rule {name} is empty and denies nothing"))
                .fix(format!("write `{how}`, or leave it out")));
        }
        if let Some(rule) = rules.iter().find(|rule| rule.kind != RuleKind::Set) {
            return Err(SourceError::at(file, rule.line, 0, format!("rule {name} is not a set of violations"))
                .fix(format!("write `{}`", how.replace("deny", name))));
        }
        if !rules.is_empty() {
            found.push(entrypoint);
        }
    }
    if found.is_empty() {
        return Err(SourceError::at(file, outline.package_line, 0, "policy has no rule named deny or warn")
            .fix(format!("write `{how}`; a library belongs into a directory named lib")));
    }
    Ok(found)
}
