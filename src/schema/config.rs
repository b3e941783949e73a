//! The shape of a configuration, as `engine::config::read` takes it.

#![expect(dead_code, reason = "the shape is the schema")]

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::{FailMode, Kind, LabelSelector, Severity};

/// A configuration of Portcullis: which policy is enforced where, with which parameters, and who is exempt until when.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Config {
    api_version: ApiVersion,
    kind: ConfigKind,
    /// Changes to policies, in order; the last that fits wins, field by field.
    overrides: Option<Vec<Override>>,
    /// Violations that somebody answers for, for a time.
    exemptions: Option<Vec<Exemption>>,
    /// Whether exemptions may match labels of the object, which its own author sets.
    trust_labels: Option<bool>,
    /// Whether a mutated object says by the annotation portcullis.dev/mutated-by whose work it is.
    annotate_mutations: Option<bool>,
}

/// The version of this format.
#[derive(JsonSchema)]
enum ApiVersion {
    #[schemars(rename = "portcullis.dev/v1alpha1")]
    V1alpha1,
}

/// What this document is.
#[derive(JsonSchema)]
enum ConfigKind {
    Config,
}

/// A change to some policies, in some namespaces.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Override {
    /// Which policies; all if left out.
    select: Option<Select>,
    /// Where; everywhere if left out.
    #[schemars(rename = "where")]
    place: Option<Where>,
    /// What changes.
    set: Set,
}

/// Which policies. Each list that is given must fit.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Select {
    /// Names of policies; * stands for any text.
    policies: Option<Vec<String>>,
    /// Controls of published standards; * stands for any text.
    controls: Option<Vec<String>>,
    /// Severities.
    severities: Option<Vec<Severity>>,
}

/// Which namespaces. Everything that is given must fit.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Where {
    /// Namespaces by name; * stands for any text.
    namespaces: Option<Vec<String>>,
    /// Namespaces by label.
    namespace_selector: Option<LabelSelector>,
}

/// What changes.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Set {
    enforcement: Option<Enforcement>,
    on_error: Option<FailMode>,
    /// Parameters by name; each replaces the one before.
    parameters: Option<Map<String, Value>>,
}

/// What follows from a violation.
struct Enforcement;

impl JsonSchema for Enforcement {
    fn schema_name() -> Cow<'static, str> {
        "Enforcement".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // What YAML 1.1 makes of a bare `off` is taken as off.
        schemars::json_schema!({
            "enum": ["deny", "warn", "audit", "off", false],
            "description": "What follows from a violation: refused, warned of, counted and logged only, not looked for."
        })
    }
}

/// Violations that somebody answers for, for a time.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Exemption {
    /// From which policies; * stands for any text.
    policies: Vec<String>,
    /// For which requests.
    #[schemars(rename = "match")]
    matches: Match,
    /// The team that answers for it.
    owner: Option<String>,
    /// Why, with a ticket.
    reason: Option<String>,
    /// The last day it holds, in UTC.
    #[schemars(extend("format" = "date"))]
    expires: Option<String>,
}

/// For which requests. Everything that is given must fit.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Match {
    /// Namespaces by name; * stands for any text.
    namespaces: Option<Vec<String>>,
    /// Namespaces by label.
    namespace_selector: Option<LabelSelector>,
    /// Kinds as requested: a Job's exemption is not its Pods'.
    kinds: Option<Vec<Kind>>,
    /// Names of objects.
    names: Option<Vec<String>>,
    /// Images: the violations of a container that runs one, no others.
    images: Option<Vec<String>>,
    /// Users.
    users: Option<Vec<String>>,
    /// Groups; one in common is enough.
    groups: Option<Vec<String>>,
    /// Labels of the object; holds under trustLabels only.
    labels: Option<LabelSelector>,
}
