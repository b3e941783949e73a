//! `policy list`: the policies in force and what each says of itself.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::{CLEAN, Format, FormatArgs, PolicyArgs, output};
use crate::engine::metadata::Need;
use crate::engine::policy::Policy;
use crate::engine::policy_set::PolicySet;
use crate::engine::rego::{Dialect, Value};
use crate::engine::scope::Scope;
use crate::engine::violation::{Enforcement, FailMode, Severity};
use crate::source::{Loaded, profile};

/// Show the policies in force: what each is for, how it is enforced, its parameters.
///
/// Enforcement and parameters are shown as configured everywhere; overrides for some namespaces are not.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Serialize)]
struct Listing<'a> {
    revision: &'a str,
    profile: Option<&'a str>,
    policies: Vec<Listed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    description: &'a str,
    severity: Severity,
    enforcement: Enforcement,
    on_error: FailMode,
    /// What it does: `deny`, `warn`, `mutate`.
    rules: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation: Option<Mutates>,
    #[serde(rename = "match")]
    scope: Matches<'a>,
    needs: &'a [Need],
    controls: &'a [String],
    parameters: Value,
    rego_version: Dialect,
    related_resources: &'a [String],
    file: &'a str,
}

/// When and where a policy mutates.
#[derive(Serialize)]
struct Mutates {
    priority: u64,
    operations: Vec<&'static str>,
    templates: bool,
}

#[derive(Serialize)]
struct Matches<'a> {
    kinds: Vec<String>,
    operations: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    subresources: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
}

impl<'a> Matches<'a> {
    fn of(scope: &'a Scope) -> Self {
        let texts = |patterns: &'a [crate::engine::pattern::Pattern]| {
            patterns.iter().map(super::super::engine::pattern::Pattern::as_str).collect()
        };
        Self {
            kinds: scope.kinds.iter().map(ToString::to_string).collect(),
            operations: scope.operations.iter().map(|operation| operation.as_str()).collect(),
            subresources: &scope.sub_resources,
            namespaces: texts(&scope.namespaces),
            users: texts(&scope.users),
            groups: texts(&scope.groups),
        }
    }
}

impl<'a> Listed<'a> {
    fn of(policy: &'a Policy, set: &PolicySet) -> Self {
        let settings = set.settings_everywhere(policy);
        let metadata = &policy.metadata;
        Self {
            name: &policy.name,
            title: &metadata.title,
            description: metadata.description.trim(),
            severity: metadata.severity,
            enforcement: settings.enforcement,
            on_error: settings.on_error,
            rules: policy.entrypoints().collect(),
            mutation: policy.mutates().then(|| Mutates {
                priority: metadata.priority,
                operations: metadata.scope.mutates_on.iter().map(|operation| operation.as_str()).collect(),
                templates: metadata.scope.templates.unwrap_or(false),
            }),
            scope: Matches::of(&metadata.scope),
            needs: &metadata.needs,
            controls: &metadata.controls,
            parameters: settings.parameters,
            rego_version: policy.dialect,
            related_resources: &metadata.related_resources,
            file: &policy.file,
        }
    }
}

pub(super) fn run(arguments: &ListArgs) -> anyhow::Result<u8> {
    let Loaded { set, profile, .. } = arguments.policies.location().load()?;
    let policies = set.policies().iter().map(|policy| Listed::of(policy, &set)).collect();
    let listing = Listing { revision: set.revision(), profile: profile.as_deref(), policies };
    match arguments.format.format {
        Format::Json => output::json(&listing)?,
        Format::Text => output::result(&text(&listing)?)?,
    }
    Ok(CLEAN)
}

fn text(listing: &Listing<'_>) -> anyhow::Result<String> {
    let mut text = String::new();
    for policy in &listing.policies {
        writeln!(text, "{}: {}", policy.name, policy.title)?;
        writeln!(text, "  {} severity, {}, on_error {}", policy.severity, policy.enforcement, policy.on_error)?;
        writeln!(text, "  matches     {} on {}", policy.scope.kinds.join(", "), policy.scope.operations.join(", "))?;
        if let Some(mutation) = &policy.mutation {
            let templates = if mutation.templates { ", templates too" } else { "" };
            let operations = mutation.operations.join(", ");
            writeln!(text, "  mutates     on {operations}, priority {}{templates}", mutation.priority)?;
        }
        if !policy.needs.is_empty() {
            writeln!(text, "  needs       {}", serde_json::to_string(policy.needs)?)?;
        }
        if !policy.controls.is_empty() {
            writeln!(text, "  controls    {}", policy.controls.join(", "))?;
        }
        if policy.parameters.as_object().is_ok_and(|fields| !fields.is_empty()) {
            writeln!(text, "  parameters  {}", serde_json::to_string(&policy.parameters)?)?;
        }
        writeln!(
            text,
            "  rego        {}, {}",
            serde_json::to_string(&policy.rego_version)?.trim_matches('"'),
            policy.file
        )?;
    }
    writeln!(
        text,
        "{} policies, profile {}, revision {}",
        listing.policies.len(),
        listing.profile.unwrap_or(profile::NONE),
        listing.revision
    )?;
    Ok(text)
}
