//! The metrics of what is known of a cluster: how fresh it is and how much there is of it.

use std::time::Duration;

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};

use crate::observe::metrics::{MetricsError, Register};

/// How a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The object is there.
    Found,
    /// It is not.
    Absent,
    /// It could not be told in time.
    Failed,
}

/// What became of a refusal that an Event was to tell of, or of the Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// An Event was written.
    Written,
    /// An Event was brought up to date: its series has grown.
    Counted,
    /// The refusal is in no Event: there were too many.
    Dropped,
    /// The API server did not take the Event.
    Failed,
}

impl Told {
    const ALL: [Self; 4] = [Self::Written, Self::Counted, Self::Dropped, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Counted => "counted",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// Empty without a cluster: a series appears with the first watch.
#[derive(Debug)]
pub struct ClusterMetrics {
    synced: GaugeVec,
    errors: IntCounterVec,
    objects: IntGaugeVec,
    lookups: IntCounterVec,
    told: IntCounterVec,
}

impl ClusterMetrics {
    pub(crate) fn new(register: &Register<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            synced: register.floats(
                "portcullis_watch_synced_timestamp_seconds",
                "When what is known of a resource was last in step with the API server, in Unix time.",
                &["resource"],
            )?,
            errors: register.counters(
                "portcullis_watch_errors_total",
                "Failures of the watch of a resource; what is known goes on being used.",
                &["resource"],
            )?,
            objects: register.gauges("portcullis_watch_objects", "Objects known of a resource.", &["resource"])?,
            lookups: register.counters(
                "portcullis_namespace_lookups_total",
                "Namespaces looked up because the watch had not told of them, by result.",
                &["result"],
            )?,
            told: register.counters(
                "portcullis_denial_events_total",
                "Events of refused workloads: written, counted into a series, dropped because of too many, or failed.",
                &["result"],
            )?,
        })
    }

    /// What is known of `resource` is as the API server has it, at `now` after 1970.
    pub fn watch_in_step(&self, resource: &'static str, now: Duration) {
        self.synced.with_label_values(&[resource]).set(now.as_secs_f64());
        self.errors.with_label_values(&[resource]);
    }

    /// When that was last so, in seconds after 1970; nothing before the first time.
    pub fn in_step(&self, resource: &'static str) -> Option<f64> {
        Some(self.synced.with_label_values(&[resource]).get()).filter(|seconds| *seconds > 0.0)
    }

    /// The watch of `resource` failed.
    pub fn watch_failed(&self, resource: &'static str) {
        self.errors.with_label_values(&[resource]).inc();
    }

    /// So many objects are known of `resource`.
    pub fn kept(&self, resource: &'static str, count: usize) {
        self.objects.with_label_values(&[resource]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A namespace was looked up.
    pub fn sought(&self, sought: Sought) {
        let result = match sought {
            Sought::Found => "found",
            Sought::Absent => "absent",
            Sought::Failed => "failed",
        };
        self.lookups.with_label_values(&[result]).inc();
    }

    /// Refusals are told of by Events from now on: every result is exported before the first.
    pub fn tells(&self) {
        for told in Told::ALL {
            self.told.with_label_values(&[told.label()]);
        }
    }

    /// An Event was written, or a refusal is in none.
    pub fn told(&self, told: Told) {
        self.told.with_label_values(&[told.label()]).inc();
    }
}
