//! Mutating manifests as the webhook would, and judging what has become of them: in a cluster, too, validation sees the
//! object as the mutators left it.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use similar::TextDiff;

use super::judge::{Judgement, Locator, ObjectName, object_name, one, reviewed};
use super::manifest::{Kind, Manifest};
use super::review::Options;
use crate::admission::{FactSource, mutate as mutate_review};
use crate::engine::document::yaml::write::write;
use crate::engine::document::{Content, Node};
use crate::engine::mask::{MASKED, Mask};
use crate::engine::mutate::Mutation;
use crate::engine::patch::Patch;
use crate::engine::path::FieldPath;
use crate::engine::policy_set::PolicySet;
use crate::engine::review::{Request, ReviewError};

/// How many unchanged lines a difference shows around those that changed.
const CONTEXT: usize = 3;

/// What mutators made of an object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Mutated {
    /// The policies that changed it, by name.
    #[serde(rename = "mutatedBy")]
    pub by: Vec<Arc<str>>,
    /// What they changed: a JSON Patch (RFC 6902), as the webhook answers it.
    pub patch: Patch,
    /// The same as a unified difference of YAML, without secrets; empty if nothing changed.
    #[serde(skip)]
    pub diff: String,
}

/// An object after its mutators.
pub(super) struct Outcome {
    /// Which object it is.
    pub(super) name: ObjectName,
    /// What the mutators did.
    pub(super) mutation: Mutation,
    /// The manifest as they left it, with the places of what was there before.
    pub(super) after: Manifest,
    /// What must not be quoted of it.
    mask: Mask,
}

/// Mutates a manifest. An error if the API server's own reader would refuse it.
pub(super) fn mutate(
    manifest: &Manifest,
    set: &PolicySet,
    options: &Options,
    namespaces: &dyn FactSource,
    policy_budget: Duration,
) -> Result<Outcome, ReviewError> {
    reviewed(manifest, options, policy_budget, |review, moment| {
        let mutation = mutate_review(review, set, namespaces, moment)?;
        let after = manifest.patched(&mutation.patch, &review.request)?;
        let mask = Mask::private(review)?;
        Ok(Outcome { name: object_name(manifest, &review.request), mutation, after, mask })
    })
}

/// Judges a manifest as its mutators leave it. Where a mutator refuses it, nobody else is asked.
pub fn one_mutated(
    manifest: &Manifest,
    set: &PolicySet,
    options: &Options,
    namespaces: &dyn FactSource,
    policy_budget: Duration,
) -> Result<Judgement, ReviewError> {
    let outcome = mutate(manifest, set, options, namespaces, policy_budget)?;
    outcome.judge(manifest, set, options, namespaces, policy_budget)
}

impl Outcome {
    pub(super) fn judge(
        self,
        manifest: &Manifest,
        set: &PolicySet,
        options: &Options,
        namespaces: &dyn FactSource,
        policy_budget: Duration,
    ) -> Result<Judgement, ReviewError> {
        let Self { name, mutation, after, mask } = self;
        let decision = &mutation.decision;
        let kind = name.kind.clone();
        let locator = Locator { manifest: &after, object: after.object(), kind: &kind, mask: &mask };
        let by = decision.evaluations.iter().filter(|one| !one.changes().is_empty());
        let by: Vec<Arc<str>> = by.map(|one| Arc::clone(&one.policy.name)).collect();
        let diff = difference(manifest, &after, &name, &by, &mask);
        let mutators = locator.judgement(decision, name);
        let has_failed = !mutators.errors.is_empty();
        let mut judgement = if decision.allowed() {
            mutators.and(one(&after, set, options, namespaces, policy_budget)?)
        } else {
            mutators
        };
        let by = if decision.allowed() { by } else { Vec::new() };
        judgement.unmutated = has_failed;
        judgement.mutated = Some(Mutated { by, patch: mutation.patch, diff });
        Ok(judgement)
    }
}

impl Manifest {
    /// The manifest after a patch of the object that was sent for review.
    fn patched(&self, patch: &Patch, request: &Request) -> Result<Self, ReviewError> {
        if patch.is_empty() {
            return Ok(self.clone());
        }
        let base = match self.kind {
            Kind::Object => FieldPath::root(),
            Kind::Review => FieldPath::root().key("request").key("object"),
        };
        // The patch is of what this manifest was sent as.
        let misfit = |error: crate::engine::document::change::Misfit| ReviewError::Refused {
            uid: request.uid.clone(),
            reason: error.to_string(),
        };
        Ok(Self { node: self.node.patched(&base, patch).map_err(misfit)?, ..self.clone() })
    }
}

fn difference(before: &Manifest, after: &Manifest, name: &ObjectName, by: &[Arc<str>], mask: &Mask) -> String {
    if by.is_empty() {
        return String::new();
    }
    let text = |manifest: &Manifest| mask.hide(&write(&shown(manifest.object())));
    let header = format!("{}:{} {name}", before.file, before.place.line);
    unified(&text(before), &text(after), &header, &format!("mutated by {}", by.join(", ")))
}

/// The unified difference of two texts.
pub(super) fn unified(before: &str, after: &str, header: &str, other: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    difference.unified_diff().context_radius(CONTEXT).header(header, other).to_string()
}

/// What may be shown of an object: the values of a Secret are what may not.
fn shown(object: &Node) -> Node {
    let mut shown = object.clone();
    let is_secret = object.get("kind").and_then(Node::as_str) == Some("Secret");
    if let (true, Content::Mapping(entries)) = (is_secret, &mut shown.content) {
        for entry in entries.iter_mut().filter(|entry| matches!(&*entry.key, "data" | "stringData")) {
            if let Content::Mapping(values) = &mut entry.value.content {
                for value in values {
                    value.value.content = Content::String(Arc::from(MASKED));
                }
            }
        }
    }
    shown
}
