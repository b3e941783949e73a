//! Judging manifests: each as the API server would send it, by the same act that answers the API server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::manifest::{Kind, Loaded, Manifest, Problem, Skipped};
use super::review::{Options, review_json};
use crate::admission::{FactSource, Moment, judge as judge_review};
use crate::engine::decide::{Decision, Evaluation, Outcome, Verdict};
use crate::engine::document::Node;
use crate::engine::mask::{MASKED, Mask, is_secret_field};
use crate::engine::path::FieldPath;
use crate::engine::policy_set::PolicySet;
use crate::engine::review::{Request, Review, ReviewError};
use crate::engine::scope::NamespaceFact;
use crate::engine::violation::{Enforcement, FailMode, Severity, Violation};

/// How long one object may take; as long as the API server would wait.
pub(super) const REVIEW_BUDGET: Duration = Duration::from_secs(10);

/// A value that was found is cut to so many characters.
const OBSERVED_CHARS: usize = 120;

/// The verdict on manifests. Its JSON form is documented in README and stable.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The content digest of policies and configuration.
    pub revision: Arc<str>,
    /// Each object, in the order of the input.
    pub results: Vec<Judgement>,
    /// Documents that are no Kubernetes objects.
    pub skipped: Vec<Skipped>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
    /// The counts.
    pub summary: Summary,
}

/// The verdict on one object.
#[derive(Debug, Serialize)]
pub struct Judgement {
    /// Its file.
    pub file: Arc<str>,
    /// The line it begins on.
    pub line: u32,
    /// Which object it is.
    pub object: ObjectName,
    /// Whether the API server would take it.
    pub allowed: bool,
    /// How many policies judged it.
    pub evaluated: usize,
    /// What stands against it.
    pub violations: Vec<Finding>,
    /// Policies without a verdict.
    pub errors: Vec<Failure>,
    /// What would stand against it, were it not exempt.
    pub exempted: Vec<ExemptFinding>,
}

/// Which object.
#[derive(Clone, Debug, Default, Serialize)]
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
#[derive(Debug, Serialize)]
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

/// A policy without a verdict.
#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
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
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Objects judged.
    pub objects: usize,
    /// Objects that the API server would refuse.
    pub denied: usize,
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

/// The namespaces among the input.
pub(super) struct Namespaces(BTreeMap<String, NamespaceFact>);

impl Namespaces {
    /// The namespaces among manifests.
    pub(super) fn of(manifests: &[Manifest]) -> Self {
        Self(super::review::namespaces(manifests))
    }
}

impl FactSource for Namespaces {
    fn namespace(&self, name: &str) -> NamespaceFact {
        let unknown = || {
            NamespaceFact::Unknown(format!(
                "the labels of namespace {name:?} are not known: add its manifest to the input"
            ))
        };
        self.0.get(name).cloned().unwrap_or_else(unknown)
    }
}

/// Judges every object of the input, with so much time for each policy on each object.
pub fn judge(loaded: Loaded, set: &PolicySet, options: &Options, policy_budget: Duration) -> Report {
    let namespaces = Namespaces::of(&loaded.objects);
    let mut problems = loaded.problems;
    let mut results = Vec::new();
    for manifest in &loaded.objects {
        match judge_one(manifest, set, options, &namespaces, policy_budget) {
            Ok(judgement) => results.push(judgement),
            Err(error) => problems.push(refused(manifest, &error)),
        }
    }
    let summary = summarize(&results, loaded.skipped.len(), problems.len());
    Report { revision: Arc::clone(set.revision()), results, skipped: loaded.skipped, problems, summary }
}

pub(super) fn refused(manifest: &Manifest, error: &ReviewError) -> Problem {
    Problem {
        file: Arc::clone(&manifest.file),
        line: manifest.place.line,
        column: manifest.place.column,
        message: error.to_string(),
        remedy: None,
    }
}

pub(super) fn judge_one(
    manifest: &Manifest,
    set: &PolicySet,
    options: &Options,
    namespaces: &dyn FactSource,
    policy_budget: Duration,
) -> Result<Judgement, ReviewError> {
    let json = review_json(manifest, options);
    let review = Review::parse(json.as_bytes())?;
    let moment = Moment { policy_budget, ..Moment::now(REVIEW_BUDGET) };
    let decision = judge_review(&review, set, namespaces, moment)?;
    let name = object_name(manifest, &review.request);
    let locator = Locator { manifest, object: manifest.object(), kind: &name.kind, mask: &decision.private };
    Ok(locator.judgement(&decision, name.clone()))
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
    fn judgement(&self, decision: &Decision, object: ObjectName) -> Judgement {
        let mut violations = Vec::new();
        let mut errors = Vec::new();
        let mut exempted = Vec::new();
        for evaluation in &decision.evaluations {
            match &evaluation.verdict {
                Verdict::Error(why) => errors.push(self.failure(evaluation, "error", why)),
                Verdict::Unavailable(why) => errors.push(self.failure(evaluation, "unavailable", why)),
                Verdict::Judged { violations: standing, exempted: exempt } => {
                    violations.extend(standing.iter().map(|violation| self.finding(evaluation, violation)));
                    exempted.extend(exempt.iter().map(|exempt| ExemptFinding {
                        owner: exempt.owner.clone(),
                        reason: exempt.reason.clone(),
                        finding: self.finding(evaluation, &exempt.violation),
                    }));
                }
            }
        }
        violations.sort_by(|a, b| {
            (b.enforcement, b.severity).cmp(&(a.enforcement, a.severity)).then_with(|| a.policy.cmp(&b.policy))
        });
        Judgement {
            file: Arc::clone(&self.manifest.file),
            line: self.manifest.place.line,
            object,
            allowed: decision.outcome == Outcome::Allow,
            evaluated: decision.evaluations.len(),
            violations,
            errors,
            exempted,
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

fn summarize(results: &[Judgement], skipped: usize, problems: usize) -> Summary {
    let count = |wanted: Enforcement| {
        results.iter().flat_map(|result| &result.violations).filter(|violation| violation.enforcement == wanted).count()
    };
    Summary {
        objects: results.len(),
        denied: results.iter().filter(|result| !result.allowed).count(),
        evaluations: results.iter().map(|result| result.evaluated).sum(),
        deny: count(Enforcement::Deny),
        warn: count(Enforcement::Warn),
        audit: count(Enforcement::Audit),
        exempted: results.iter().map(|result| result.exempted.len()).sum(),
        errors: results.iter().map(|result| result.errors.len()).sum(),
        skipped,
        problems,
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
