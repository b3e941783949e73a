//! The shape of a policy's METADATA, as `engine::metadata::read` takes it.

#![expect(dead_code, reason = "the shape is the schema")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Enforcement, FailMode, Kind, LabelSelector, Severity};

/// The METADATA of a policy: what it demands, of what, and how it is enforced.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Metadata {
    /// What the policy demands, in a few words.
    title: String,
    /// Why, and what it leaves alone.
    description: Option<String>,
    /// Where to read on.
    related_resources: Option<Vec<Resource>>,
    custom: Option<Custom>,
    /// OPA's; not read.
    scope: Option<Value>,
    /// OPA's; not read.
    authors: Option<Value>,
    /// OPA's; not read.
    organizations: Option<Value>,
    /// OPA's; not read.
    schemas: Option<Value>,
    /// OPA's; not read.
    entrypoint: Option<Value>,
}

/// A link, or a mapping that holds one.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Resource {
    Link(String),
    Described {
        #[schemars(rename = "ref")]
        reference: String,
    },
}

/// The contract with the host.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Custom {
    severity: Option<Severity>,
    enforcement: Option<Enforcement>,
    /// Which requests the policy is for.
    #[schemars(rename = "match")]
    matches: Option<Match>,
    /// What the policy must be told beside the request.
    needs: Option<Vec<Need>>,
    on_error: Option<FailMode>,
    /// When it mutates: lower numbers first, equal ones together; 100 if left out.
    priority: Option<u64>,
    on_conflict: Option<OnConflict>,
    /// Defaults, which configuration overrides.
    parameters: Option<Map<String, Value>>,
    /// A JSON schema that parameters must fulfil.
    schema: Option<Map<String, Value>>,
    /// Controls of published standards that it covers, such as cis/5.2.7.
    controls: Option<Vec<String>>,
    lint: Option<Lint>,
}

/// What policy check need not say of the policy.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Lint {
    /// Rules of policy check that are not heeded, each with the reason.
    ignore: Option<BTreeMap<String, String>>,
}

/// What a policy must be told.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Need {
    /// The namespace's labels and annotations, as `input.namespace`.
    Namespace,
}

/// What a mutator does where another one wants something else at the same place.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum OnConflict {
    /// Neither acts: an error of both.
    Error,
    /// It leaves the place to the other.
    Yield,
}

/// Which requests. Everything that is given must fit.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Match {
    /// Kinds; Pod stands for the templates of workloads as well.
    kinds: Option<Vec<Kind>>,
    /// Operations; if left out, CREATE and UPDATE are judged, and CREATE is mutated.
    operations: Option<Vec<Operation>>,
    /// Whether templates of workloads are seen as Pods; if left out, they are judged, but not mutated.
    templates: Option<bool>,
    /// Subresources other than those that carry the whole object.
    #[schemars(rename = "subresources")]
    sub_resources: Option<Vec<String>>,
    /// Namespaces by name; * stands for any text.
    namespaces: Option<Vec<String>>,
    /// Namespaces by label.
    namespace_selector: Option<LabelSelector>,
    /// Users.
    users: Option<Vec<String>>,
    /// Groups; one in common is enough.
    groups: Option<Vec<String>>,
}

/// An operation of the API server.
#[derive(JsonSchema)]
#[schemars(rename_all = "UPPERCASE")]
enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}
