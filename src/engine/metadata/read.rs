//! Reading METADATA: the comment block above a policy's package, YAML behind its `#`s
//! (<https://www.openpolicyagent.org/docs/policy-language#metadata>).

use std::sync::Arc;

use super::super::document::fields::Fields;
use super::super::document::{DocumentError, Entry, Node, Place, yaml};
use super::super::pattern::{Pattern, Requirement, Selector, Test};
use super::super::rego::Value;
use super::super::review::Operation;
use super::super::scope::{KindPattern, Scope};
use super::super::source::{Source, SourceError};
use super::super::violation::{Enforcement, FailMode, Severity};
use super::parameters::Schema;
use super::{Ignored, Metadata, Need, OnConflict};

const HEADER: &str = "METADATA";

type Errors = Vec<DocumentError>;

/// Reads a policy's METADATA; nothing if it has none above its package.
pub fn read(source: &Source) -> Result<Option<Metadata>, SourceError> {
    let first_error = |errors: Errors| {
        let error = errors.into_iter().next();
        error
            .map_or_else(|| SourceError::whole(&source.file, "METADATA is wrong"), |error| in_file(&source.file, error))
    };
    match document(source).map_err(|error| first_error(vec![error]))? {
        Some(node) => metadata(&node).map(Some).map_err(first_error),
        None => Ok(None),
    }
}

/// The METADATA of a policy's module as it is written, if it has any.
pub fn document(source: &Source) -> Result<Option<Node>, DocumentError> {
    let Some((text, line)) = block(&source.text) else { return Ok(None) };
    yaml::parse_one_from(&text, Place { line, column: 3 }).map(Some)
}

/// An error in a document as an error in its file.
pub fn in_file(file: &Arc<str>, error: DocumentError) -> SourceError {
    let located = SourceError::at(file, error.place.line, error.place.column, error.message);
    match error.hint {
        Some(hint) => located.fix(hint),
        None => located,
    }
}

/// The YAML of the last METADATA block above the package, and the line it begins on.
fn block(text: &str) -> Option<(String, u32)> {
    let mut found: Option<(String, u32)> = None;
    let mut open = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some(comment) = line.strip_prefix('#') else {
            open = false;
            if line.starts_with("package") {
                break;
            }
            continue;
        };
        if comment.trim() == HEADER {
            found = Some((String::new(), number.saturating_add(1)));
            open = true;
        } else if let (true, Some((yaml, _))) = (open, found.as_mut()) {
            yaml.push_str(comment.strip_prefix(' ').unwrap_or(comment));
            yaml.push('\n');
        }
    }
    found
}

fn metadata(node: &Node) -> Result<Metadata, Errors> {
    let mut fields = Fields::of(node, "METADATA").map_err(|error| vec![error])?;
    for known_to_opa in ["scope", "authors", "organizations", "schemas", "entrypoint"] {
        fields.take(known_to_opa);
    }
    let title = fields.take_string("title");
    let title = fields.require("title", title).unwrap_or_default().to_owned();
    let mut metadata = Metadata::unstated(&title);
    fields.take_string("description").unwrap_or_default().clone_into(&mut metadata.description);
    let resources = fields.take_list("related_resources").unwrap_or_default();
    metadata.related_resources = resources.iter().filter_map(resource).collect();
    if let Some(mut custom) = fields.take_mapping("custom") {
        read_custom(&mut custom, &mut metadata);
        let result = custom.finish();
        fields.absorb(result);
    }
    fields.finish().map(|()| metadata)
}

/// A related resource: a URL, or a mapping with `ref`.
fn resource(node: &Node) -> Option<String> {
    node.as_str().or_else(|| node.get("ref")?.as_str()).map(str::to_owned)
}

fn read_custom(custom: &mut Fields<'_>, metadata: &mut Metadata) {
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    metadata.severity = custom.take_choice("severity", &severities).unwrap_or(metadata.severity);
    // `off` belongs to configuration: a policy that is never evaluated need not be written.
    let enforcements = [Enforcement::Deny, Enforcement::Warn, Enforcement::Audit].map(|e| (e.as_str(), e));
    metadata.enforcement = custom.take_choice("enforcement", &enforcements).unwrap_or(metadata.enforcement);
    let modes = FailMode::ALL.map(|mode| (mode.as_str(), mode));
    metadata.on_error = custom.take_choice("on_error", &modes).unwrap_or(metadata.on_error);
    let conflicts = [("error", OnConflict::Error), ("yield", OnConflict::Yield)];
    metadata.on_conflict = custom.take_choice("on_conflict", &conflicts).unwrap_or(metadata.on_conflict);
    metadata.priority = custom.take_count("priority").unwrap_or(metadata.priority);
    metadata.controls = owned(custom.take_strings("controls"));
    metadata.needs = needs(custom);
    if let Some(mut lint) = custom.take_mapping("lint") {
        metadata.ignored = ignored(&mut lint);
        let result = lint.finish();
        custom.absorb(result);
    }
    if let Some(mut matches) = custom.take_mapping("match") {
        metadata.scope = scope(&mut matches);
        let result = matches.finish();
        custom.absorb(result);
    }
    let parameters = custom.take("parameters");
    if let Some(entry) = parameters {
        metadata.parameters = object(custom, entry).unwrap_or_else(Value::new_object);
    }
    if let Some(entry) = custom.take("schema") {
        metadata.schema = custom.absorb(Schema::read(&entry.value).map_err(|error| vec![error]));
    }
    check_defaults(custom, metadata, parameters);
}

fn check_defaults(custom: &mut Fields<'_>, metadata: &Metadata, parameters: Option<&Entry>) {
    let Some(schema) = &metadata.schema else { return };
    if let Err(why) = schema.check(&metadata.parameters) {
        let place = parameters.map_or_else(|| custom.place(), |entry| entry.key_place);
        custom.refuse(DocumentError::new(place, format!("parameters do not fulfil their schema: {why}")));
    }
}

/// An object of parameters.
pub fn object(fields: &mut Fields<'_>, entry: &Entry) -> Option<Value> {
    if entry.value.entries().is_some() {
        return Some(entry.value.to_value());
    }
    let message = format!("field {:?} must be a mapping, found {}", entry.key, entry.value.describe());
    fields.refuse(DocumentError::new(entry.value.place, message));
    None
}

fn owned(strings: Option<Vec<(&str, Place)>>) -> Vec<String> {
    strings.unwrap_or_default().into_iter().map(|(text, _)| text.to_owned()).collect()
}

fn needs(custom: &mut Fields<'_>) -> Vec<Need> {
    let mut needs = Vec::new();
    for (text, place) in custom.take_strings("needs").unwrap_or_default() {
        match text {
            "namespace" => needs.push(Need::Namespace),
            _ => custom
                .refuse(DocumentError::new(place, format!("need {text:?} is not known")).hint("known is: namespace")),
        }
    }
    needs
}

/// The rules of `policy check` not to be heeded, each with the reason.
fn ignored(lint: &mut Fields<'_>) -> Vec<Ignored> {
    let Some(entry) = lint.take("ignore") else { return Vec::new() };
    let Some(entries) = entry.value.entries() else {
        let message = format!("field \"ignore\" must be a mapping, found {}", entry.value.describe());
        lint.refuse(DocumentError::new(entry.value.place, message).hint("write each rule with its reason"));
        return Vec::new();
    };
    let mut ignored = Vec::new();
    for entry in entries {
        if let Some(reason) = entry.value.as_str() {
            let (rule, reason) = (entry.key.to_string(), reason.to_owned());
            ignored.push(Ignored { rule, reason, line: entry.key_place.line });
            continue;
        }
        let message = format!("the reason to ignore {} must be a string", entry.key);
        lint.refuse(DocumentError::new(entry.value.place, message).hint("say why the remark stays"));
    }
    ignored
}

fn scope(matches: &mut Fields<'_>) -> Scope {
    let unstated = Scope::pods();
    let kinds = kinds(matches, "kinds").unwrap_or(unstated.kinds);
    let stated = operations(matches);
    // What is removed or connected to cannot be patched.
    let patched = |operation: &Operation| matches!(operation, Operation::Create | Operation::Update);
    let mutates_on = stated.as_ref().map(|stated| stated.iter().copied().filter(patched).collect());
    Scope {
        kinds,
        operations: stated.unwrap_or(unstated.operations),
        mutates_on: mutates_on.unwrap_or(unstated.mutates_on),
        templates: matches.take_bool("templates"),
        sub_resources: owned(matches.take_strings("subresources")),
        namespaces: patterns(matches, "namespaces"),
        namespace_selector: selector(matches, "namespaceSelector"),
        users: patterns(matches, "users"),
        groups: patterns(matches, "groups"),
    }
}

fn operations(matches: &mut Fields<'_>) -> Option<Vec<Operation>> {
    let mut operations = Vec::new();
    for (text, place) in matches.take_strings("operations")? {
        match Operation::ALL.into_iter().find(|operation| operation.as_str() == text) {
            Some(operation) => operations.push(operation),
            None => matches.refuse(
                DocumentError::new(place, format!("operation {text:?} is not known"))
                    .hint("known are: CREATE, UPDATE, DELETE, CONNECT"),
            ),
        }
    }
    Some(operations)
}

/// A list of kinds.
pub fn kinds(fields: &mut Fields<'_>, key: &'static str) -> Option<Vec<KindPattern>> {
    let mut kinds = Vec::new();
    for (text, place) in fields.take_strings(key)? {
        match KindPattern::parse(text) {
            Some(kind) => kinds.push(kind),
            None => fields.refuse(
                DocumentError::new(place, format!("{text:?} is no kind"))
                    .hint("write Kind, group/Kind or group/version/Kind"),
            ),
        }
    }
    Some(kinds)
}

/// A list of name patterns.
pub fn patterns(fields: &mut Fields<'_>, key: &'static str) -> Vec<Pattern> {
    let strings = fields.take_strings(key).unwrap_or_default();
    strings.into_iter().map(|(text, _)| Pattern::new(text)).collect()
}

/// A label selector.
pub fn selector(fields: &mut Fields<'_>, key: &'static str) -> Option<Selector> {
    let mut selector = fields.take_mapping(key)?;
    let mut requirements = Vec::new();
    if let Some(labels) = selector.take("matchLabels") {
        for entry in labels.value.entries().unwrap_or_default() {
            if let Some(value) = entry.value.as_str() {
                requirements.push(Requirement { key: entry.key.to_string(), test: Test::In(vec![value.to_owned()]) });
            } else {
                let message = format!("label {:?} must be a string, found {}", entry.key, entry.value.describe());
                selector.refuse(DocumentError::new(entry.value.place, message).hint("write it in quotes"));
            }
        }
        if labels.value.entries().is_none() {
            selector.refuse(DocumentError::new(labels.value.place, "matchLabels must be a mapping"));
        }
    }
    for node in selector.take_list("matchExpressions").unwrap_or_default() {
        let read = requirement(node);
        requirements.extend(selector.absorb(read));
    }
    let result = selector.finish();
    fields.absorb(result);
    Some(Selector { requirements })
}

fn requirement(node: &Node) -> Result<Requirement, Errors> {
    let mut fields = Fields::of(node, "matchExpressions").map_err(|error| vec![error])?;
    let key = fields.take_string("key");
    let key = fields.require("key", key).unwrap_or_default().to_owned();
    let values = owned(fields.take_strings("values"));
    let tests = [("In", 0), ("NotIn", 1), ("Exists", 2), ("DoesNotExist", 3)];
    let operator = fields.take_choice("operator", &tests);
    let test = match fields.require("operator", operator) {
        Some(0) => Test::In(values),
        Some(1) => Test::NotIn(values),
        Some(2) => Test::Exists,
        _ => Test::DoesNotExist,
    };
    fields.finish().map(|()| Requirement { key, test })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Option<Metadata>, SourceError> {
        read(&Source::new("p.rego", text))
    }

    #[track_caller]
    fn check_refused(yaml: &str, expected: &str) {
        let block: Vec<String> = yaml.lines().map(|line| format!("# {line}\n")).collect();
        let error = read_text(&format!("# METADATA\n{}package p\n", block.concat())).unwrap_err().to_string();
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
    }

    #[test]
    fn reads_all_that_the_design_names() {
        let text = "# a comment\n# METADATA\n# title: T\n# description: |\n#   Two\n#   lines.\n# related_resources:\n\
                    # - ref: https://example.com\n# custom:\n#   severity: high\n#   enforcement: warn\n\
                    #   match: {kinds: [Pod, apps/Deployment], operations: [DELETE], namespaces: [team-*],\n\
                    #     namespaceSelector: {matchLabels: {tier: web}}, users: [a], groups: [b]}\n\
                    #   needs: [namespace]\n#   on_error: allow\n#   parameters: {a: 1}\n\
                    #   schema: {type: object, properties: {a: {type: integer}}}\n#   controls: [cis/5.2.7]\npackage p\n";
        let metadata = read_text(text).unwrap().unwrap();
        assert_eq!(metadata.title, "T");
        assert_eq!(metadata.description, "Two\nlines.\n");
        assert_eq!(metadata.related_resources, ["https://example.com"]);
        assert_eq!((metadata.severity, metadata.enforcement), (Severity::High, Enforcement::Warn));
        assert_eq!(metadata.scope.operations, [Operation::Delete]);
        assert_eq!(metadata.scope.kinds.len(), 2);
        assert!(metadata.scope.namespace_selector.is_some());
        assert_eq!(metadata.on_error, FailMode::Allow);
        assert_eq!(metadata.parameters["a"], Value::from(1_i64));
        assert_eq!(metadata.controls, ["cis/5.2.7"]);
    }

    #[test]
    fn a_policy_without_a_block_above_its_package_has_none() {
        assert_eq!(read_text("# title: T\npackage p\n").unwrap(), None);
        assert_eq!(read_text("package p\n# METADATA\n# title: T\nx := 1\n").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_column() {
        check_refused("title: T\ncustom:\n  severity: hihg", "p.rego:4:15: ");
        check_refused("title: T\ncustom:\n  severty: high", "did you mean `severity`?");
        check_refused("description: none", "lacks the field \"title\"");
        check_refused("title: [", "p.rego:");
        check_refused("title: T\ncustom:\n  enforcement: off", "enforcement");
        check_refused("title: T\ncustom:\n  match: {kind: [Pod]}", "did you mean `kinds`?");
        check_refused("title: T\ncustom:\n  match: {operations: [PATCH]}", "operation \"PATCH\" is not known");
        check_refused("title: T\ncustom:\n  match: {kinds: [a/b/c/d]}", "is no kind");
        check_refused("title: T\ncustom:\n  needs: [weather]", "need \"weather\" is not known");
        check_refused("title: T\ncustom:\n  parameters: [a]", "must be a mapping");
        check_refused("title: T\ncustom:\n  schema: {type: nonsense}", "schema");
        check_refused(
            "title: T\ncustom:\n  parameters: {a: x}\n  schema: {properties: {a: {type: integer}}}",
            "p.rego:4:5: parameters do not fulfil their schema: ",
        );
    }
}
