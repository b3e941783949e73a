//! Policies as pages for people who must follow them: one for each, and a table of all. Markdown, made from METADATA,
//! so that what is written is what is enforced.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::metadata::Metadata;
use crate::engine::policy::Policy;
use crate::engine::policy_set::PolicySet;

/// What every page says of its making; a file without it is not ours.
pub const MARK: &str = "<!-- Written by `policy docs` from METADATA: edit the policy, not this page. -->";

/// The table of all.
const INDEX: &str = "README.md";

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Its file's name.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The pages of policies, and the table of all. `profiles` are the same policies as each profile configures them.
pub fn pages(policies: &[Arc<Policy>], profiles: &[(String, PolicySet)]) -> Vec<Page> {
    let page = |policy: &Arc<Policy>| Page { file: file(policy), text: text(policy, profiles) };
    let mut pages: Vec<Page> = policies.iter().map(page).collect();
    pages.push(Page { file: INDEX.to_owned(), text: index(policies, profiles) });
    pages
}

fn file(policy: &Policy) -> String {
    format!("{}.md", policy.name)
}

fn index(policies: &[Arc<Policy>], profiles: &[(String, PolicySet)]) -> String {
    let mut head = vec!["policy".to_owned(), "demands".to_owned(), "severity".to_owned()];
    head.extend(profiles.iter().map(|(name, _)| name.clone()));
    head.push("controls".to_owned());
    let row = |policy: &Arc<Policy>| {
        let metadata = &policy.metadata;
        let mut row = vec![format!("[{}]({})", policy.name, file(policy)), metadata.title.clone()];
        row.push(metadata.severity.to_string());
        row.extend(profiles.iter().map(|(_, set)| set.settings_everywhere(policy).enforcement.to_string()));
        row.push(metadata.controls.join(", "));
        row
    };
    let rows: Vec<Vec<String>> = policies.iter().map(row).collect();
    format!("{MARK}\n\n# Policies\n\n{}", table(&head, &rows))
}

fn text(policy: &Policy, profiles: &[(String, PolicySet)]) -> String {
    let metadata = &policy.metadata;
    let mut parts = vec![MARK.to_owned(), format!("# {}", metadata.title)];
    parts.push(format!("`{}`, {} severity", policy.name, metadata.severity));
    if !metadata.description.trim().is_empty() {
        parts.push(metadata.description.trim().to_owned());
    }
    parts.push(table(&[String::new(), String::new()], &facts(policy, profiles)).trim_end().to_owned());
    parts.push(parameters(metadata));
    if !metadata.related_resources.is_empty() {
        let links: Vec<String> = metadata.related_resources.iter().map(|link| format!("- <{link}>")).collect();
        parts.push(format!("## Read on\n\n{}", links.join("\n")));
    }
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

fn facts(policy: &Policy, profiles: &[(String, PolicySet)]) -> Vec<Vec<String>> {
    let metadata = &policy.metadata;
    let listed = |items: Vec<String>| items.join(", ");
    let kinds = listed(metadata.scope.kinds.iter().map(ToString::to_string).collect());
    let operations = listed(metadata.scope.operations.iter().map(|one| one.as_str().to_owned()).collect());
    let mut rows = vec![
        vec!["does".to_owned(), does(policy)],
        vec!["matches".to_owned(), format!("{kinds} on {operations}")],
        vec!["enforcement".to_owned(), metadata.enforcement.to_string()],
    ];
    rows.extend(profiles.iter().map(|(name, set)| {
        let settings = set.settings_everywhere(policy);
        vec![format!("in profile {name}"), settings.enforcement.to_string()]
    }));
    rows.push(vec!["when it cannot be evaluated".to_owned(), metadata.on_error.to_string()]);
    if !metadata.controls.is_empty() {
        rows.push(vec!["controls".to_owned(), metadata.controls.join(", ")]);
    }
    rows
}

/// What a policy does with objects, and in which order those that mutate act.
fn does(policy: &Policy) -> String {
    let metadata = &policy.metadata;
    let scope = &metadata.scope;
    let verb = |rule: &str| match rule {
        "deny" => "denies".to_owned(),
        "warn" => "warns".to_owned(),
        _ => {
            let operations: Vec<&str> = scope.mutates_on.iter().map(|operation| operation.as_str()).collect();
            let templates = if scope.templates == Some(true) { ", templates of workloads too" } else { "" };
            format!("mutates on {}{templates} (priority {})", operations.join(", "), metadata.priority)
        }
    };
    policy.entrypoints().map(verb).collect::<Vec<_>>().join(", ")
}

/// The parameters, each with its type, default and meaning as the schema has them.
fn parameters(metadata: &Metadata) -> String {
    let schema = metadata.schema.as_ref().and_then(|schema| serde_json::from_str::<Value>(schema.as_json()).ok());
    let described = schema.as_ref().and_then(|schema| schema.get("properties")?.as_object());
    let defaults = serde_json::to_value(&metadata.parameters).unwrap_or_default();
    let defaults = defaults.as_object();
    let mut names: Vec<&String> = described.into_iter().flat_map(|map| map.keys()).collect();
    names.extend(defaults.into_iter().flat_map(|map| map.keys()));
    names.sort();
    names.dedup();
    if names.is_empty() {
        return "It takes no parameters.".to_owned();
    }
    let row = |name: &&String| {
        let described = described.and_then(|map| map.get(*name));
        let said = |key| described.and_then(|property| property.get(key));
        let default = defaults.and_then(|map| map.get(*name)).map(|value| format!("`{value}`"));
        let meaning = said("description").and_then(Value::as_str).unwrap_or_default().trim().replace('\n', " ");
        vec![format!("`{name}`"), kind(described), default.unwrap_or_default(), meaning]
    };
    let head = ["parameter", "type", "default", "meaning"].map(str::to_owned);
    let rows: Vec<Vec<String>> = names.iter().map(row).collect();
    format!("## Parameters\n\n{}", table(&head, &rows).trim_end())
}

/// The type of a property in words: `integer`, `list of string`, `one of "a", "b"`.
fn kind(property: Option<&Value>) -> String {
    let said = |key: &str| property.and_then(|property| property.get(key));
    if let Some(choices) = said("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        return format!("one of {}", choices.join(", "));
    }
    match said("type") {
        Some(Value::String(name)) if name == "array" => match kind(said("items")).as_str() {
            "" => "list".to_owned(),
            of => format!("list of {of}"),
        },
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}{rows}", line(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bundle::Bundle;
    use crate::engine::source::Source;

    fn pages_of(metadata: &str) -> Vec<Page> {
        let comments = format!("# {}\n", metadata.replace('\n', "\n# "));
        let rego = format!("# METADATA\n{comments}package policies.one\ndeny contains \"no\" if input.x\n");
        let bundle = Bundle::read("", vec![Source::new("one.rego", rego)]).unwrap();
        pages(&bundle.policies, &[])
    }

    #[test]
    fn a_page_says_what_metadata_says() {
        let metadata = "title: One | two\ndescription: Why.\nrelated_resources: [{ref: https://example.com}]\n\
            custom:\n  severity: low\n  enforcement: warn\n  controls: [cis/5.2.7]\n  parameters: {ports: [80], mode: a}\n\
            \x20 schema:\n    properties:\n      ports: {type: array, items: {type: integer}, description: Which ports.}\n\
            \x20     mode: {enum: [a, b]}";
        let found = pages_of(metadata);
        let (page, index) = (&found[0].text, &found[1].text);
        for expected in [
            "# One | two\n",
            "`one`, low severity",
            "| does | denies |",
            "| matches | Pod on CREATE, UPDATE |",
            "| enforcement | warn |",
            "| `ports` | list of integer | `[80]` | Which ports. |",
            "| `mode` | one of `\"a\"`, `\"b\"` | `\"a\"` |  |",
            "- <https://example.com>",
        ] {
            assert!(page.contains(expected), "expected `{expected}` in: {page}");
        }
        assert!(index.contains("| [one](one.md) | One \\| two | low | cis/5.2.7 |"), "{index}");
        assert!(page.starts_with(MARK) && index.starts_with(MARK));
    }
}
