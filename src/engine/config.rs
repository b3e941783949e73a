//! The configuration: which policy is enforced where, with which parameters, and who is exempt until when.

use std::sync::Arc;

use super::pattern::{Pattern, Selector, any};
use super::policy::Policy;
use super::rego::Value;
use super::review::Request;
use super::scope::{KindPattern, NamespaceFact};
use super::violation::{Enforcement, FailMode, Severity};

mod lint;
mod read;

pub use lint::{Advice, advise};
pub use read::{misfit, read};

/// A configuration file, checked against the policies it configures.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Changes to policies, in order.
    pub overrides: Vec<Override>,
    /// Who is exempt from what.
    pub exemptions: Vec<Exemption>,
    /// Whether labels of the object, which its own author sets, may exempt it.
    pub trust_labels: Option<bool>,
    /// Whether a mutated object says by an annotation whose work it is.
    pub annotate_mutations: Option<bool>,
}

impl Config {
    /// This configuration on top of another: what it says comes last, and so wins.
    #[must_use]
    pub fn over(mut self, below: Self) -> Self {
        self.overrides.splice(..0, below.overrides);
        self.exemptions.splice(..0, below.exemptions);
        self.trust_labels = self.trust_labels.or(below.trust_labels);
        self.annotate_mutations = self.annotate_mutations.or(below.annotate_mutations);
        self
    }

    /// The same for all policies but these, whatever its overrides select.
    #[must_use]
    pub fn without(mut self, policies: &[Arc<str>]) -> Self {
        for change in &mut self.overrides {
            change.select.without.extend(policies.iter().cloned());
        }
        self
    }

    /// Whether labels of the object may exempt it: only if it is said.
    pub fn trusts_labels(&self) -> bool {
        self.trust_labels.unwrap_or_default()
    }

    /// Whether a mutated object says whose work it is: only if it is said.
    pub fn annotates_mutations(&self) -> bool {
        self.annotate_mutations.unwrap_or_default()
    }
}

/// A change to some policies, in some namespaces.
#[derive(Clone, Debug)]
pub struct Override {
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line it stands on.
    pub line: u32,
    /// Which policies.
    pub select: Select,
    /// Where; everywhere if nothing is said.
    pub place: Place,
    /// The enforcement, if changed.
    pub enforcement: Option<Enforcement>,
    /// The fail mode, if changed.
    pub on_error: Option<FailMode>,
    /// Parameters by name, each replacing the one before.
    pub parameters: Option<Value>,
}

/// Which policies an override is for. Each list that is given must fit; an empty one fits all.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// By name.
    pub policies: Vec<Pattern>,
    /// By control.
    pub controls: Vec<Pattern>,
    /// By severity.
    pub severities: Vec<Severity>,
    /// Not these, by name, whatever the lists say.
    pub without: Vec<Arc<str>>,
}

/// Where an override holds.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Namespaces by name; any if empty.
    pub namespaces: Vec<Pattern>,
    /// Namespaces by label.
    pub namespace_selector: Option<Selector>,
}

/// A violation that somebody answers for, for a time.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line it stands on.
    pub line: u32,
    /// From which policies.
    pub policies: Vec<Pattern>,
    /// For which requests. Each list that is given must fit; an empty one fits all.
    pub matches: ExemptionMatch,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day it holds, `YYYY-MM-DD` in UTC; for ever if it says none.
    pub expires: Option<String>,
}

/// For which requests an exemption holds.
#[derive(Clone, Debug, Default)]
pub struct ExemptionMatch {
    /// Namespaces by name.
    pub namespaces: Vec<Pattern>,
    /// Namespaces by label.
    pub namespace_selector: Option<Selector>,
    /// Kinds as requested: a Job's exemption is not its Pods'.
    pub kinds: Vec<KindPattern>,
    /// Names of objects.
    pub names: Vec<Pattern>,
    /// Images: the violations of a container that runs one are exempt, no others.
    pub images: Vec<Pattern>,
    /// Users.
    pub users: Vec<Pattern>,
    /// Groups; one in common is enough.
    pub groups: Vec<Pattern>,
    /// Labels of the object; holds only under `trustLabels`.
    pub labels: Option<Selector>,
}

/// How one policy is enforced for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What follows from a violation.
    pub enforcement: Enforcement,
    /// What follows when it cannot be evaluated.
    pub on_error: FailMode,
    /// The parameters, defaults and configuration merged.
    pub parameters: Value,
}

impl Settings {
    /// What the policy itself says.
    pub fn of(policy: &Policy) -> Self {
        let metadata = &policy.metadata;
        Self { enforcement: metadata.enforcement, on_error: metadata.on_error, parameters: metadata.parameters.clone() }
    }

    /// The same, changed by an override.
    pub fn apply(&mut self, change: &Override) {
        self.enforcement = change.enforcement.unwrap_or(self.enforcement);
        self.on_error = change.on_error.unwrap_or(self.on_error);
        if let (Some(Value::Object(new)), Ok(parameters)) = (&change.parameters, self.parameters.as_object_mut()) {
            for (key, value) in new.iter() {
                parameters.insert(key.clone(), value.clone());
            }
        }
    }
}

impl Select {
    /// Whether a policy is meant.
    pub fn selects(&self, policy: &Policy) -> bool {
        let controls = &policy.metadata.controls;
        !self.without.contains(&policy.name)
            && (self.policies.is_empty() || any(&self.policies, &policy.name))
            && (self.controls.is_empty() || controls.iter().any(|control| any(&self.controls, control)))
            && (self.severities.is_empty() || self.severities.contains(&policy.metadata.severity))
    }
}

impl Place {
    /// Whether it is everywhere.
    pub fn is_everywhere(&self) -> bool {
        self.namespaces.is_empty() && self.namespace_selector.is_none()
    }

    /// Whether a request's namespace is there; an error if that depends on labels that are not known.
    pub fn holds(&self, request: &Request, namespace: &NamespaceFact) -> Result<bool, String> {
        if !self.namespaces.is_empty() && !any(&self.namespaces, &request.namespace) {
            return Ok(false);
        }
        // What belongs to no namespace is in none that a selector could mean.
        if self.namespace_selector.is_some() && request.namespace.is_empty() {
            return Ok(false);
        }
        selector_holds(self.namespace_selector.as_ref(), namespace)
    }
}

fn selector_holds(selector: Option<&Selector>, namespace: &NamespaceFact) -> Result<bool, String> {
    match (selector, namespace) {
        (None, _) => Ok(true),
        (Some(selector), NamespaceFact::Known { labels, .. }) => Ok(selector.matches(labels)),
        (Some(_), NamespaceFact::Unknown(why)) => Err(why.clone()),
    }
}

/// What an exemption looks at beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The request.
    pub request: &'a Request,
    /// The object's name, its `generateName` if it has none yet.
    pub name: &'a str,
    /// The object, or null.
    pub object: &'a Value,
    /// What is known of its namespace.
    pub namespace: &'a NamespaceFact,
    /// The day of the request, `YYYY-MM-DD` in UTC.
    pub today: &'a str,
}

impl Exemption {
    /// Whether it has run out by a day, `YYYY-MM-DD`.
    pub fn is_expired(&self, today: &str) -> bool {
        self.expires.as_deref().is_some_and(|expires| expires < today)
    }

    /// Whether it exempts a request from a policy, images aside. What is not known exempts nobody.
    pub fn covers(&self, policy: &str, subject: &Subject<'_>, trust_labels: bool) -> bool {
        let request = subject.request;
        let user = &request.user;
        let wanted = &self.matches;
        let fits = |patterns: &[Pattern], name: &str| patterns.is_empty() || any(patterns, name);
        !self.is_expired(subject.today)
            && any(&self.policies, policy)
            && fits(&wanted.namespaces, &request.namespace)
            && (wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind.matches(&request.kind)))
            && fits(&wanted.names, subject.name)
            && fits(&wanted.users, &user.username)
            && (wanted.groups.is_empty() || user.groups.iter().any(|group| any(&wanted.groups, group)))
            && selector_holds(wanted.namespace_selector.as_ref(), subject.namespace) == Ok(true)
            && wanted.labels.as_ref().is_none_or(|selector| trust_labels && selector.matches(&labels(subject.object)))
    }
}

/// The labels of an object.
pub fn labels(object: &Value) -> super::pattern::Labels {
    string_map(&object["metadata"]["labels"])
}

/// The annotations of an object.
pub fn annotations(object: &Value) -> super::pattern::Labels {
    string_map(&object["metadata"]["annotations"])
}

fn string_map(value: &Value) -> super::pattern::Labels {
    let Ok(fields) = value.as_object() else { return super::pattern::Labels::new() };
    let text = |value: &Value| value.as_string().ok().map(std::string::ToString::to_string);
    fields.iter().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
}

#[cfg(test)]
mod tests;
