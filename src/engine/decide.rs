//! The decision: a review, a policy set and the facts in, a decision out. Pure, total, deterministic.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Stopwatch;
use super::config::{Config, Settings};
use super::inspected::Inspected;
use super::mask::Mask;
use super::mutate::Change;
use super::policy::Policy;
use super::policy_set::PolicySet;
use super::review::{Request, Review, ReviewError};
use super::scope::{Concern, NamespaceFact, View};
use super::violation::{Enforcement, FailMode, Violation};

/// What a decision depends on beside the review and the policies.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What is known of the request's namespace.
    pub namespace: NamespaceFact,
    /// The time of the request, RFC 3339 in UTC.
    pub now: String,
    /// How long each policy may take.
    pub policy_budget: Duration,
    /// How long the whole decision may take.
    pub review_budget: Duration,
}

/// The default time budget of a policy.
pub const POLICY_BUDGET: Duration = Duration::from_millis(50);

/// The outcome of a request: the worst of what decided the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing stood against it.
    Allow,
    /// A policy denied.
    Deny,
    /// A fact could not be had, and the fail mode refused.
    Unavailable,
    /// A policy broke, and its fail mode refused.
    Error,
}

/// A decision, one evaluation for each policy in scope, by name.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// What each policy in scope found.
    pub evaluations: Vec<Evaluation>,
    /// What the answer must not quote: the values of a Secret under review.
    pub secrets: Mask,
    /// What logs must not quote: the same, and environment variables.
    pub private: Mask,
    /// How long it took; no part of the decision.
    pub took: Duration,
}

/// What one policy found.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The policy.
    pub policy: Arc<Policy>,
    /// How it is enforced here.
    pub enforcement: Enforcement,
    /// What follows if it could not be evaluated, here.
    pub on_error: FailMode,
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took; no part of the decision.
    pub took: Duration,
}

/// A policy's verdict on a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was evaluated.
    Judged {
        /// What stands against the request.
        violations: Vec<Violation>,
        /// What would, were it not exempt.
        exempted: Vec<Exempted>,
    },
    /// It changed the object.
    Mutated {
        /// What it changed.
        changes: Vec<Change>,
        /// What it would have changed, were that not exempt.
        exempted: Vec<Exempted>,
    },
    /// It broke, or ran out of time.
    Error(String),
    /// It and another policy want different things at one place of the object.
    Conflict(String),
    /// A fact that it needs could not be had.
    Unavailable(String),
}

/// A violation that an exemption covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Exempted {
    /// The violation.
    pub violation: Violation,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The file and the line that the exemption stands on.
    pub place: (Arc<str>, u32),
}

impl Evaluation {
    /// Whether the policy found nothing, not even something exempt.
    pub fn passed(&self) -> bool {
        matches!(&self.verdict, Verdict::Judged { violations, exempted } if violations.is_empty() && exempted.is_empty())
    }

    /// Whether nothing is said of what it found: it passed, or changed the object.
    pub fn is_silent(&self) -> bool {
        self.passed() || matches!(&self.verdict, Verdict::Mutated { exempted, .. } if exempted.is_empty())
    }

    /// What the verdict means for the request.
    pub fn outcome(&self) -> Outcome {
        match &self.verdict {
            Verdict::Judged { violations, .. } if violations.iter().any(|v| v.enforcement == Enforcement::Deny) => {
                Outcome::Deny
            }
            Verdict::Error(_) | Verdict::Conflict(_) if self.on_error == FailMode::Deny => Outcome::Error,
            Verdict::Unavailable(_) if self.on_error == FailMode::Deny => Outcome::Unavailable,
            Verdict::Judged { .. }
            | Verdict::Mutated { .. }
            | Verdict::Error(_)
            | Verdict::Conflict(_)
            | Verdict::Unavailable(_) => Outcome::Allow,
        }
    }

    /// What stands against the request, exempted violations left out.
    pub fn violations(&self) -> &[Violation] {
        match &self.verdict {
            Verdict::Judged { violations, .. } => violations,
            Verdict::Mutated { .. } | Verdict::Error(_) | Verdict::Conflict(_) | Verdict::Unavailable(_) => &[],
        }
    }

    /// What would stand against the request, were it not exempt.
    pub fn exempted(&self) -> &[Exempted] {
        match &self.verdict {
            Verdict::Judged { exempted, .. } | Verdict::Mutated { exempted, .. } => exempted,
            Verdict::Error(_) | Verdict::Conflict(_) | Verdict::Unavailable(_) => &[],
        }
    }

    /// What it changed.
    pub fn changes(&self) -> &[Change] {
        match &self.verdict {
            Verdict::Mutated { changes, .. } => changes,
            Verdict::Judged { .. } | Verdict::Error(_) | Verdict::Conflict(_) | Verdict::Unavailable(_) => &[],
        }
    }
}

impl Decision {
    /// The decision where no policy is in scope.
    pub fn nothing() -> Self {
        Self {
            outcome: Outcome::Allow,
            evaluations: Vec::new(),
            secrets: Mask::default(),
            private: Mask::default(),
            took: Duration::ZERO,
        }
    }

    /// Whether the request goes through.
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allow
    }
}

/// Decides a review. An error if the review cannot be read, or must be refused for its form.
pub fn decide(review: &Review<'_>, set: &PolicySet, facts: &Facts) -> Result<Decision, ReviewError> {
    let watch = Stopwatch::start();
    let mut subject: Option<Inspected<'_>> = None;
    let mut evaluations = Vec::new();
    for policy in set.policies() {
        let Some((settings, concern)) = concern(policy, set, &review.request, facts) else { continue };
        let inspected = match subject.take() {
            Some(inspected) => inspected,
            None => Inspected::new(review, facts)?,
        };
        let inspected = subject.insert(inspected);
        if inspected.left_alone.is_some() {
            break;
        }
        let started = watch.elapsed();
        let limit = facts.policy_budget.min(facts.review_budget.saturating_sub(started));
        let verdict = match concern {
            Ok(view) => inspected.judge(policy, &settings, view, limit, set.config()),
            Err(why) => Verdict::Unavailable(why),
        };
        evaluations.push(Evaluation {
            policy: Arc::clone(policy),
            enforcement: settings.enforcement,
            on_error: settings.on_error.under(settings.enforcement),
            verdict,
            took: watch.elapsed().saturating_sub(started),
        });
    }
    let outcome = evaluations.iter().map(Evaluation::outcome).max().unwrap_or(Outcome::Allow);
    let (secrets, private) = match &subject {
        Some(inspected) if evaluations.iter().any(|evaluation| !evaluation.passed()) => inspected.masks(),
        Some(_) | None => (Mask::default(), Mask::default()),
    };
    Ok(Decision { outcome, evaluations, secrets, private, took: watch.elapsed() })
}

/// How a policy is enforced for a request and through which view, if it concerns it; the view is an error if that
/// depends on something unknown.
fn concern(
    policy: &Arc<Policy>,
    set: &PolicySet,
    request: &Request,
    facts: &Facts,
) -> Option<(Settings, Result<View, String>)> {
    if !policy.judges() {
        return None;
    }
    let concern = match policy.metadata.scope.concerns(request, &facts.namespace) {
        Concern::No => return None,
        Concern::Yes(view) => Ok(view),
        Concern::Unknown(_, why) => Err(why),
    };
    let (settings, concern) = match set.settings(policy, request, &facts.namespace) {
        Ok(settings) => (settings, concern),
        // Which settings hold is not known: the policy's own do for the answer.
        Err(why) => (Settings::of(policy), Err(why)),
    };
    (settings.enforcement != Enforcement::Off).then_some((settings, concern))
}

impl Inspected<'_> {
    fn judge(
        &self,
        policy: &Arc<Policy>,
        settings: &Settings,
        view: View,
        limit: Duration,
        config: &Config,
    ) -> Verdict {
        if limit.is_zero() {
            return Verdict::Error("no time was left for it within the review's deadline".to_owned());
        }
        let input = match self.input_of(policy, settings, view) {
            Ok(input) => input,
            Err(verdict) => return verdict,
        };
        match policy.evaluate(input, settings.enforcement, limit) {
            Ok(violations) => self.exempt(policy, violations, config),
            Err(error) => Verdict::Error(error.to_string()),
        }
    }

    /// Splits violations into those that stand and those that an exemption covers, the most severe first.
    fn exempt(&self, policy: &Policy, mut violations: Vec<Violation>, config: &Config) -> Verdict {
        violations.sort_by(|a, b| b.enforcement.cmp(&a.enforcement).then_with(|| a.cmp(b)));
        let covering = self.exemptions(policy, config);
        let (mut standing, mut exempted) = (Vec::new(), Vec::new());
        for violation in violations {
            match covering.iter().find(|exemption| self.covers_images(exemption, &violation)) {
                Some(exemption) => exempted.push(Exempted {
                    violation,
                    owner: exemption.owner.clone(),
                    reason: exemption.reason.clone(),
                    place: (Arc::clone(&exemption.file), exemption.line),
                }),
                None => standing.push(violation),
            }
        }
        Verdict::Judged { violations: standing, exempted }
    }
}

#[cfg(test)]
mod tests;
