//! Traces: what an admission took, as spans, told to a collector when it is over.
//!
//! Spans are made of the record and its times, not on the way: a request that nobody traces pays for one comparison.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanExporter};

use crate::admission::{Finding, Outcome, PolicyRecord, Record};
use crate::observe::metrics::{outcome_label, webhook_label};
use crate::observe::policies::finding_label;
use crate::observe::trace::Caller;

/// Which requests are traced, and which of their policies.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// The share of requests without a caller's trace that are traced, from 0 to 1. With one, the caller decides.
    pub ratio: f64,
    /// How long a policy must have taken to have a span of its own.
    pub slow_policy: Duration,
}

/// When a request came, and how much of its time went before the decision.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// When its head was read.
    pub arrived: SystemTime,
    /// When facts were asked for, and had or given up; nothing if none were lacking.
    pub facts: Option<(SystemTime, SystemTime)>,
    /// When its decision began.
    pub decided_from: SystemTime,
}

/// Makes spans of what was decided.
#[derive(Debug)]
pub struct Spans {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    slow_policy: Duration,
}

impl Spans {
    /// Spans that an exporter sends, in batches and aside. What it cannot send in time is dropped.
    pub fn new(exporter: impl SpanExporter + 'static, sampling: Sampling) -> Self {
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "portcullis"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sampling.ratio))))
            .with_span_processor(BatchSpanProcessor::builder(exporter).build())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("portcullis");
        Self { provider, tracer, slow_policy: sampling.slow_policy }
    }

    /// Tells what was decided, as part of the caller's trace if it has one.
    pub fn admitted(&self, record: &Record, caller: Option<Caller>, timing: Timing) {
        let parent =
            caller.and_then(remote).map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let mut review = self
            .tracer
            .span_builder(format!("review {}", webhook_label(record.webhook)))
            .with_kind(SpanKind::Server)
            .with_start_time(timing.arrived)
            .with_attributes(attributes(record))
            .start_with_context(&self.tracer, &parent);
        if !review.span_context().is_sampled() {
            return;
        }
        if record.outcome == Outcome::Error {
            review.set_status(Status::error("a policy could not be evaluated"));
        }
        let review = parent.with_span(review);
        if let Some((asked, had)) = timing.facts {
            let facts = self.tracer.span_builder("facts").with_kind(SpanKind::Client).with_start_time(asked);
            facts.start_with_context(&self.tracer, &review).end_with_timestamp(had);
        }
        self.decided(record, timing, &review);
        review.span().end_with_timestamp(SystemTime::now());
    }

    fn decided(&self, record: &Record, timing: Timing, review: &Context) {
        let decide = self
            .tracer
            .span_builder("decide")
            .with_start_time(timing.decided_from)
            .with_attributes([KeyValue::new("portcullis.policies", count(record.policies.len()))])
            .start_with_context(&self.tracer, review);
        let decide = review.with_span(decide);
        let mut from = timing.decided_from;
        for policy in &record.policies {
            // One after the other, in this order, with next to nothing between them.
            let to = from + policy.took;
            if policy.took >= self.slow_policy {
                self.policy(policy, (from, to), &decide);
            }
            from = to;
        }
        decide.span().end_with_timestamp(timing.decided_from + record.took);
    }

    fn policy(&self, policy: &PolicyRecord, (from, to): (SystemTime, SystemTime), decide: &Context) {
        let mut span = self
            .tracer
            .span_builder("policy")
            .with_start_time(from)
            .with_attributes([
                KeyValue::new("portcullis.policy", policy.policy.to_string()),
                KeyValue::new("portcullis.enforcement", policy.enforcement),
                KeyValue::new("portcullis.finding", finding_label(policy.finding)),
            ])
            .start_with_context(&self.tracer, decide);
        if matches!(policy.finding, Finding::Error | Finding::Conflict) {
            span.set_status(Status::error("the policy could not be evaluated"));
        }
        span.end_with_timestamp(to);
    }

    /// Sends what is still waiting, and no more. Blocks, for at most `limit`; what cannot be sent is dropped.
    pub fn finish(&self, limit: Duration) {
        // Nobody is left to be told that the last spans were lost.
        let _ = self.provider.shutdown_with_timeout(limit);
    }
}

/// What a request was, without its content. Names follow the conventions for Kubernetes where there are any
/// (<https://opentelemetry.io/docs/specs/semconv/resource/k8s/>).
fn attributes(record: &Record) -> Vec<KeyValue> {
    let text = |key: &'static str, value: &str| (!value.is_empty()).then(|| KeyValue::new(key, value.to_owned()));
    [
        text("portcullis.uid", &record.uid),
        text("portcullis.kind", &record.kind),
        text("portcullis.subresource", &record.sub_resource),
        text("k8s.namespace.name", &record.namespace),
        text("portcullis.name", &record.name),
        text("portcullis.operation", record.operation),
        text("portcullis.outcome", outcome_label(record.outcome)),
        text("portcullis.revision", &record.revision),
        Some(KeyValue::new("portcullis.dry_run", record.dry_run)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn remote(caller: Caller) -> Option<SpanContext> {
    let trace = TraceId::from_hex(caller.trace.as_str()).ok()?;
    let span = SpanId::from_hex(caller.span()).ok()?;
    let flags = if caller.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::SpanData;

    use super::*;
    use crate::admission::Webhook;

    /// Keeps what is exported.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn policy(name: &str, took: Duration) -> PolicyRecord {
        PolicyRecord {
            policy: Arc::from(name),
            enforcement: "deny",
            finding: Finding::Pass,
            messages: Vec::new(),
            took,
        }
    }

    fn record(policies: Vec<PolicyRecord>) -> Record {
        Record {
            webhook: Webhook::Validate,
            uid: "u".to_owned(),
            kind: "v1/Pod".to_owned(),
            sub_resource: String::new(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
            operation: "CREATE",
            user: "ann".to_owned(),
            dry_run: false,
            outcome: Outcome::Allow,
            revision: Arc::from("r"),
            policies,
            subject: None,
            took: Duration::from_millis(5),
        }
    }

    #[test]
    fn facts_and_slow_policies_have_spans_within_the_review() {
        let kept = Kept::default();
        let sampling = Sampling { ratio: 1.0, slow_policy: Duration::from_millis(1) };
        let spans = Spans::new(kept.clone(), sampling);
        let at = |millis: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let policies = vec![policy("quick", Duration::from_micros(999)), policy("slow", Duration::from_millis(3))];
        let timing = Timing { arrived: at(10), facts: Some((at(11), at(14))), decided_from: at(20) };
        spans.admitted(&record(policies), None, timing);
        spans.finish(Duration::from_secs(5));
        let exported = kept.0.lock().unwrap();
        let named = |name: &str| exported.iter().find(|span| span.name == name).unwrap();
        let (review, decide) = (named("review validate"), named("decide"));
        assert_eq!(exported.len(), 4, "{exported:?}");
        assert_eq!(named("facts").parent_span_id, review.span_context.span_id());
        assert_eq!((named("facts").start_time, named("facts").end_time), (at(11), at(14)));
        assert_eq!(decide.parent_span_id, review.span_context.span_id());
        assert_eq!((decide.start_time, decide.end_time), (at(20), at(25)));
        let slow = named("policy");
        assert_eq!(slow.parent_span_id, decide.span_context.span_id());
        assert_eq!(slow.start_time, at(20) + Duration::from_micros(999));
        assert_eq!(review.start_time, at(10));
    }

    #[test]
    fn what_is_not_sampled_leaves_nothing() {
        let kept = Kept::default();
        let spans = Spans::new(kept.clone(), Sampling { ratio: 0.0, slow_policy: Duration::ZERO });
        let timing = Timing { arrived: SystemTime::now(), facts: None, decided_from: SystemTime::now() };
        spans.admitted(&record(vec![policy("p", Duration::from_secs(1))]), None, timing);
        spans.finish(Duration::from_secs(5));
        assert!(kept.0.lock().unwrap().is_empty());
    }
}
