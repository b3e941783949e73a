//! Reading a suite, checked against the policies that it tests.

mod asked;
mod expect;

use std::sync::Arc;

use self::asked::{Asked, asked};
use self::expect::{check_mutation, expectation};
use super::{Case, Expectation, Suite};
use crate::engine::bundle::Bundle;
use crate::engine::config::{Override, Place as Everywhere, Select, misfit};
use crate::engine::document::fields::{Fields, closest};
use crate::engine::document::{Content, DocumentError, Entry, Node, Place};
use crate::engine::document::{json, yaml};
use crate::engine::metadata::read::in_file;
use crate::engine::policy::Policy;
use crate::engine::rego::Value;
use crate::engine::review::Operation;
use crate::engine::source::{Source, SourceError};
use crate::suite::manifest::{Kind, Manifest};
use crate::suite::review::Options;

const API_VERSION: &str = "portcullis.dev/v1alpha1";
const KIND: &str = "Suite";

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
            let patched = expect.take("patched");
            let patched = patched.and_then(|entry| self.object(&mut expect, entry));
            check_mutation(&mut expect, tested.iter().any(|policy| policy.mutates()));
            let read = expectation(&mut expect).map(|read| Expectation { patched, ..read });
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
