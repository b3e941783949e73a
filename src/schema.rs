//! JSON schemas of the documents that people write and pipelines read, for editors: hints while typing, and a red line
//! under what would be refused. The shapes here say what the readers take; tests hold the two together.

mod config;
mod metadata;
mod report;
mod suite;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// A document with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A configuration, and so a profile.
    Config,
    /// The METADATA of a policy.
    Metadata,
    /// What `policy test --format json` writes.
    Report,
    /// A suite of cases that test policies.
    Suite,
}

impl Document {
    /// All.
    pub const ALL: [Self; 4] = [Self::Config, Self::Metadata, Self::Report, Self::Suite];

    /// Its name on the command line and in file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Metadata => "metadata",
            Self::Report => "report",
            Self::Suite => "suite",
        }
    }

    /// Its schema, of the dialect 2020-12 (<https://json-schema.org/draft/2020-12>).
    pub fn schema(self) -> Value {
        let schema = match self {
            Self::Config => schemars::schema_for!(config::Config),
            Self::Metadata => schemars::schema_for!(metadata::Metadata),
            // As it is written, not as it could be read.
            Self::Report => {
                SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<report::Report>()
            }
            Self::Suite => schemars::schema_for!(suite::Suite),
        };
        schema.to_value()
    }
}

/// Labels that must be there, and expressions that must hold.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the shape is the schema")]
struct LabelSelector {
    /// Labels that must have these values.
    match_labels: Option<std::collections::BTreeMap<String, String>>,
    /// Conditions on labels; each must hold.
    match_expressions: Option<Vec<Requirement>>,
}

/// A condition on one label.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape is the schema")]
struct Requirement {
    /// The label.
    key: String,
    operator: Operator,
    /// What `In` and `NotIn` compare with.
    values: Option<Vec<String>>,
}

/// How a label is compared.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the shape is the schema")]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// How bad a violation is.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "the shape is the schema")]
enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// What follows from a violation, as policies and suites may say it; `off` is for configurations alone.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "the shape is the schema")]
enum Enforcement {
    Deny,
    Warn,
    Audit,
}

/// What follows when a policy cannot be evaluated.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "the shape is the schema")]
enum FailMode {
    Allow,
    Warn,
    Deny,
}

/// `Kind`, `group/Kind` or `group/version/Kind`; each part may hold `*`.
struct Kind;

impl JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^([^/]*/){0,2}[^/]+$",
            "description": "Kind, group/Kind or group/version/Kind; each part may hold *."
        })
    }
}

#[cfg(test)]
mod tests;
