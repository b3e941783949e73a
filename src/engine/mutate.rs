//! The mutation: a review, a policy set and the facts in, a patch out. Pure, total, deterministic.
//!
//! The mutators of one priority see the same object, and what they want is put together or is a conflict; the next
//! priority sees what has become of it. That is repeated until nobody wants anything more, so that mutating the result
//! again changes nothing. A policy's mutations hold wholly or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use self::attempt::Attempt;
pub use self::change::Change;
use super::budget::Stopwatch;
use super::config::Settings;
use super::decide::{Decision, Evaluation, Facts, Outcome, Verdict};
use super::inspected::Inspected;
use super::mask::Mask;
use super::patch::Patch;
use super::policy::Policy;
use super::policy_set::PolicySet;
use super::rego::Value;
use super::review::{Request, Review, ReviewError};
use super::scope::{Concern, View};
use super::violation::{Enforcement, FailMode};

mod attempt;
mod change;
mod edit;
mod merge;
pub mod operation;
mod sequence;
mod size;

/// The largest patch, in bytes: as large as an object can be in etcd.
const PATCH_BYTES: usize = 1 << 20;

/// The annotation that names the mutators of an object, if the configuration asks for it.
pub const MUTATED_BY: &str = "portcullis.dev/mutated-by";

/// What mutators make of a review.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// Whether the request goes on, with what each mutator in scope did.
    pub decision: Decision,
    /// What makes the object as the mutators want it; empty if there is nothing to do, or the request is refused.
    pub patch: Patch,
    /// The object with the patch applied; null if no mutator was in scope.
    pub object: Value,
}

/// A policy that may change the object, and how it is enforced here.
pub(super) struct Mutator<'a> {
    pub(super) policy: &'a Arc<Policy>,
    pub(super) settings: Settings,
    /// An error if whether it concerns the request depends on something unknown.
    pub(super) view: Result<View, String>,
}

impl Mutator<'_> {
    /// Only an enforced mutator acts; one that warns or audits says what it would do.
    fn acts(&self) -> bool {
        self.settings.enforcement == Enforcement::Deny
    }

    fn on_error(&self) -> FailMode {
        self.settings.on_error.under(self.settings.enforcement)
    }
}

impl Mutation {
    fn nothing() -> Self {
        Self { decision: Decision::nothing(), patch: Patch::default(), object: Value::Null }
    }
}

/// Mutates what is under review. An error if the review cannot be read.
pub fn mutate(review: &Review<'_>, set: &PolicySet, facts: &Facts) -> Result<Mutation, ReviewError> {
    let watch = Stopwatch::start();
    let mutators = mutators(set, &review.request, facts);
    if mutators.is_empty() {
        return Ok(Mutation::nothing());
    }
    let inspected = Inspected::new(review, facts)?;
    if inspected.left_alone.is_some() || *inspected.object() == Value::Null {
        return Ok(Mutation::nothing());
    }
    let mut attempt = Attempt::new(&mutators, set, review, facts, &watch);
    let Settled { mut verdicts, after, patch } = settle(&mut attempt, &inspected, &mutators, set);
    for (number, mutator) in mutators.iter().enumerate().filter(|(_, mutator)| !mutator.acts()) {
        verdicts.insert(number, attempt.advise(number, mutator, &after));
    }
    let evaluations = evaluations(&mutators, verdicts, attempt.spent());
    let outcome = evaluations.iter().map(Evaluation::outcome).max().unwrap_or(Outcome::Allow);
    let (object, patch) = if outcome == Outcome::Allow {
        (after.object().clone(), patch)
    } else {
        (inspected.object().clone(), Patch::default())
    };
    // Nobody quotes what was changed but those who look at it, who make a mask of their own.
    let (secrets, private) = if evaluations.iter().any(|one| !one.is_silent()) {
        inspected.masks()
    } else {
        (Mask::default(), Mask::default())
    };
    let decision = Decision { outcome, evaluations, secrets, private, took: watch.elapsed() };
    Ok(Mutation { decision, patch, object })
}

/// The policies that may mutate what the request is about, by priority and name.
fn mutators<'a>(set: &'a PolicySet, request: &Request, facts: &Facts) -> Vec<Mutator<'a>> {
    let mut mutators: Vec<Mutator<'a>> = set
        .policies()
        .iter()
        .filter(|policy| policy.mutates())
        .filter_map(|policy| {
            let view = match policy.metadata.scope.concerns_mutation(request, &facts.namespace) {
                Concern::No => return None,
                Concern::Yes(view) => Ok(view),
                Concern::Unknown(_, why) => Err(why),
            };
            let (settings, view) = match set.settings(policy, request, &facts.namespace) {
                Ok(settings) => (settings, view),
                Err(why) => (Settings::of(policy), Err(why)),
            };
            (settings.enforcement != Enforcement::Off).then_some(Mutator { policy, settings, view })
        })
        .collect();
    mutators.sort_by(|a, b| {
        let key = |mutator: &Mutator<'_>| (mutator.policy.metadata.priority, Arc::clone(&mutator.policy.name));
        key(a).cmp(&key(b))
    });
    mutators
}

type Verdicts = BTreeMap<usize, Verdict>;

/// What the mutators that act have come to.
struct Settled<'a> {
    verdicts: Verdicts,
    after: Inspected<'a>,
    patch: Patch,
}

/// Mutates by all that act; without those that fail, as long as nobody's failure refuses the request.
fn settle<'a>(
    attempt: &mut Attempt<'a>,
    inspected: &Inspected<'a>,
    mutators: &[Mutator<'a>],
    set: &PolicySet,
) -> Settled<'a> {
    let mut failed = Verdicts::new();
    loop {
        let acting: BTreeSet<usize> = mutators
            .iter()
            .enumerate()
            .filter(|(number, mutator)| mutator.acts() && !failed.contains_key(number))
            .map(|(number, _)| number)
            .collect();
        match attempt.run(inspected, &acting).and_then(|done| finish(done, inspected, mutators, set)) {
            Ok(mut settled) => {
                settled.verdicts.extend(failed);
                return settled;
            }
            Err(failures) => {
                let refuses = |number: &usize| mutators.get(*number).is_some_and(|m| m.on_error() == FailMode::Deny);
                let is_refused = failures.keys().any(refuses);
                failed.extend(failures);
                if is_refused {
                    return Settled { verdicts: failed, after: inspected.clone(), patch: Patch::default() };
                }
            }
        }
    }
}

/// What remains to be done when all mutators have come to rest: the annotation, and a look at what it amounts to.
fn finish<'a>(
    mut done: attempt::Done<'a>,
    before: &Inspected<'a>,
    mutators: &[Mutator<'a>],
    set: &PolicySet,
) -> Result<Settled<'a>, Verdicts> {
    let names: BTreeSet<&str> =
        done.changed().filter_map(|number| mutators.get(number)).map(|mutator| mutator.policy.name.as_ref()).collect();
    if set.config().annotates_mutations() && !names.is_empty() {
        done.after = done.after.with(change::annotated(done.after.object(), &names));
    }
    let patch = Patch::between(before.object(), done.after.object());
    let bytes = patch.to_json().len();
    if bytes > PATCH_BYTES {
        let why = format!("the patch would be {bytes} bytes, more than {PATCH_BYTES}");
        return Err(done.changed().map(|number| (number, Verdict::Error(why.clone()))).collect());
    }
    Ok(Settled { verdicts: done.verdicts, after: done.after, patch })
}

fn evaluations(mutators: &[Mutator<'_>], mut verdicts: Verdicts, spent: &[Duration]) -> Vec<Evaluation> {
    let mut evaluations: Vec<Evaluation> = mutators
        .iter()
        .enumerate()
        .map(|(number, mutator)| Evaluation {
            policy: Arc::clone(mutator.policy),
            enforcement: mutator.settings.enforcement,
            on_error: mutator.on_error(),
            // Where a request is refused, what the others would have done is not done.
            verdict: verdicts
                .remove(&number)
                .unwrap_or(Verdict::Judged { violations: Vec::new(), exempted: Vec::new() }),
            took: spent.get(number).copied().unwrap_or_default(),
        })
        .collect();
    evaluations.sort_by(|a, b| a.policy.name.cmp(&b.policy.name));
    evaluations
}

#[cfg(test)]
mod tests;
