//! Judging manifests: each as the API server would send it, by the same act that answers the API server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::manifest::{Kind, Manifest, Problem, Skipped};
use super::mutation::Mutated;
use super::review::{Options, review_json};
use crate::admission::{FactSource, Moment, judge as judge_review};
use crate::engine::decide::{Decision, Evaluation, Outcome, Verdict};
use crate::engine::document::Node;
use crate::engine::mask::{MASKED, Mask, is_secret_field};
use crate::engine::path::FieldPath;
use crate::engine::policy_set::PolicySet;
use crate::engine::review::{Request, Review, ReviewError};
use crate::engine::violation::{Enforcement, FailMode, Severity, Violation};

/// How long one object may take; as long as the API server would wait.
const REVIEW_BUDGET: Duration = Duration::from_secs(10);

/// A value that was found is cut to so many characters.
const OBSERVED_CHARS: usize = 120;

/// What was found of one thing in the input.
#[derive(Debug)]
pub enum Found {
    /// The verdict on an object.
    Judged(Judgement),
    /// A document that is no Kubernetes object.
    Skipped(Skipped),
    /// What could not be read or understood.
    Problem(Problem),
}

/// The verdict on one object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Judgement {
    /// Its file.
    pub file: Arc<str>,
    /// The line it begins on.
    pub line: u32,
    /// Which object it is.
    pub object: ObjectName,
    /// Whether the API server would take it.
    pub allowed: bool,
    /// Whether it was the same at the revision that the run compares with, and so fails nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub existing: bool,
    /// How many policies judged it.
    pub evaluated: usize,
    /// What stands against it.
    pub violations: Vec<Finding>,
    /// Policies without a verdict.
    pub errors: Vec<Failure>,
    /// What would stand against it, were it not exempt.
    pub exempted: Vec<ExemptFinding>,
    /// What mutators made of it, if they were asked to.
    #[serde(flatten)]
    pub mutated: Option<Mutated>,
    /// Whether a mutator has no verdict, so that the object is not what it should become.
    #[serde(skip)]
    pub unmutated: bool,
}

/// Which object.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// The API version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// The name, or `generateName`.
    pub name: String,
}

/// As a person names it: API version, kind, namespace and name.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        let name = format!("{} {} {}{slash}{}", self.api_version, self.kind, self.namespace, self.name);
        f.write_str(name.trim())
    }
}

/// A violation and the place of the field it is about.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Finding {
    /// The policy.
    pub policy: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// What follows from it.
    pub enforcement: Enforcement,
    /// What is wrong.
    pub message: String,
    /// The field's path in the object.
    pub field: Option<String>,
    /// The line of the field, or of the nearest part of its path that exists.
    pub line: u32,
    /// The column of the same.
    pub column: u32,
    /// The field's value as JSON; nothing if it is not set.
    pub observed: Option<String>,
    /// What to write instead.
    pub remedy: Option<String>,
}

impl Finding {
    /// Whether the API server would refuse the object for it.
    pub fn denies(&self) -> bool {
        self.enforcement == Enforcement::Deny
    }
}

/// A policy without a verdict.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The policy.
    pub policy: Arc<str>,
    /// `error` or `unavailable`.
    pub outcome: &'static str,
    /// What follows from it.
    pub on_error: FailMode,
    /// Why.
    pub message: String,
}

/// A violation that an exemption covers.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ExemptFinding {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The violation.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Counts over all objects.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Summary {
    /// Objects judged.
    pub objects: usize,
    /// Objects that the API server would refuse.
    pub denied: usize,
    /// Objects that mutators changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub mutated: usize,
    /// Violations in objects that are as they were at the revision that the run compares with.
    #[serde(skip_serializing_if = "is_zero")]
    pub existing: usize,
    /// Times a policy judged an object.
    pub evaluations: usize,
    /// Violations that deny.
    pub deny: usize,
    /// Violations that warn.
    pub warn: usize,
    /// Violations that are counted only.
    pub audit: usize,
    /// Violations that are exempt.
    pub exempted: usize,
    /// Policies without a verdict.
    pub errors: usize,
    /// Documents skipped.
    pub skipped: usize,
    /// What could not be read or understood.
    pub problems: usize,
}

/// Judges one manifest, with so much time for each policy. An error if the API server's own reader would refuse it.
pub fn one(
    manifest: &Manifest,
    set: &PolicySet,
    options: &Options,
    namespaces: &dyn FactSource,
    policy_budget: Duration,
) -> Result<Judgement, ReviewError> {
    reviewed(manifest, options, policy_budget, |review, moment| {
        let decision = judge_review(review, set, namespaces, moment)?;
        let name = object_name(manifest, &review.request);
        let locator = Locator { manifest, object: manifest.object(), kind: &name.kind, mask: &decision.private };
        Ok(locator.judgement(&decision, name.clone()))
    })
}

/// Has a manifest decided on as it would be sent to the server now.
pub(super) fn reviewed<T>(
    manifest: &Manifest,
    options: &Options,
    policy_budget: Duration,
    decide: impl FnOnce(&Review<'_>, Moment) -> Result<T, ReviewError>,
) -> Result<T, ReviewError> {
    let json = review_json(manifest, options);
    let review = Review::parse(json.as_bytes())?;
    decide(&review, Moment { policy_budget, ..Moment::now(REVIEW_BUDGET) })
}

/// Which object a manifest is, as it was judged.
pub(super) fn object_name(manifest: &Manifest, request: &Request) -> ObjectName {
    let object = manifest.object();
    ObjectName {
        api_version: text_at(object, &["apiVersion"]),
        kind: request.kind.kind.clone(),
        namespace: request.namespace.clone(),
        name: Some(request.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| text_at(object, &["metadata", "generateName"])),
    }
}

fn text_at(node: &Node, path: &[&str]) -> String {
    let found = path.iter().try_fold(node, |node, key| node.get(key));
    found.and_then(Node::as_str).unwrap_or_default().to_owned()
}

/// Finds the places that violations are about.
pub(super) struct Locator<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) object: &'a Node,
    pub(super) kind: &'a str,
    pub(super) mask: &'a Mask,
}

impl Locator<'_> {
    pub(super) fn judgement(&self, decision: &Decision, object: ObjectName) -> Judgement {
        let mut violations = Vec::new();
        let mut errors = Vec::new();
        let mut exempted = Vec::new();
        for evaluation in &decision.evaluations {
            match &evaluation.verdict {
                Verdict::Error(why) | Verdict::Conflict(why) => errors.push(self.failure(evaluation, "error", why)),
                Verdict::Unavailable(why) => errors.push(self.failure(evaluation, "unavailable", why)),
                Verdict::Judged { .. } | Verdict::Mutated { .. } => {
                    let standing = evaluation.violations().iter();
                    violations.extend(standing.map(|violation| self.finding(evaluation, violation)));
                    exempted.extend(evaluation.exempted().iter().map(|exempt| ExemptFinding {
                        owner: exempt.owner.clone(),
                        reason: exempt.reason.clone(),
                        finding: self.finding(evaluation, &exempt.violation),
                    }));
                }
            }
        }
        worst_first(&mut violations);
        Judgement {
            file: Arc::clone(&self.manifest.file),
            line: self.manifest.place.line,
            object,
            allowed: decision.outcome == Outcome::Allow,
            existing: false,
            evaluated: decision.evaluations.len(),
            violations,
            errors,
            exempted,
            mutated: None,
            unmutated: false,
        }
    }

    fn failure(&self, evaluation: &Evaluation, outcome: &'static str, why: &str) -> Failure {
        Failure {
            policy: Arc::clone(&evaluation.policy.name),
            outcome,
            on_error: evaluation.on_error,
            message: self.mask.hide(why),
        }
    }

    pub(super) fn finding(&self, evaluation: &Evaluation, violation: &Violation) -> Finding {
        let path = violation.field.as_deref().and_then(|field| FieldPath::parse(field).ok()).unwrap_or_default();
        let found = self.object.at(&path);
        let observed = (found.exact && violation.field.is_some()).then(|| self.observed(&path, found.node));
        Finding {
            policy: Arc::clone(&evaluation.policy.name),
            severity: evaluation.policy.metadata.severity,
            enforcement: violation.enforcement,
            message: self.mask.hide(&violation.message),
            field: violation.field.clone(),
            line: found.place.line,
            column: found.place.column,
            observed,
            remedy: violation.remedy.as_deref().map(|remedy| self.mask.hide(remedy)),
        }
    }

    fn observed(&self, path: &FieldPath, node: &Node) -> String {
        if is_secret_field(self.kind, &path.to_string()) {
            return MASKED.to_owned();
        }
        let json = self.mask.hide(&node.to_json());
        match json.char_indices().nth(OBSERVED_CHARS) {
            None => json,
            Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        }
    }
}

fn worst_first(violations: &mut [Finding]) {
    violations.sort_by(|a, b| {
        (b.enforcement, b.severity).cmp(&(a.enforcement, a.severity)).then_with(|| a.policy.cmp(&b.policy))
    });
}

impl Judgement {
    /// What the one and the other say of the same object.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.violations.extend(other.violations);
        worst_first(&mut self.violations);
        self.errors.extend(other.errors);
        self.exempted.extend(other.exempted);
        let evaluated = self.evaluated.saturating_add(other.evaluated);
        Self { allowed: self.allowed && other.allowed, evaluated, ..self }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Counts what was found.
    pub fn add(&mut self, found: &Found) {
        let more = |count: &mut usize, by: usize| *count = count.saturating_add(by);
        let judgement = match found {
            Found::Judged(judgement) => judgement,
            Found::Skipped(_) => return more(&mut self.skipped, 1),
            Found::Problem(_) => return more(&mut self.problems, 1),
        };
        more(&mut self.objects, 1);
        more(&mut self.evaluations, judgement.evaluated);
        more(&mut self.mutated, usize::from(judgement.mutated.as_ref().is_some_and(|mutated| !mutated.by.is_empty())));
        if judgement.existing {
            return more(&mut self.existing, judgement.violations.len().saturating_add(judgement.errors.len()));
        }
        more(&mut self.denied, usize::from(!judgement.allowed));
        more(&mut self.exempted, judgement.exempted.len());
        more(&mut self.errors, judgement.errors.len());
        for violation in &judgement.violations {
            match violation.enforcement {
                Enforcement::Deny => more(&mut self.deny, 1),
                Enforcement::Warn => more(&mut self.warn, 1),
                Enforcement::Audit => more(&mut self.audit, 1),
                Enforcement::Off => {}
            }
        }
    }
}

impl Manifest {
    /// The Kubernetes object: the document itself, or the one that a review is about.
    pub(super) fn object(&self) -> &Node {
        let reviewed = || {
            let request = self.node.get("request")?;
            request.get("object").filter(|object| object.entries().is_some()).or_else(|| request.get("oldObject"))
        };
        match self.kind {
            Kind::Object => &self.node,
            Kind::Review => reviewed().unwrap_or(&self.node),
        }
    }
}
