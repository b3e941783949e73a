//! What is unwise in policies and configuration that can be loaded all the same: the rules of `policy check`.

mod contract;
mod fields;
mod follow;
mod input;
mod page;
mod rule;
mod seen;
mod shape;
mod suppress;
mod unreached;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::bundle::Bundle;
use super::config::{Config, advise};
use super::policy::Policy;
use super::rego::tree::Tree;
use super::rego::{self, Outline};
use super::source::{Source, SourceError};

pub use fields::builtin_kind;
pub use page::page;
pub use rule::{Example, RULES, Rule, RuleId, Weight, closest, find};

use follow::Unit;
use input::Input;
use seen::{Place, Seen, Wrong};
use suppress::Suppression;

/// A module, read once more to be looked at closely.
struct Module<'a> {
    source: &'a Source,
    outline: Outline,
    tree: Tree,
}

/// Remarks on the policies of a bundle, by file and line. `has_suite` tells whether a suite lies beside a policy's
/// file.
pub fn policies(bundle: &Bundle, has_suite: &dyn Fn(&str) -> bool) -> Vec<SourceError> {
    let modules: Vec<Module<'_>> = bundle.sources.iter().filter_map(read).collect();
    let is_policy = |module: &Module<'_>| bundle.policies.iter().any(|policy| policy.file == module.source.file);
    let libraries: Vec<&Module<'_>> = modules.iter().filter(|module| !is_policy(module)).collect();
    let mut remarks = Vec::new();
    let mut sightings = Sightings::default();
    let mut suppressions: Vec<Suppression> =
        modules.iter().flat_map(|module| suppress::read(&module.source.file, &module.source.text)).collect();
    for policy in &bundle.policies {
        let Some(main) = modules.iter().find(|module| module.source.file == policy.file) else { continue };
        suppressions.extend(contract::ignored(policy));
        remarks.extend(contract::check(policy, main, bundle, has_suite(&policy.file)));
        remarks.extend(look(policy, main, &libraries, &mut sightings));
    }
    remarks.extend(sightings.remarks());
    let mut remarks = suppress::apply(&suppressions, remarks);
    remarks.sort_by(|a, b| order(a).cmp(&order(b)));
    // Policies that share a library share what is wrong with it.
    remarks.dedup();
    remarks
}

/// Remarks on a configuration, `sources` being what it was read from and `today` `YYYY-MM-DD` in UTC.
pub fn configuration(config: &Config, sources: &[Source], today: &str) -> Vec<SourceError> {
    let suppressions: Vec<Suppression> =
        sources.iter().flat_map(|source| suppress::read_yaml(&source.file, &source.text)).collect();
    suppress::apply(&suppressions, advise(config, today))
}

fn order(remark: &SourceError) -> (&str, u32, u32, Option<RuleId>) {
    (&remark.file, remark.line, remark.column, remark.rule)
}

/// What was loaded can be read again; what cannot is not looked at.
fn read(source: &Source) -> Option<Module<'_>> {
    let outline = rego::parse(source).ok()?;
    let tree = rego::parse_tree(source, outline.dialect).ok()?;
    Some(Module { source, outline, tree })
}

/// What every policy saw at a place: a library's is fine if one of them shows so.
#[derive(Default)]
struct Sightings {
    all: BTreeMap<(String, Place, RuleId), Option<Wrong>>,
}

impl Sightings {
    fn add(&mut self, units: &[Unit<'_>], seen: &Seen) {
        for (place, rule, wrong) in seen.sightings() {
            let Some(unit) = units.get(place.unit) else { continue };
            let key = (unit.source.file.to_string(), Place { unit: 0, ..place }, rule);
            match wrong {
                Some(wrong) => drop(self.all.entry(key).or_insert_with(|| Some(wrong.clone()))),
                None => drop(self.all.insert(key, None)),
            }
        }
    }

    fn remarks(self) -> impl Iterator<Item = SourceError> {
        self.all.into_iter().filter_map(|((file, place, rule), wrong)| {
            let wrong = wrong?;
            Some(SourceError::at(&file.into(), place.line, place.column, wrong.message).fix(wrong.fix).of(rule))
        })
    }
}

/// Follows one policy, and gives the remarks that concern it alone.
fn look(policy: &Policy, main: &Module<'_>, libraries: &[&Module<'_>], sightings: &mut Sightings) -> Vec<SourceError> {
    let units: Vec<Unit<'_>> =
        [main].into_iter().chain(libraries.iter().copied()).map(|m| Unit { source: m.source, tree: &m.tree }).collect();
    let input = Input::of(&policy.metadata.scope);
    let declared = contract::Parameters::of(main.source);
    let seen = follow::follow(&units, &input, &declared.closed());
    sightings.add(&units, &seen);
    let mut remarks = declared.unused(&seen, &policy.file);
    remarks.extend(contract::lists(&seen, &input, &units));
    remarks
}
