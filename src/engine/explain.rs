//! Why a decision came out as it did: what each policy saw, under which settings and exemptions, and which of its rules
//! fired with which values.
//!
//! It is made beside a decision and never instead of one: what it says of a verdict is read from the decision, and
//! reasons come from the functions that the decision is made by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::config::{Exemption, Settings};
use super::decide::{Decision, Evaluation, Facts, Verdict};
use super::inspected::{Inspected, LeftAlone};
use super::mutate::Mutation;
use super::policy::{Fired, Policy};
use super::policy_set::PolicySet;
use super::rego::Value;
use super::review::{Review, ReviewError};
use super::scope::{Concern, View};
use super::violation::{Enforcement, FailMode, Violation};

/// How long the search for what fired may take, for each rule of a policy.
const SEARCH_LIMIT: Duration = Duration::from_secs(2);

/// What one policy had to do with a request.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The policy.
    pub policy: &'a Arc<Policy>,
    /// How far the request came with the rules that judge; nothing if it has none.
    pub reach: Option<Reach<'a>>,
    /// How far it came with the rule `mutate`; nothing if it has none.
    pub mutation: Option<Reach<'a>>,
    /// How the policy is enforced for the request; an error if that depends on something unknown.
    pub settings: Result<Vec<Setting>, String>,
    /// The overrides that select the policy, in order.
    pub overrides: Vec<Overriding<'a>>,
    /// The exemptions that cover the request, or did until they ran out.
    pub exemptions: Vec<Exempting<'a>>,
}

/// How far a request came with a policy.
#[derive(Debug)]
pub enum Reach<'a> {
    /// It is not one of those that the policy is for, and why not.
    NotMatched(Vec<String>),
    /// The policy is switched off for it.
    Off,
    /// No policy may hold it up.
    LeftAlone(LeftAlone),
    /// It was judged: the evaluation in the decision, the view, and for each rule that fired how it came to that.
    Judged(&'a Evaluation, View, Vec<Fired>),
}

/// One setting in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// `enforcement`, `onError` or `parameters.<name>`.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Place,
}

/// A file and a line in it; 0 if the whole file is meant.
pub type Place = (Arc<str>, u32);

/// An override that selects a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Overriding<'a> {
    /// Where it stands.
    pub place: (&'a Arc<str>, u32),
    /// Whether it holds for the request's namespace; an error if that is not known.
    pub holds: Result<bool, String>,
}

/// An exemption that covers a request.
#[derive(Clone, Debug)]
pub struct Exempting<'a> {
    /// The exemption.
    pub exemption: &'a Exemption,
    /// Whether it has run out.
    pub is_expired: bool,
    /// How many violations it exempts, or would if it had not run out.
    pub violations: usize,
}

/// Explains a decision and a mutation: one explanation for each policy of the set, in its order. `review`, `set` and
/// `facts` are those that both were made of.
pub fn explain<'a>(
    review: &Review<'_>,
    set: &'a PolicySet,
    facts: &Facts,
    decision: &'a Decision,
    mutation: &'a Mutation,
) -> Result<Vec<Explanation<'a>>, ReviewError> {
    let inspected = Inspected::new(review, facts)?;
    let explainer = Explainer { review, set, facts, inspected: &inspected };
    Ok(set.policies().iter().map(|policy| explainer.explain(policy, decision, &mutation.decision)).collect())
}

struct Explainer<'a, 'r> {
    review: &'r Review<'r>,
    set: &'a PolicySet,
    facts: &'r Facts,
    inspected: &'r Inspected<'r>,
}

impl<'a> Explainer<'a, '_> {
    fn explain(&self, policy: &'a Arc<Policy>, decision: &'a Decision, mutation: &'a Decision) -> Explanation<'a> {
        let of = |decision: &'a Decision| decision.evaluations.iter().find(|one| one.policy.name == policy.name);
        let (evaluation, mutating) = (of(decision), of(mutation));
        let settings = self.set.settings(policy, &self.review.request, &self.facts.namespace);
        let overrides = self.overrides(policy);
        let reach = policy.judges().then(|| match evaluation {
            Some(evaluation) => self.judged(policy, evaluation, settings.as_ref().ok()),
            None => self.not_judged(policy, settings.as_ref().ok()),
        });
        let mutated = policy.mutates().then(|| self.mutated(policy, mutating, settings.as_ref().ok()));
        Explanation {
            policy,
            exemptions: evaluation.or(mutating).map(|one| self.exemptions(policy, one)).unwrap_or_default(),
            mutation: mutated,
            settings: settings.map(|settings| self.settings(policy, &settings)),
            overrides,
            reach,
        }
    }

    fn judged(&self, policy: &Policy, evaluation: &'a Evaluation, settings: Option<&Settings>) -> Reach<'a> {
        let view = match policy.metadata.scope.concerns(&self.review.request, &self.facts.namespace) {
            Concern::Yes(view) | Concern::Unknown(view, _) => view,
            Concern::No => View::Object,
        };
        let has_fired = matches!(&evaluation.verdict, Verdict::Judged { .. }) && !evaluation.passed();
        let input = settings.filter(|_| has_fired).map(|settings| self.inspected.input_of(policy, settings, view));
        let fired = match input {
            Some(Ok(input)) => policy.fired(&input, evaluation.enforcement, SEARCH_LIMIT),
            Some(Err(_)) | None => Vec::new(),
        };
        Reach::Judged(evaluation, view, fired)
    }

    fn mutated(&self, policy: &Policy, evaluation: Option<&'a Evaluation>, settings: Option<&Settings>) -> Reach<'a> {
        let (scope, request) = (&policy.metadata.scope, &self.review.request);
        match evaluation {
            Some(evaluation) => {
                let view = match scope.concerns_mutation(request, &self.facts.namespace) {
                    Concern::Yes(view) | Concern::Unknown(view, _) => view,
                    Concern::No => View::Object,
                };
                Reach::Judged(evaluation, view, Vec::new())
            }
            None => self.not_reached(scope.why_not_mutated(request, &self.facts.namespace), settings),
        }
    }

    fn not_judged(&self, policy: &Policy, settings: Option<&Settings>) -> Reach<'a> {
        let scope = &policy.metadata.scope;
        let request = &self.review.request;
        let mismatches = scope.mismatches(request, &self.facts.namespace);
        self.not_reached(mismatches.map(|mismatch| scope.describe(mismatch, request)).collect(), settings)
    }

    fn not_reached(&self, reasons: Vec<String>, settings: Option<&Settings>) -> Reach<'a> {
        let is_off = settings.is_some_and(|settings| settings.enforcement == Enforcement::Off);
        match self.inspected.left_alone {
            Some(left_alone) if reasons.is_empty() && !is_off => Reach::LeftAlone(left_alone),
            _ if reasons.is_empty() => Reach::Off,
            _ => Reach::NotMatched(reasons),
        }
    }

    fn overrides(&self, policy: &Policy) -> Vec<Overriding<'a>> {
        let selecting = self.set.config().overrides.iter().filter(|change| change.select.selects(policy));
        selecting
            .map(|change| Overriding {
                place: (&change.file, change.line),
                holds: change.place.holds(&self.review.request, &self.facts.namespace),
            })
            .collect()
    }

    /// The settings in force, each with the last override that says something of it.
    fn settings(&self, policy: &Policy, settings: &Settings) -> Vec<Setting> {
        let request = &self.review.request;
        let mut origins: BTreeMap<String, Place> = BTreeMap::new();
        let holding = self.set.config().overrides.iter().filter(|change| {
            change.select.selects(policy) && change.place.holds(request, &self.facts.namespace) == Ok(true)
        });
        for change in holding {
            let mut said = Vec::new();
            said.extend(change.enforcement.map(|_| "enforcement".to_owned()));
            said.extend(change.on_error.map(|_| "onError".to_owned()));
            said.extend(change.parameters.iter().flat_map(fields).map(|(name, _)| parameter(&name)));
            origins.extend(said.into_iter().map(|name| (name, (Arc::clone(&change.file), change.line))));
        }
        let text = |text: &str| Value::from(text);
        let mut values = vec![
            ("enforcement".to_owned(), text(Enforcement::as_str(settings.enforcement))),
            ("onError".to_owned(), text(FailMode::as_str(settings.on_error))),
        ];
        values.extend(fields(&settings.parameters).map(|(name, value)| (parameter(&name), value)));
        let metadata = || (Arc::clone(&policy.file), 0);
        values
            .into_iter()
            .map(|(name, value)| Setting { origin: origins.remove(&name).unwrap_or_else(metadata), name, value })
            .collect()
    }

    fn exemptions(&self, policy: &Policy, evaluation: &Evaluation) -> Vec<Exempting<'a>> {
        let config = self.set.config();
        let subject = self.inspected.subject();
        let mut exempting = Vec::new();
        for exemption in &config.exemptions {
            let is_expired = exemption.is_expired(subject.today);
            let as_if_valid = Exemption { expires: None, ..exemption.clone() };
            if as_if_valid.covers(&policy.name, &subject, config.trusts_labels()) {
                let violations = self.exempted_by(exemption, evaluation, is_expired);
                exempting.push(Exempting { exemption, is_expired, violations });
            }
        }
        exempting
    }

    /// How many violations the decision says that an exemption covers; of one that ran out, how many it would.
    fn exempted_by(&self, exemption: &Exemption, evaluation: &Evaluation, is_expired: bool) -> usize {
        if is_expired {
            let covers = |violation: &&Violation| self.inspected.covers_images(exemption, violation);
            return evaluation.violations().iter().filter(covers).count();
        }
        let place = (Arc::clone(&exemption.file), exemption.line);
        evaluation.exempted().iter().filter(|exempted| exempted.place == place).count()
    }
}

fn parameter(name: &str) -> String {
    format!("parameters.{name}")
}

/// The fields of an object, by name.
fn fields(object: &Value) -> impl Iterator<Item = (String, Value)> + '_ {
    let fields = object.as_object().ok().into_iter().flat_map(|fields| fields.iter_sorted());
    fields.filter_map(|(key, value)| Some((key.as_string().ok()?.to_string(), value.clone())))
}

#[cfg(test)]
mod tests;
