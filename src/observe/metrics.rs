//! The metrics, in a registry of their own. Every label's values are bounded by construction: enums, and the names of
//! the loaded policies, exemptions and certificates.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use thiserror::Error;

use crate::admission::{Outcome, Record, Webhook};
use crate::observe::cluster::ClusterMetrics;
use crate::observe::policies::PolicyMetrics;

/// The metrics could not be registered.
#[derive(Debug, Error)]
#[error("register metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Why a request got no decision and no shedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Not `application/json`, or encoded.
    MediaType,
    /// No body at all.
    Empty,
    /// The body was no review.
    Malformed,
    /// The body exceeded the limit.
    Oversize,
    /// The body did not arrive in time, or its sender went away.
    SlowBody,
}

impl Rejection {
    fn label(self) -> &'static str {
        match self {
            Self::MediaType => "media_type",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::Oversize => "oversize",
            Self::SlowBody => "slow_body",
        }
    }
}

/// Handles of every metric; the hot ones are held, not looked up.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    validate_duration: Histogram,
    mutate_duration: Histogram,
    policies: PolicyMetrics,
    cluster: ClusterMetrics,
    set_info: IntGaugeVec,
    set_revision: Mutex<String>,
    set_reloads: IntCounterVec,
    set_reload_failing: IntGauge,
    set_loaded: prometheus::Gauge,
    certificate_not_before: GaugeVec,
    certificate_expiry: GaugeVec,
    exemption_expiry: GaugeVec,
    in_flight: IntGauge,
    connections: IntGauge,
    shed: IntCounter,
    rejected: IntCounterVec,
    panics: IntCounter,
    tls_failures: IntCounter,
    lost_lines: IntCounter,
}

/// 50 µs to 5 s: a whole admission.
const ADMISSION_BUCKETS: [f64; 16] =
    [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

impl Metrics {
    /// Registers them all.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let register = Register(&registry);
        let duration = register.histogram(
            "portcullis_admission_duration_seconds",
            "Time from a complete request body to its decision.",
            &["webhook"],
            &ADMISSION_BUCKETS,
        )?;
        let build = register.gauges("portcullis_build_info", "The running version; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let set_reloads = register.counters(
            "portcullis_policy_set_reloads_total",
            "Attempts to load a policy set, by result.",
            &["result"],
        )?;
        // Both results are exported from the start, so that a first failure is an increase and not a new series.
        set_reloads.with_label_values(&["success"]);
        set_reloads.with_label_values(&["failure"]);
        Ok(Self {
            requests: register.counters(
                "portcullis_admission_requests_total",
                "Reviews answered, by webhook, operation and outcome.",
                &["webhook", "operation", "outcome"],
            )?,
            validate_duration: duration.with_label_values(&[webhook_label(Webhook::Validate)]),
            mutate_duration: duration.with_label_values(&[webhook_label(Webhook::Mutate)]),
            policies: PolicyMetrics::new(&register)?,
            cluster: ClusterMetrics::new(&register)?,
            set_info: register.gauges(
                "portcullis_policy_set_info",
                "The policy set in force, by the digest of policies and configuration; always 1.",
                &["revision"],
            )?,
            set_revision: Mutex::new(String::new()),
            set_reloads,
            set_reload_failing: register.gauge(
                "portcullis_policy_set_reload_failing",
                "1 from a policy set that was refused until the next that is accepted, 0 otherwise.",
            )?,
            set_loaded: register.float(
                "portcullis_policy_set_loaded_timestamp_seconds",
                "When the policy set in force was loaded, in Unix time.",
            )?,
            certificate_not_before: register.floats(
                "portcullis_certificate_not_before_timestamp_seconds",
                "When a certificate's validity begins, in Unix time.",
                &["certificate"],
            )?,
            certificate_expiry: register.floats(
                "portcullis_certificate_expiry_timestamp_seconds",
                "When a certificate expires, in Unix time.",
                &["certificate"],
            )?,
            exemption_expiry: register.floats(
                "portcullis_exemption_expiry_timestamp_seconds",
                "When a configured exemption expires, in Unix time.",
                &["exemption"],
            )?,
            in_flight: register.gauge("portcullis_requests_in_flight", "Admission requests being read or decided.")?,
            connections: register.gauge("portcullis_connections_open", "Connections open on the webhook port.")?,
            shed: register.counter(
                "portcullis_requests_shed_total",
                "Requests answered 503 with Retry-After because a bound on memory or concurrency was reached.",
            )?,
            rejected: register.counters(
                "portcullis_requests_rejected_total",
                "Requests that were no acceptable review, by reason.",
                &["reason"],
            )?,
            panics: register.counter(
                "portcullis_panics_total",
                "Requests that ended in a fault of the server's own and were answered 500.",
            )?,
            tls_failures: register
                .counter("portcullis_tls_handshake_failures_total", "TLS handshakes that failed or timed out.")?,
            lost_lines: register
                .counter("portcullis_log_lines_lost_total", "Log lines that could not be written to standard error.")?,
            registry,
        })
    }

    /// The whole registry in Prometheus' text format.
    pub fn render(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    /// What is known of the cluster.
    pub fn cluster(&self) -> &ClusterMetrics {
        &self.cluster
    }

    /// Counts one decision and each policy's part in it.
    pub fn admitted(&self, record: &Record) {
        let webhook = webhook_label(record.webhook);
        self.requests.with_label_values(&[webhook, record.operation, outcome_label(record.outcome)]).inc();
        match record.webhook {
            Webhook::Validate => self.validate_duration.observe(record.took.as_secs_f64()),
            Webhook::Mutate => self.mutate_duration.observe(record.took.as_secs_f64()),
        }
        for policy in &record.policies {
            self.policies.count(policy);
        }
    }

    /// A policy set came into force at `loaded` after 1970: `policies` are the only names that `policy` labels may
    /// carry from now on, and the series of policies that are gone vanish.
    pub fn policy_set_loaded<'a>(&self, revision: &str, policies: impl IntoIterator<Item = &'a str>, loaded: Duration) {
        self.policies.replace(policies);
        let mut current = self.set_revision.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != revision {
            // Absent before the first load; nothing to remove is no error.
            let _ = self.set_info.remove_label_values(&[current.as_str()]);
            revision.clone_into(&mut current);
        }
        self.set_info.with_label_values(&[revision]).set(1);
        self.set_loaded.set(loaded.as_secs_f64());
        self.set_reloads.with_label_values(&["success"]).inc();
    }

    /// A policy set was read and found valid, be it the one in force: no reload fails any longer.
    pub fn policy_set_accepted(&self) {
        self.set_reload_failing.set(0);
    }

    /// A policy set was refused; the one in force stays, and reloads fail until one is accepted.
    pub fn policy_set_refused(&self) {
        self.set_reload_failing.set(1);
        self.set_reloads.with_label_values(&["failure"]).inc();
    }

    /// The certificate called `name` (such as `serving`) is valid from the start of `unix_seconds` to their end.
    pub fn certificate_valid(&self, name: &'static str, unix_seconds: Range<i64>) {
        self.certificate_not_before.with_label_values(&[name]).set(seconds(unix_seconds.start));
        self.certificate_expiry.with_label_values(&[name]).set(seconds(unix_seconds.end));
    }

    /// The configured exemptions and when each expires, in Unix seconds; replaces those known before.
    pub fn exemptions_expire<'a>(&self, exemptions: impl IntoIterator<Item = (&'a str, i64)>) {
        self.exemption_expiry.reset();
        for (name, unix_seconds) in exemptions {
            self.exemption_expiry.with_label_values(&[name]).set(seconds(unix_seconds));
        }
    }

    /// One more request in flight until the guard is dropped.
    pub fn request_started(&self) -> Counted {
        Counted::new(&self.in_flight)
    }

    /// One more connection open until the guard is dropped.
    pub fn connection_opened(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// A request was answered 503 because of a bound.
    pub fn shed(&self) {
        self.shed.inc();
    }

    /// A request was no acceptable review.
    pub fn rejected(&self, why: Rejection) {
        self.rejected.with_label_values(&[why.label()]).inc();
    }

    /// A request ended in a panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// A handshake failed or timed out.
    pub fn tls_failed(&self) {
        self.tls_failures.inc();
    }

    /// A log line was lost.
    pub fn log_line_lost(&self) {
        self.lost_lines.inc();
    }
}

/// Holds a gauge one higher for as long as it lives.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The `webhook` label of `webhook`.
pub fn webhook_label(webhook: Webhook) -> &'static str {
    match webhook {
        Webhook::Validate => "validate",
        Webhook::Mutate => "mutate",
    }
}

/// The `outcome` label of `outcome`.
pub fn outcome_label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Error => "error",
        Outcome::Unavailable => "unavailable",
        Outcome::Deny => "deny",
        Outcome::Allow => "allow",
    }
}

/// Makes metrics and registers them at once.
pub(crate) struct Register<'a>(&'a Registry);

impl Register<'_> {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.add(IntCounter::new(name, help)?)
    }

    pub(crate) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.add(IntGauge::new(name, help)?)
    }

    pub(crate) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn float(&self, name: &str, help: &str) -> Result<prometheus::Gauge, MetricsError> {
        self.add(prometheus::Gauge::new(name, help)?)
    }

    pub(crate) fn floats(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, MetricsError> {
        self.add(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(crate) fn histogram(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, MetricsError> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
    }

    fn add<C: prometheus::core::Collector + Clone + 'static>(&self, metric: C) -> Result<C, MetricsError> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

/// Unix seconds as a gauge's value.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 seconds, 285 million years")]
fn seconds(unix_seconds: i64) -> f64 {
    unix_seconds as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::admission::{Finding, PolicyRecord};

    fn record(policy: &str) -> Record {
        Record {
            webhook: Webhook::Validate,
            uid: "u".to_owned(),
            kind: "v1/Pod".to_owned(),
            sub_resource: String::new(),
            namespace: "default".to_owned(),
            name: "web".to_owned(),
            operation: "CREATE",
            user: "jane".to_owned(),
            dry_run: false,
            outcome: Outcome::Deny,
            revision: Arc::from("abc"),
            policies: vec![PolicyRecord {
                policy: Arc::from(policy),
                enforcement: "deny",
                finding: Finding::Violation,
                messages: Vec::new(),
                took: Duration::from_micros(30),
            }],
            subject: None,
            took: Duration::from_micros(80),
        }
    }

    #[test]
    fn counts_a_decision_under_its_labels() {
        let metrics = Metrics::new().unwrap();
        metrics.policy_set_loaded("abc", ["require_probes"], Duration::from_secs(1));
        metrics.admitted(&record("require_probes"));
        let text = metrics.render().unwrap();
        for line in [
            r#"portcullis_admission_requests_total{operation="CREATE",outcome="deny",webhook="validate"} 1"#,
            r#"portcullis_policy_decisions_total{enforcement="deny",outcome="violation",policy="require_probes"} 1"#,
            r#"portcullis_policy_set_info{revision="abc"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn a_reload_removes_the_old_revision_and_vanished_policies() {
        let metrics = Metrics::new().unwrap();
        metrics.policy_set_loaded("old", ["a", "b"], Duration::from_secs(1));
        metrics.admitted(&record("a"));
        metrics.admitted(&record("b"));
        metrics.policy_set_loaded("new", ["b"], Duration::from_secs(2));
        let text = metrics.render().unwrap();
        assert!(!text.contains("revision=\"old\"") && text.contains("revision=\"new\""));
        assert!(!text.contains("policy=\"a\"") && text.contains("policy=\"b\""));
    }

    #[test]
    fn a_policy_outside_the_set_makes_no_series() {
        let metrics = Metrics::new().unwrap();
        metrics.policy_set_loaded("abc", ["known"], Duration::from_secs(1));
        metrics.admitted(&record("made-up"));
        let text = metrics.render().unwrap();
        assert!(!text.contains("made-up") && text.contains(r#"policy="other"} 1"#), "{text}");
    }

    #[test]
    fn reloads_fail_from_a_refusal_until_a_set_is_accepted() {
        let metrics = Metrics::new().unwrap();
        let failing = |value: u8| {
            let text = metrics.render().unwrap();
            assert!(text.contains(&format!("\nportcullis_policy_set_reload_failing {value}\n")), "{text}");
        };
        failing(0);
        metrics.policy_set_refused();
        metrics.policy_set_refused();
        failing(1);
        metrics.policy_set_accepted();
        failing(0);
    }

    #[test]
    fn a_certificate_has_a_beginning_and_an_end() {
        let metrics = Metrics::new().unwrap();
        metrics.certificate_valid("serving", 1_800_000_000..1_800_172_800);
        let text = metrics.render().unwrap();
        for line in [
            r#"portcullis_certificate_not_before_timestamp_seconds{certificate="serving"} 1800000000"#,
            r#"portcullis_certificate_expiry_timestamp_seconds{certificate="serving"} 1800172800"#,
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn a_guard_gives_its_count_back() {
        let metrics = Metrics::new().unwrap();
        let guard = metrics.request_started();
        assert!(metrics.render().unwrap().contains("portcullis_requests_in_flight 1"));
        drop(guard);
        assert!(metrics.render().unwrap().contains("portcullis_requests_in_flight 0"));
    }
}
