//! Reading a suite, checked against the policies that it tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::wanted::{CaseOutcome, Expectation, TextPattern, Wanted};
use super::{Case, Suite};
use crate::engine::bundle::Bundle;
use crate::engine::config::{Override, Place as Everywhere, Select, misfit};
use crate::engine::document::fields::{Fields, closest};
use crate::engine::document::{Content, DocumentError, Entry, Node, Place};
use crate::engine::document::{json, yaml};
use crate::engine::metadata::read::{in_file, object as parameters_of};
use crate::engine::pattern::Labels;
use crate::engine::policy::Policy;
use crate::engine::rego::Value;
use crate::engine::review::Operation;
use crate::engine::scope::NamespaceFact;
use crate::engine::source::{Source, SourceError};
use crate::engine::violation::{Enforcement, Severity};
use crate::suite::manifest::{Kind, Manifest};
use crate::suite::review::Options;

const API_VERSION: &str = "portcullis.dev/v1alpha1";
const KIND: &str = "Suite";

/// The most violations that one line of a suite may stand for.
const COUNT: u64 = 1_000;

/// Gives the file that a suite names by its path from the suite's directory; otherwise what is wrong, and what to do.
pub type Fixtures<'a> = &'a dyn Fn(&Source, &str) -> Result<Source, (String, String)>;

type Errors = Vec<DocumentError>;

/// Reads a suite. Refused are unknown fields, policies, parameters and patterns, and objects that are none.
pub fn read(source: &Source, bundle: &Bundle, fixtures: Fixtures<'_>) -> Result<Suite, Vec<SourceError>> {
    let located = |errors: Errors| errors.into_iter().map(|error| in_file(&source.file, error)).collect::<Vec<_>>();
    let node = yaml::parse_one(&source.text).map_err(|error| located(vec![error]))?;
    Reader { source, bundle, fixtures }.suite(&node).map_err(located)
}

struct Reader<'a> {
    source: &'a Source,
    bundle: &'a Bundle,
    fixtures: Fixtures<'a>,
}

/// Who asks for what, as far as the defaults or a case say so.
#[derive(Clone, Default)]
struct Asked {
    operation: Option<Operation>,
    user: Option<String>,
    groups: Option<Vec<String>>,
    namespace: Namespace,
    parameters: Option<Value>,
    enforcement: Option<Enforcement>,
}

/// What is said of a namespace.
#[derive(Clone, Default)]
struct Namespace {
    name: Option<String>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
}

impl Reader<'_> {
    fn suite(&self, node: &Node) -> Result<Suite, Errors> {
        let mut fields = Fields::of(node, KIND).map_err(|error| vec![error])?;
        let version = fields.take_choice("apiVersion", &[(API_VERSION, ())]);
        fields.require("apiVersion", version);
        let kind = fields.take_choice("kind", &[(KIND, ())]);
        fields.require("kind", kind);
        let tested = self.tested(&mut fields);
        let mut defaults = Asked::default();
        if let Some(mut given) = fields.take_mapping("defaults") {
            defaults = asked(&mut given);
            check_parameters(&mut given, defaults.parameters.as_ref(), &tested);
            let result = given.finish();
            fields.absorb(result);
        }
        let mut cases: Vec<Case> = Vec::new();
        let nodes = fields.take_list("cases");
        for node in fields.require("cases", nodes).unwrap_or_default() {
            let read = self.case(node, &defaults, &tested);
            let Some(case) = fields.absorb(read) else { continue };
            if let Some(first) = cases.iter().find(|other| other.name == case.name) {
                let message = format!("case {:?} is also on line {}", case.name, first.place.line);
                fields.refuse(DocumentError::new(case.place, message).hint("give it another name"));
            }
            cases.push(case);
        }
        if let Some([]) = nodes {
            fields.refuse(DocumentError::new(fields.place(), "Suite has no cases").hint("add one below `cases:`"));
        }
        fields.finish()?;
        let name = match tested.as_slice() {
            [policy] => policy.name.to_string(),
            _ => directory(&self.source.file).rsplit('/').next().unwrap_or_default().to_owned(),
        };
        let policies = tested.iter().map(|policy| Arc::clone(&policy.name)).collect();
        Ok(Suite { file: Arc::clone(&self.source.file), name, policies, cases })
    }

    /// The policies under test: the one that is named, otherwise those of the suite's directory.
    fn tested(&self, fields: &mut Fields<'_>) -> Vec<Arc<Policy>> {
        let place = fields.take("policy").map_or_else(|| fields.place(), |entry| entry.value.place);
        let is_named = fields.take("policy").is_some();
        let name = fields.take_string("policy");
        let here = directory(&self.source.file);
        let is_tested = |policy: &Arc<Policy>| match name {
            Some(name) => *policy.name == *name,
            None => directory(&policy.file) == here,
        };
        let tested: Vec<_> = self.bundle.policies.iter().filter(|policy| is_tested(policy)).map(Arc::clone).collect();
        match name {
            Some(name) if tested.is_empty() => {
                let names = self.bundle.policies.iter().map(|policy| policy.name.as_ref());
                let hint =
                    closest(name, names).map_or("see policy list".to_owned(), |it| format!("did you mean {it}?"));
                fields.refuse(DocumentError::new(place, format!("there is no policy {name:?}")).hint(hint));
            }
            None if tested.is_empty() && !is_named => {
                let error = DocumentError::new(place, "no policy lies beside the suite");
                fields.refuse(error.hint("name the one it tests: `policy: …`"));
            }
            Some(_) | None => {}
        }
        tested
    }

    fn case(&self, node: &Node, defaults: &Asked, tested: &[Arc<Policy>]) -> Result<Case, Errors> {
        let mut fields = Fields::of(node, "case").map_err(|error| vec![error])?;
        let name = fields.take_string("name");
        let name = fields.require("name", name).unwrap_or_default().to_owned();
        if name.contains(char::is_control) {
            fields.refuse(DocumentError::new(fields.place(), "the name of a case is one line"));
        }
        let object = fields.take("object");
        let object = fields.require("object", object).and_then(|entry| self.object(&mut fields, entry));
        let old = fields.take("oldObject");
        let old_object = old.and_then(|entry| self.object(&mut fields, entry));
        let own = asked(&mut fields);
        let expect = fields.take_mapping("expect");
        let expect = fields.require("expect", expect).and_then(|mut expect| {
            let read = expectation(&mut expect);
            let result = expect.finish().map(|()| read);
            fields.absorb(result).flatten()
        });
        check_operation(&mut fields, &own, defaults, object.as_ref(), old);
        let asked = own.over(defaults);
        check_parameters(&mut fields, asked.parameters.as_ref(), tested);
        let place = fields.place();
        let options = object.as_ref().map(|object| options(&mut fields, &asked, object));
        fields.finish()?;
        // What is absent was refused above.
        let (Some(object), Some(options), Some(expect)) = (object, options, expect) else { return Err(Vec::new()) };
        let namespace = asked.namespace.fact(&options.namespace);
        let (parameters, enforcement) = (asked.parameters, asked.enforcement);
        Ok(Case { name, place, object, old_object, options, namespace, parameters, enforcement, expect })
    }

    /// The object of a case: a mapping, or the name of a file with one.
    fn object(&self, fields: &mut Fields<'_>, entry: &Entry) -> Option<Manifest> {
        let place = entry.value.place;
        let read = match (&entry.value.content, entry.value.as_str()) {
            (Content::Mapping(_), _) => Ok((Arc::clone(&self.source.file), entry.value.clone())),
            (_, Some(path)) => self.fixture(path),
            _ => Err((
                format!("field {:?} of case must be a file or an object, found {}", entry.key, entry.value.describe()),
                "write the name of a file beside the suite, or the object itself".to_owned(),
            )),
        };
        let manifest = read.and_then(|(file, node)| manifest(file, node));
        manifest.map_err(|(message, hint)| fields.refuse(DocumentError::new(place, message).hint(hint))).ok()
    }

    fn fixture(&self, path: &str) -> Result<(Arc<str>, Node), (String, String)> {
        let source = (self.fixtures)(self.source, path)?;
        let is_json = source.file.ends_with(".json");
        let parsed = if is_json { json::parse(&source.text) } else { yaml::parse_one(&source.text) };
        let node = parsed.map_err(|error| {
            let Place { line, column } = error.place;
            let hint = error.hint.unwrap_or_else(|| "a fixture is one object as YAML or JSON".to_owned());
            (format!("{}:{line}:{column}: {}", source.file, error.message), hint)
        })?;
        Ok((source.file, node))
    }
}

fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// An object that can be sent for review; otherwise what it is instead, and what to do.
fn manifest(file: Arc<str>, node: Node) -> Result<Manifest, (String, String)> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    let at = format!("{file}:{}:{}", node.place.line, node.place.column);
    let kind = match (text("apiVersion"), text("kind")) {
        ("", _) | (_, "") => {
            let hint = "write the whole object, as kubectl would send it";
            return Err((format!("{at}: is no Kubernetes object: it has no apiVersion and kind"), hint.to_owned()));
        }
        (version, kind) if kind.ends_with("List") && node.get("items").and_then(Node::items).is_some() => {
            let hint = "write a case for each of its objects";
            return Err((format!("{at}: is a list, {version} {kind}; a case judges one object"), hint.to_owned()));
        }
        (version, "AdmissionReview") if version.starts_with("admission.k8s.io/") => Kind::Review,
        _ => Kind::Object,
    };
    Ok(Manifest { file, place: node.place, node, kind })
}

/// Who asks for what. The fields are the same in the defaults and in a case.
fn asked(fields: &mut Fields<'_>) -> Asked {
    let operations = Operation::ALL.map(|operation| (operation.as_str(), operation));
    let enforcements = [Enforcement::Deny, Enforcement::Warn, Enforcement::Audit].map(|it| (it.as_str(), it));
    let groups = fields.take_strings("groups");
    let parameters = fields.take("parameters");
    Asked {
        operation: fields.take_choice("operation", &operations),
        user: fields.take_string("user").map(str::to_owned),
        groups: groups.map(|groups| groups.into_iter().map(|(text, _)| text.to_owned()).collect()),
        namespace: namespace(fields),
        parameters: parameters.and_then(|entry| parameters_of(fields, entry)),
        enforcement: fields.take_choice("enforcement", &enforcements),
    }
}

/// A namespace by its name, or with its labels and annotations.
fn namespace(fields: &mut Fields<'_>) -> Namespace {
    let entry = fields.take("namespace");
    if let Some(name) = entry.and_then(|entry| entry.value.as_str()).filter(|name| !name.is_empty()) {
        return Namespace { name: Some(name.to_owned()), ..Namespace::default() };
    }
    let Some(mut given) = fields.take_mapping("namespace") else { return Namespace::default() };
    let namespace = Namespace {
        name: given.take_string("name").map(str::to_owned),
        labels: texts(&mut given, "labels"),
        annotations: texts(&mut given, "annotations"),
    };
    let result = given.finish();
    fields.absorb(result);
    namespace
}

/// Labels or annotations, whose values are strings.
fn texts(fields: &mut Fields<'_>, key: &'static str) -> Option<Labels> {
    fields.take_mapping(key)?;
    let mut labels = BTreeMap::new();
    for entry in fields.take(key)?.value.entries().unwrap_or_default() {
        if let Some(value) = entry.value.as_str() {
            labels.insert(entry.key.to_string(), value.to_owned());
        } else {
            let message = format!("{key} {:?} must be a string, found {}", entry.key, entry.value.describe());
            fields.refuse(DocumentError::new(entry.value.place, message).hint("write it in quotes"));
        }
    }
    Some(labels)
}

/// Refuses parameters that a policy does not have or whose schema they do not fulfil.
fn check_parameters(fields: &mut Fields<'_>, given: Option<&Value>, tested: &[Arc<Policy>]) {
    let Some(parameters) = given else { return };
    // Where the case itself gives none, those of the defaults were checked there.
    let Some(entry) = fields.take("parameters") else { return };
    let change = Override {
        file: Arc::default(),
        line: 0,
        select: Select::default(),
        place: Everywhere::default(),
        enforcement: None,
        on_error: None,
        parameters: Some(parameters.clone()),
    };
    let first = tested.iter().find_map(|policy| misfit(policy, &change));
    if let Some(why) = first {
        fields
            .refuse(DocumentError::new(entry.key_place, why).hint("see policy list for the parameters of each policy"));
    }
}

/// Refuses what an operation or a review leaves no room for.
fn check_operation(
    fields: &mut Fields<'_>,
    own: &Asked,
    defaults: &Asked,
    object: Option<&Manifest>,
    old: Option<&Entry>,
) {
    let operation = own.operation.or(defaults.operation).unwrap_or(Operation::Create);
    let is_review = object.is_some_and(|object| object.kind == Kind::Review);
    if let Some(old) = old.filter(|_| is_review || operation != Operation::Update) {
        let message = format!("oldObject belongs to UPDATE, and this is {}", operation.as_str());
        let message = if is_review { "a review brings its own oldObject".to_owned() } else { message };
        fields.refuse(DocumentError::new(old.key_place, message).hint("say `operation: UPDATE`, or leave it out"));
    }
    let says = own.operation.is_some() || own.user.is_some() || own.groups.is_some() || own.namespace.name.is_some();
    if is_review && says {
        let error = DocumentError::new(fields.place(), "a review brings its own operation, user, groups and namespace");
        fields.refuse(error.hint("leave them out, or write the object instead of a review"));
    }
}

/// Who asks for what. A namespace that is not the object's own is refused.
fn options(fields: &mut Fields<'_>, asked: &Asked, object: &Manifest) -> Options {
    let own = object.node.get("metadata").and_then(|metadata| metadata.get("namespace")?.as_str());
    let given = asked.namespace.name.as_deref();
    if let (Some(own), Some(given), Some(entry)) = (own, given, fields.take("namespace"))
        && own != given
    {
        let message = format!("the object lies in namespace {own:?}, not in {given:?}");
        fields.refuse(DocumentError::new(entry.value.place, message).hint("leave one of them out"));
    }
    Options {
        operation: asked.operation.unwrap_or(Operation::Create),
        user: asked.user.clone().unwrap_or_else(|| "policy-test".to_owned()),
        groups: asked.groups.clone().unwrap_or_else(|| vec!["system:authenticated".to_owned()]),
        namespace: own.or(given).unwrap_or("default").to_owned(),
        dry_run: false,
    }
}

impl Asked {
    /// What is said here, and where nothing is, what is said there. Parameters go key by key.
    fn over(mut self, defaults: &Self) -> Self {
        let parameters = match (defaults.parameters.clone(), self.parameters.take()) {
            (Some(mut below), Some(Value::Object(own))) => {
                if let Ok(all) = below.as_object_mut() {
                    own.iter().for_each(|(key, value)| drop(all.insert(key.clone(), value.clone())));
                }
                Some(below)
            }
            (below, own) => own.or(below),
        };
        let there = defaults.clone();
        Self {
            operation: self.operation.or(there.operation),
            user: self.user.or(there.user),
            groups: self.groups.or(there.groups),
            namespace: Namespace {
                name: self.namespace.name.or(there.namespace.name),
                labels: self.namespace.labels.or(there.namespace.labels),
                annotations: self.namespace.annotations.or(there.namespace.annotations),
            },
            parameters,
            enforcement: self.enforcement.or(there.enforcement),
        }
    }
}

impl Namespace {
    /// What is known of the namespace of that name.
    fn fact(&self, name: &str) -> NamespaceFact {
        if self.labels.is_none() && self.annotations.is_none() {
            return NamespaceFact::Unknown(format!(
                "the labels of namespace {name:?} are not known: the case gives none"
            ));
        }
        let mut labels = self.labels.clone().unwrap_or_default();
        // The API server adds it to every namespace.
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        NamespaceFact::Known { labels, annotations: self.annotations.clone().unwrap_or_default() }
    }
}

fn expectation(fields: &mut Fields<'_>) -> Option<Expectation> {
    let outcome = fields.take_choice("outcome", &CaseOutcome::ALL);
    let outcome = fields.require("outcome", outcome);
    let exact = fields.take_bool("exact").unwrap_or(true);
    let error = pattern(fields, "error");
    let violations = fields.take_list("violations").map(|nodes| {
        let mut violations = Vec::new();
        for node in nodes {
            let read = wanted(node);
            violations.extend(fields.absorb(read));
        }
        violations
    });
    let outcome = outcome?;
    let has_verdict = !matches!(outcome, CaseOutcome::Error | CaseOutcome::Unavailable);
    if let (true, Some(entry)) = (has_verdict, fields.take("error")) {
        let message = format!("an error is expected, and the outcome {outcome}");
        fields.refuse(DocumentError::new(entry.key_place, message).hint("say `outcome: error` or `unavailable`"));
    }
    Some(Expectation { outcome, violations, exact, error })
}

/// A violation: a text for its message, or a mapping.
fn wanted(node: &Node) -> Result<Wanted, Errors> {
    if let Some(text) = node.as_str() {
        return compile(text, node.place).map(Wanted::message).map_err(|error| vec![error]);
    }
    let mut fields = Fields::of(node, "violation").map_err(|error| vec![error])?;
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let enforcements = [Enforcement::Deny, Enforcement::Warn, Enforcement::Audit].map(|it| (it.as_str(), it));
    let wanted = Wanted {
        policy: pattern(&mut fields, "policy"),
        message: pattern(&mut fields, "message"),
        field: pattern(&mut fields, "field"),
        remedy: pattern(&mut fields, "remedy"),
        severity: fields.take_choice("severity", &severities),
        enforcement: fields.take_choice("enforcement", &enforcements),
        count: count(&mut fields),
    };
    fields.finish().map(|()| wanted)
}

fn count(fields: &mut Fields<'_>) -> usize {
    let count = fields.take_count("count").unwrap_or(1);
    if let (true, Some(entry)) = (count > COUNT, fields.take("count")) {
        let message = format!("count is {count}, more than {COUNT}");
        fields.refuse(DocumentError::new(entry.value.place, message).hint("expect fewer violations in one case"));
    }
    usize::try_from(count.min(COUNT)).unwrap_or_default()
}

fn pattern(fields: &mut Fields<'_>, key: &'static str) -> Option<TextPattern> {
    let text = fields.take_string(key)?;
    let place = fields.take(key)?.value.place;
    compile(text, place).map_err(|error| fields.refuse(error)).ok()
}

fn compile(text: &str, place: Place) -> Result<TextPattern, DocumentError> {
    TextPattern::new(text).map_err(|error| {
        let why = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        DocumentError::new(place, format!("{text:?} is no regular expression: {why}"))
            .hint("https://docs.rs/regex/latest/regex/#syntax tells what one may hold")
    })
}
