//! What a policy as a whole lacks: tests, words, readers of its parameters, containers of some kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::bundle::Bundle;
use super::super::document::Node;
use super::super::metadata::read::document;
use super::super::policy::Policy;
use super::super::rego::Dialect;
use super::super::source::{Source, SourceError};
use super::follow::{Declared, Unit};
use super::input::Input;
use super::rule::RuleId;
use super::seen::Seen;
use super::suppress::Suppression;
use super::{Module, unreached};

/// The suppressions of a policy's METADATA.
pub(super) fn ignored(policy: &Policy) -> impl Iterator<Item = Suppression> {
    let ignored = policy.metadata.ignored.iter();
    ignored.map(|ignored| Suppression::of_policy(&policy.file, ignored.line, &ignored.rule, &ignored.reason))
}

/// What can be said without following anything.
pub(super) fn check(policy: &Policy, main: &Module<'_>, bundle: &Bundle, has_suite: bool) -> Vec<SourceError> {
    let remark = |message: String, fix: &str, rule| {
        SourceError::at(&policy.file, main.outline.package_line, 0, message).fix(fix).of(rule)
    };
    let name = &policy.name;
    let mut remarks = Vec::new();
    if policy.dialect == Dialect::V0 {
        let fix = "run `opa fmt --v0-v1 --write` on it";
        remarks.push(remark(format!("policy {name} is written in Rego v0"), fix, RuleId::RegoV0));
    }
    if policy.metadata.description.trim().is_empty() {
        let fix = "say in METADATA's title and description what is demanded, why, and what is left alone";
        remarks.push(remark(format!("policy {name} is not described"), fix, RuleId::Undocumented));
    }
    let has_tests = bundle.tests.iter().any(|test| directory(&test.module.source.file) == directory(&policy.file));
    if !has_tests && !has_suite {
        let fix = "write *_test.rego or suite.yaml beside it, and run policy verify";
        remarks.push(remark(format!("policy {name} has no tests"), fix, RuleId::Untested));
    }
    remarks.extend(unreached::rules(main, bundle));
    remarks
}

fn directory(file: &str) -> Option<&str> {
    file.rsplit_once('/').map(|(directory, _)| directory)
}

/// The parameters that a policy declares, each with its line.
pub(super) struct Parameters {
    lines: BTreeMap<String, u32>,
    is_closed: bool,
}

impl Parameters {
    pub(super) fn of(source: &Source) -> Self {
        let document = document(source).ok().flatten();
        let custom = document.as_ref().and_then(|node| node.get("custom"));
        let part = |name: &str| custom.and_then(|custom| custom.get(name));
        let schema = part("schema");
        let properties = schema.and_then(|schema| schema.get("properties"));
        let entries = |node: Option<&Node>| node.and_then(Node::entries).unwrap_or_default().to_vec();
        let mut lines = BTreeMap::new();
        for entry in entries(part("parameters")).into_iter().chain(entries(properties)) {
            lines.entry(entry.key.to_string()).or_insert(entry.key_place.line);
        }
        // A schema that does not list its properties lets the configuration set any.
        let is_open = |schema: &Node| {
            let more = ["patternProperties", "$ref", "allOf", "anyOf", "oneOf"];
            schema.get("properties").is_none()
                || more.iter().any(|key| schema.get(key).is_some())
                || schema.get("additionalProperties").is_some_and(|node| node.entries().is_some())
        };
        let is_closed = !schema.is_some_and(is_open);
        Self { lines, is_closed }
    }

    /// Their names, if no others can be set.
    pub(super) fn closed(&self) -> Declared {
        self.is_closed.then(|| self.lines.keys().cloned().collect())
    }

    /// Those that were not seen to be read.
    pub(super) fn unused(&self, seen: &Seen, file: &Arc<str>) -> Vec<SourceError> {
        if seen.reads_all_parameters || seen.gave_up {
            return Vec::new();
        }
        let unused = self.lines.iter().filter(|(name, _)| !seen.parameters.contains(*name));
        unused
            .map(|(name, line)| {
                SourceError::at(file, *line, 0, format!("parameter {name} is read by no rule"))
                    .fix("read it, or remove it from METADATA")
                    .of(RuleId::UnusedParameter)
            })
            .collect()
    }
}

/// Container lists read by hand: those that others should stand beside, or that the host has made already.
pub(super) fn lists(seen: &Seen, input: &Input, units: &[Unit<'_>]) -> Vec<SourceError> {
    if seen.gave_up {
        return Vec::new();
    }
    let reads = |list: &str| seen.lists.iter().any(|read| read.list == list);
    // A template has no ephemeral containers.
    let wanted = ["initContainers", "ephemeralContainers"];
    let wanted = wanted.iter().take(if input.has_bare_pods { 2 } else { 1 });
    let missed: Vec<&str> = wanted.copied().filter(|list| !reads(list)).collect();
    let is_incomplete = reads("containers") && !seen.reads_containers && !missed.is_empty();
    let remark = |read: &super::seen::ListRead| {
        let unit = units.get(read.place.unit)?;
        let (rule, message) = if is_incomplete && read.list == "containers" {
            (RuleId::MissesContainerKinds, format!("{} is read, {} not", read.shown, missed.join(" and ")))
        } else {
            (RuleId::ContainersByHand, format!("{} is read by hand", read.shown))
        };
        let fix = "iterate `some c in input.containers`: c.spec is the container, c.kind its kind, c.path its place";
        Some(SourceError::at(&unit.source.file, read.place.line, read.place.column, message).fix(fix).of(rule))
    };
    seen.lists.iter().filter_map(remark).collect()
}
