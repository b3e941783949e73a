//! As much of SARIF's object model as a verdict needs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::engine::policy::Policy;
use crate::engine::violation::{Enforcement, Severity};

/// All of a run but its results.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rest {
    pub(super) tool: Tool,
    pub(super) invocations: Vec<Invocation>,
    pub(super) column_kind: &'static str,
    pub(super) newline_sequences: [&'static str; 2],
    pub(super) language: &'static str,
    pub(super) properties: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
pub(super) struct Tool {
    pub(super) driver: Driver,
}

#[derive(Serialize)]
pub(super) struct Driver {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) language: &'static str,
    pub(super) rules: Vec<Rule>,
}

/// A policy.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    id: String,
    name: String,
    short_description: Message,
    full_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: Level,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: Vec<String>,
    precision: &'static str,
    /// What GitHub ranks alerts by, on the scale of CVSS.
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub(super) text: String,
}

/// A violation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Result {
    pub(super) rule_id: String,
    pub(super) level: Level,
    pub(super) message: Message,
    pub(super) locations: Vec<Location>,
    pub(super) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) suppressions: Vec<Suppression>,
}

/// An exemption.
#[derive(Serialize)]
pub(super) struct Suppression {
    pub(super) kind: &'static str,
    pub(super) justification: String,
}

/// How it went.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: bool,
    pub(super) tool_execution_notifications: Vec<Notification>,
}

/// What could not be judged.
#[derive(Debug, Serialize)]
pub(super) struct Notification {
    pub(super) level: Level,
    pub(super) message: Message,
    pub(super) locations: Vec<Location>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

impl Location {
    /// A place in a file. Lines and columns count from 1; 0 stands for the whole.
    pub(super) fn of(file: &str, line: u32, column: u32, field: Option<&str>) -> Self {
        let region = (line > 0).then(|| Region { start_line: line, start_column: (column > 0).then_some(column) });
        let field = field.map(|field| LogicalLocation { fully_qualified_name: field.to_owned(), kind: "member" });
        Self {
            physical_location: PhysicalLocation { artifact_location: ArtifactLocation { uri: uri(file) }, region },
            logical_locations: field.into_iter().collect(),
        }
    }
}

impl Rule {
    pub(super) fn of(policy: &Policy) -> Self {
        let metadata = &policy.metadata;
        let description = match metadata.description.trim() {
            "" => metadata.title.clone(),
            description => description.to_owned(),
        };
        let links: String = metadata.related_resources.iter().fold(String::new(), |links, link| links + "\n- " + link);
        let text = format!("{}\n\n{description}\n{links}", metadata.title);
        let mut tags = metadata.controls.clone();
        tags.push("security".to_owned());
        Self {
            id: policy.name.to_string(),
            name: policy.name.to_string(),
            short_description: Message { text: metadata.title.clone() },
            full_description: Message { text: description.clone() },
            help_uri: metadata.related_resources.first().filter(|link| link.starts_with("https://")).cloned(),
            help: Help { markdown: format!("**{}**\n\n{description}\n{links}", metadata.title), text },
            default_configuration: Configuration {
                level: match metadata.enforcement {
                    Enforcement::Deny => Level::Error,
                    Enforcement::Warn => Level::Warning,
                    Enforcement::Audit | Enforcement::Off => Level::Note,
                },
            },
            properties: RuleProperties {
                tags,
                precision: "very-high",
                security_severity: match metadata.severity {
                    Severity::Low => "2.0",
                    Severity::Medium => "5.0",
                    Severity::High => "8.0",
                    Severity::Critical => "9.5",
                },
            },
        }
    }
}

/// A file as a URI reference, relative as the user named it (RFC 3986).
fn uri(file: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    let mut uri = String::with_capacity(file.len());
    if file.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_uri_references() {
        for (file, expected) in [
            ("./a/b.yaml", "a/b.yaml"),
            ("/tmp/a b.yaml", "file:///tmp/a%20b.yaml"),
            ("<stdin>", "%3Cstdin%3E"),
            ("a:b/ü%.yaml", "a%3Ab/%C3%BC%25.yaml"),
        ] {
            assert_eq!(uri(file), expected);
        }
    }
}
