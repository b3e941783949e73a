//! Reading a configuration file, checked against the policies that it configures.

use std::sync::Arc;

use super::super::document::fields::{Fields, closest};
use super::super::document::{Content, DocumentError, Node, Place, yaml};
use super::super::metadata::read::{in_file, kinds, object, patterns, selector};
use super::super::pattern::Pattern;
use super::super::policy::Policy;
use super::super::rego::Value;
use super::super::source::{Source, SourceError};
use super::super::violation::{Enforcement, FailMode, Severity};
use super::{Config, Exemption, ExemptionMatch, Override, Place as Where, Select, Settings};

const API_VERSION: &str = "portcullis.dev/v1alpha1";
const KIND: &str = "Config";

type Errors = Vec<DocumentError>;
type Policies<'a> = &'a [Arc<Policy>];

/// Reads a configuration. Refused are unknown fields, patterns that fit no policy, and parameters that a policy does
/// not have or whose schema they do not fulfil.
pub fn read(source: &Source, policies: &[Arc<Policy>]) -> Result<Config, Vec<SourceError>> {
    let located = |errors: Errors| errors.into_iter().map(|error| in_file(&source.file, error)).collect::<Vec<_>>();
    let node = yaml::parse_one(&source.text).map_err(|error| located(vec![error]))?;
    let mut config = config(&node, policies).map_err(located)?;
    config.overrides.iter_mut().for_each(|change| change.file = Arc::clone(&source.file));
    config.exemptions.iter_mut().for_each(|exemption| exemption.file = Arc::clone(&source.file));
    Ok(config)
}

fn config(node: &Node, policies: Policies<'_>) -> Result<Config, Errors> {
    let mut fields = Fields::of(node, KIND).map_err(|error| vec![error])?;
    let version = fields.take_choice("apiVersion", &[(API_VERSION, ())]);
    fields.require("apiVersion", version);
    let kind = fields.take_choice("kind", &[(KIND, ())]);
    fields.require("kind", kind);
    let mut config = Config {
        trust_labels: fields.take_bool("trustLabels"),
        annotate_mutations: fields.take_bool("annotateMutations"),
        ..Config::default()
    };
    for node in fields.take_list("overrides").unwrap_or_default() {
        let read = read_override(node, policies);
        config.overrides.extend(fields.absorb(read));
    }
    for node in fields.take_list("exemptions").unwrap_or_default() {
        let read = exemption(node, policies);
        config.exemptions.extend(fields.absorb(read));
    }
    fields.finish()?;
    check_parameters(&config, node, policies)?;
    Ok(config)
}

fn read_override(node: &Node, policies: Policies<'_>) -> Result<Override, Errors> {
    let mut fields = Fields::of(node, "override").map_err(|error| vec![error])?;
    let mut select = Select::default();
    if let Some(mut selecting) = fields.take_mapping("select") {
        select = read_select(&mut selecting, policies);
        let result = selecting.finish();
        fields.absorb(result);
    }
    let mut place = Where::default();
    if let Some(mut placing) = fields.take_mapping("where") {
        place = Where {
            namespaces: patterns(&mut placing, "namespaces"),
            namespace_selector: selector(&mut placing, "namespaceSelector"),
        };
        let result = placing.finish();
        fields.absorb(result);
    }
    let (mut enforcement, mut on_error, mut parameters) = (None, None, None);
    let set = fields.take_mapping("set");
    if let Some(mut set) = fields.require("set", set) {
        enforcement = read_enforcement(&mut set);
        on_error = set.take_choice("onError", &FailMode::ALL.map(|value| (value.as_str(), value)));
        if let Some(entry) = set.take("parameters") {
            parameters = object(&mut set, entry);
        }
        let result = set.finish();
        fields.absorb(result);
    }
    let line = fields.place().line;
    fields.finish().map(|()| Override { file: Arc::default(), line, select, place, enforcement, on_error, parameters })
}

/// An enforcement. YAML 1.1 reads a bare `off` as false, and nobody should have to know.
fn read_enforcement(fields: &mut Fields<'_>) -> Option<Enforcement> {
    let bare_off = fields.take("enforcement").is_some_and(|entry| entry.value.content == Content::Bool(false));
    if bare_off {
        return Some(Enforcement::Off);
    }
    fields.take_choice("enforcement", &Enforcement::ALL.map(|value| (value.as_str(), value)))
}

fn read_select(fields: &mut Fields<'_>, policies: Policies<'_>) -> Select {
    let severities = fields.take_strings("severities").unwrap_or_default();
    let severities = severities.into_iter().filter_map(|(text, place)| severity(fields, text, place)).collect();
    let controls = fields.take_strings("controls").unwrap_or_default();
    for (text, place) in &controls {
        let pattern = Pattern::new(*text);
        let known = |policy: &Arc<Policy>| policy.metadata.controls.iter().any(|control| pattern.matches(control));
        if !policies.iter().any(known) {
            fields
                .refuse(DocumentError::new(*place, format!("control {text:?} fits no policy")).hint("see policy list"));
        }
    }
    Select {
        policies: policy_patterns(fields, policies),
        controls: controls.into_iter().map(|(text, _)| Pattern::new(text)).collect(),
        severities,
        without: Vec::new(),
    }
}

fn severity(fields: &mut Fields<'_>, text: &str, place: Place) -> Option<Severity> {
    let severity = Severity::parse(text);
    if severity.is_none() {
        let known = Severity::ALL.map(Severity::as_str).join(", ");
        fields.refuse(
            DocumentError::new(place, format!("severity {text:?} is not known")).hint(format!("known are: {known}")),
        );
    }
    severity
}

/// Patterns of policy names, each of which must fit one.
fn policy_patterns(fields: &mut Fields<'_>, policies: Policies<'_>) -> Vec<Pattern> {
    let strings = fields.take_strings("policies").unwrap_or_default();
    for (text, place) in &strings {
        let pattern = Pattern::new(*text);
        if !policies.iter().any(|policy| pattern.matches(&policy.name)) {
            let names = policies.iter().map(|policy| policy.name.as_ref());
            let hint = match closest(text, names) {
                Some(name) => format!("did you mean {name}?"),
                None => "see policy list".to_owned(),
            };
            fields.refuse(DocumentError::new(*place, format!("{text:?} fits no policy")).hint(hint));
        }
    }
    strings.into_iter().map(|(text, _)| Pattern::new(text)).collect()
}

fn exemption(node: &Node, policies: Policies<'_>) -> Result<Exemption, Errors> {
    let mut fields = Fields::of(node, "exemption").map_err(|error| vec![error])?;
    let exempted = policy_patterns(&mut fields, policies);
    let named = (!exempted.is_empty()).then_some(());
    fields.require("policies", named);
    let mut matches = ExemptionMatch::default();
    let matching = fields.take_mapping("match");
    if let Some(mut matching) = fields.require("match", matching) {
        matches = ExemptionMatch {
            namespaces: patterns(&mut matching, "namespaces"),
            namespace_selector: selector(&mut matching, "namespaceSelector"),
            kinds: kinds(&mut matching, "kinds").unwrap_or_default(),
            names: patterns(&mut matching, "names"),
            images: patterns(&mut matching, "images"),
            users: patterns(&mut matching, "users"),
            groups: patterns(&mut matching, "groups"),
            labels: selector(&mut matching, "labels"),
        };
        let result = matching.finish();
        fields.absorb(result);
    }
    let owner = fields.take_string("owner").unwrap_or_default().to_owned();
    let reason = fields.take_string("reason").unwrap_or_default().to_owned();
    let expires = expiry(&mut fields);
    let line = fields.place().line;
    fields.finish().map(|()| Exemption {
        file: Arc::default(),
        line,
        policies: exempted,
        matches,
        owner,
        reason,
        expires,
    })
}

/// A day, `YYYY-MM-DD`. What is no day would never come, so it is refused.
fn expiry(fields: &mut Fields<'_>) -> Option<String> {
    let entry = fields.take("expires")?;
    let day = entry.value.as_str().and_then(|text| text.parse::<jiff::civil::Date>().ok());
    if day.is_none() {
        let message = format!("field \"expires\" of exemption must be a day, found {}", entry.value.describe());
        fields.refuse(DocumentError::new(entry.value.place, message).hint("write it as YYYY-MM-DD"));
    }
    day.map(|day| day.to_string())
}

const SEE_LIST: &str = "see policy list for the parameters of each policy";

/// Checks the parameters of each override against each policy that it selects, as they would be merged.
fn check_parameters(config: &Config, node: &Node, policies: Policies<'_>) -> Result<(), Errors> {
    let mut errors = Vec::new();
    let nodes = node.get("overrides").and_then(Node::items).unwrap_or_default();
    for (change, node) in config.overrides.iter().zip(nodes) {
        if change.parameters.is_none() {
            continue;
        }
        let parameters = node.get("set").and_then(|set| set.entry("parameters"));
        let place = parameters.map_or(node.place, |entry| entry.key_place);
        let selected = policies.iter().filter(|policy| change.select.selects(policy));
        let misfits = selected.filter_map(|policy| misfit(policy, change));
        errors.extend(misfits.map(|why| DocumentError::new(place, why).hint(SEE_LIST)));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Why the parameters of an override do not fit a policy, as they would be merged; nothing if they do.
pub fn misfit(policy: &Policy, change: &Override) -> Option<String> {
    let Some(Value::Object(given)) = &change.parameters else { return None };
    if let Some(schema) = &policy.metadata.schema {
        let mut settings = Settings::of(policy);
        settings.apply(change);
        let why = schema.check(&settings.parameters).err()?;
        return Some(format!("parameters do not fit policy {}: {why}", policy.name));
    }
    let known = policy.metadata.parameters.as_object();
    let unknown = given.keys_sorted().find(|key| known.as_ref().is_ok_and(|known| !known.contains_key(key)))?;
    Some(format!("policy {} has no parameter {unknown}", policy.name))
}
