//! Metrics by policy: handles held for the loaded set and nothing else, so that a policy label cannot grow.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use crate::admission::{Finding, PolicyRecord};
use crate::observe::metrics::{MetricsError, Register};

/// The enforcements a policy may run under; anything else counts as the last.
const ENFORCEMENTS: [&str; 4] = ["deny", "warn", "audit", "other"];
/// One of each `outcome` label.
const FINDINGS: [Finding; 6] =
    [Finding::Pass, Finding::Violation, Finding::Exempt, Finding::Error, Finding::Unavailable, Finding::Mutated];

/// The policy label of a decision that names no policy of the loaded set: one made by the set before, during a reload.
const OTHER: &str = "other";

/// 10 µs to 1 s: one policy's evaluation.
const POLICY_BUCKETS: [f64; 10] = [0.00001, 0.00005, 0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0];

/// Decisions, mutations and durations by policy.
#[derive(Debug)]
pub(crate) struct PolicyMetrics {
    decisions: IntCounterVec,
    mutations: IntCounterVec,
    conflicts: IntCounterVec,
    durations: HistogramVec,
    loaded: ArcSwap<HashMap<Arc<str>, Arc<Handles>>>,
    other: Handles,
}

impl PolicyMetrics {
    pub(crate) fn new(register: &Register<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            decisions: register.counters(
                "portcullis_policy_decisions_total",
                "What each policy found, by the enforcement it ran under.",
                &["policy", "enforcement", "outcome"],
            )?,
            mutations: register.counters(
                "portcullis_mutations_total",
                "Objects that each policy changed.",
                &["policy"],
            )?,
            conflicts: register.counters(
                "portcullis_mutation_conflicts_total",
                "Mutations of each policy not made because another policy wanted something else at the same place.",
                &["policy"],
            )?,
            durations: register.histogram(
                "portcullis_policy_duration_seconds",
                "Time one policy's evaluation took.",
                &["policy"],
                &POLICY_BUCKETS,
            )?,
            loaded: ArcSwap::default(),
            other: Handles::new(OTHER),
        })
    }

    /// Counts one policy's part in a decision.
    pub(crate) fn count(&self, policy: &PolicyRecord) {
        let loaded = self.loaded.load();
        let handles = loaded.get(&policy.policy).map_or(&self.other, AsRef::as_ref);
        handles.decision(&self.decisions, policy.enforcement, policy.finding).inc();
        match policy.finding {
            Finding::Mutated => handles.mutations.of(&self.mutations, &handles.policy).inc(),
            Finding::Conflict => handles.conflicts.of(&self.conflicts, &handles.policy).inc(),
            Finding::Pass | Finding::Violation | Finding::Exempt | Finding::Error | Finding::Unavailable => {}
        }
        handles.duration(&self.durations).observe(policy.took.as_secs_f64());
    }

    /// Makes `policies` the only ones with series of their own; those that stay keep their counts.
    pub(crate) fn replace<'a>(&self, policies: impl IntoIterator<Item = &'a str>) {
        let before = self.loaded.load_full();
        let after: HashMap<Arc<str>, Arc<Handles>> = policies
            .into_iter()
            .map(|name| match before.get_key_value(name) {
                Some((name, handles)) => (Arc::clone(name), Arc::clone(handles)),
                None => (Arc::from(name), Arc::new(Handles::new(name))),
            })
            .collect();
        let gone: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
        self.loaded.store(Arc::new(after));
        for name in gone {
            self.forget(&name);
        }
    }

    fn forget(&self, policy: &str) {
        for enforcement in ENFORCEMENTS {
            for finding in FINDINGS {
                // Most of these were never counted; removing what is not there is no error.
                let _ = self.decisions.remove_label_values(&[policy, enforcement, finding_label(finding)]);
            }
        }
        let _ = self.durations.remove_label_values(&[policy]);
        let _ = self.mutations.remove_label_values(&[policy]);
        let _ = self.conflicts.remove_label_values(&[policy]);
    }
}

/// One policy's series, each made when first counted.
#[derive(Debug)]
struct Handles {
    policy: String,
    decisions: [[OnceLock<IntCounter>; FINDINGS.len()]; ENFORCEMENTS.len()],
    duration: OnceLock<Histogram>,
    mutations: Counter,
    conflicts: Counter,
}

/// A policy's series of one family.
#[derive(Debug, Default)]
struct Counter(OnceLock<IntCounter>);

impl Counter {
    fn of(&self, all: &IntCounterVec, policy: &str) -> &IntCounter {
        self.0.get_or_init(|| all.with_label_values(&[policy]))
    }
}

impl Handles {
    fn new(policy: &str) -> Self {
        Self {
            policy: policy.to_owned(),
            decisions: Default::default(),
            duration: OnceLock::new(),
            mutations: Counter::default(),
            conflicts: Counter::default(),
        }
    }

    fn decision(&self, all: &IntCounterVec, enforcement: &str, finding: Finding) -> &IntCounter {
        let [deny, warn, audit, other] = &self.decisions;
        let (label, row) = match enforcement {
            "deny" => ("deny", deny),
            "warn" => ("warn", warn),
            "audit" => ("audit", audit),
            _ => ("other", other),
        };
        let [pass, violation, exempt, error, unavailable, mutated] = row;
        let cell = match finding {
            Finding::Pass => pass,
            Finding::Violation => violation,
            Finding::Exempt => exempt,
            Finding::Error | Finding::Conflict => error,
            Finding::Unavailable => unavailable,
            Finding::Mutated => mutated,
        };
        cell.get_or_init(|| all.with_label_values(&[self.policy.as_str(), label, finding_label(finding)]))
    }

    fn duration(&self, all: &HistogramVec) -> &Histogram {
        self.duration.get_or_init(|| all.with_label_values(&[self.policy.as_str()]))
    }
}

/// The `outcome` label of `finding`.
pub(crate) fn finding_label(finding: Finding) -> &'static str {
    match finding {
        Finding::Pass => "pass",
        Finding::Violation => "violation",
        Finding::Exempt => "exempt",
        // A conflict is an error of both policies, and has a metric of its own besides.
        Finding::Error | Finding::Conflict => "error",
        Finding::Unavailable => "unavailable",
        Finding::Mutated => "mutated",
    }
}
