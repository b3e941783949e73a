//! Rules that decide nothing: reached neither from what the host evaluates nor from tests.

use std::collections::BTreeSet;

use super::super::bundle::Bundle;
use super::super::rego::Outline;
use super::super::source::SourceError;
use super::Module;
use super::follow::ENTRYPOINTS;
use super::rule::RuleId;

/// What a path means to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning<'a> {
    /// One of its rules.
    Rule(&'a str),
    /// The package, of which any rule may be meant.
    Whole,
    /// Nothing of it.
    Other,
}

/// Remarks on the rules of a policy's module that nothing reaches.
pub(super) fn rules(main: &Module<'_>, bundle: &Bundle) -> Vec<SourceError> {
    let package = &main.outline.package;
    let mut reached: BTreeSet<&str> = ENTRYPOINTS.into();
    for test in &bundle.tests {
        match referenced(&test.module.outline, package) {
            Some(names) => reached.extend(names),
            None => return Vec::new(),
        }
    }
    let mut open: Vec<&str> = reached.iter().copied().collect();
    while let Some(name) = open.pop() {
        let uses = main.outline.rules.iter().filter(|rule| rule.name == name).flat_map(|rule| &rule.uses);
        for used in uses {
            match meaning(&main.outline, package, &used.path) {
                Meaning::Rule(next) if reached.insert(next) => open.push(next),
                Meaning::Rule(_) | Meaning::Other => {}
                Meaning::Whole => return Vec::new(),
            }
        }
    }
    let mut told = BTreeSet::new();
    let unused = main.outline.rules.iter().filter(|rule| !reached.contains(rule.name.as_str()));
    unused
        .filter(|rule| told.insert(&rule.name))
        .map(|rule| {
            let message = format!("rule {} is reached by none of {}", rule.name, ENTRYPOINTS.join(", "));
            SourceError::at(&main.source.file, rule.line, 0, message).fix("use it or remove it").of(RuleId::UnusedRule)
        })
        .collect()
}

/// The rules of a package that a module refers to; nothing if any may be meant.
fn referenced<'a>(outline: &'a Outline, package: &[String]) -> Option<Vec<&'a str>> {
    let uses = outline.rules.iter().flat_map(|rule| &rule.uses).map(|used| meaning(outline, package, &used.path));
    // To import the package as a whole is not yet to use it.
    let imports = outline.imports.iter().map(|import| behind(&import.path, package));
    let meanings: Vec<_> = uses.chain(imports.filter(|meaning| *meaning != Meaning::Whole)).collect();
    let name = |meaning: &Meaning<'a>| if let Meaning::Rule(name) = meaning { Some(*name) } else { None };
    (!meanings.contains(&Meaning::Whole)).then(|| meanings.iter().filter_map(name).collect())
}

/// What a path written in a module means to a package.
fn meaning<'a>(outline: &'a Outline, package: &[String], path: &'a [String]) -> Meaning<'a> {
    let Some((root, rest)) = path.split_first() else { return Meaning::Other };
    if root == "data" {
        return behind(path, package);
    }
    if let Some(import) = outline.imports.iter().find(|import| import.alias == *root) {
        return match (behind(&import.path, package), rest.first()) {
            // What is imported may be a package around this one.
            (Meaning::Whole, Some(name)) if import.path.len() > package.len() => Meaning::Rule(name),
            (meaning, _) => meaning,
        };
    }
    if outline.package == package { Meaning::Rule(root) } else { Meaning::Other }
}

/// What a path that begins with `data` means to a package.
fn behind<'a>(path: &'a [String], package: &[String]) -> Meaning<'a> {
    let Some((_, inner)) = path.split_first().filter(|(root, _)| *root == "data") else { return Meaning::Other };
    let shared = inner.len().min(package.len());
    if inner.get(..shared) != package.get(..shared) {
        return Meaning::Other;
    }
    inner.get(package.len()).map_or(Meaning::Whole, |name| Meaning::Rule(name))
}
