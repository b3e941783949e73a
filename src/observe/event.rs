//! Everything the log can say. One variant is one kind of line; its fields are the line's fields. docs/log.md says so to
//! those who read the log.

#[cfg(test)]
mod documented;

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::admission::{Finding, PolicyRecord, Record};
use crate::observe::metrics::{outcome_label, webhook_label};
use crate::observe::policies::finding_label;
use crate::observe::trace::TraceId;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something broke, or nearly.
    Error,
    /// Someone should look at it some day.
    Warn,
    /// All is well.
    Info,
}

/// One line of the log.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// The server listens.
    Started {
        /// The program's version.
        version: &'a str,
        /// Where reviews are answered.
        webhook_address: SocketAddr,
        /// Where health and metrics are answered.
        operations_address: SocketAddr,
        /// The policy set in force.
        revision: &'a str,
        /// How many policies it holds.
        policies: usize,
    },
    /// Something was loaded anew and is in force.
    Reloaded {
        /// `policies`, `configuration`, `certificate`.
        what: &'a str,
        /// What is in force now: a revision, a fingerprint, an expiry.
        now: &'a str,
    },
    /// Something could not be loaded; what was in force stays.
    ReloadFailed {
        /// `policies`, `configuration`, `certificate`.
        what: &'a str,
        /// What is wrong and what to do.
        error: &'a str,
    },
    /// A review was decided.
    Decision(Decision<'a>),
    /// The server was asked to stop and goes on serving for a while.
    Draining {
        /// For how long it keeps accepting.
        seconds: f64,
    },
    /// The server ends.
    Stopped {
        /// Whether everything in flight was finished.
        finished: bool,
    },
    /// A request ended in a fault of the server's own.
    Panicked {
        /// The file and line of our source.
        place: &'a str,
    },
    /// A handshake failed; at most one such line in ten seconds.
    TlsError {
        /// The peer's address.
        peer: IpAddr,
        /// What went wrong.
        error: &'a str,
        /// Failures since the last such line.
        suppressed: u64,
    },
    /// Requests are being refused with 503; at most one such line in ten seconds.
    Shed {
        /// The bound that was reached.
        bound: &'a str,
        /// Refusals since the last such line.
        suppressed: u64,
    },
    /// Connections cannot be accepted; at most one such line in ten seconds.
    AcceptFailed {
        /// What the system said.
        error: &'a str,
        /// Failures since the last such line.
        suppressed: u64,
    },
    /// What is known of a cluster's resource is growing old; it goes on being used.
    WatchLost {
        /// The resource, such as `namespaces`.
        resource: &'a str,
        /// What went wrong.
        error: &'a str,
    },
    /// What is known of a cluster's resource is up to date again.
    WatchRestored {
        /// The resource.
        resource: &'a str,
    },
    /// The server changed something in the cluster.
    Acted {
        /// What it is about, such as `certificates`.
        what: &'a str,
        /// What was done.
        done: &'a str,
    },
    /// The server could not do to the cluster what was due, and will try again.
    ActFailed {
        /// What it is about.
        what: &'a str,
        /// What went wrong and what to do.
        error: &'a str,
    },
    /// Anything worth a look that has no kind of its own.
    Warning {
        /// What it is about.
        message: &'a str,
    },
}

impl Event<'_> {
    /// How much the line matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Started { .. }
            | Self::Reloaded { .. }
            | Self::Decision(_)
            | Self::Draining { .. }
            | Self::WatchRestored { .. }
            | Self::Acted { .. }
            | Self::Stopped { finished: true } => Level::Info,
            Self::Stopped { finished: false }
            | Self::TlsError { .. }
            | Self::Shed { .. }
            | Self::WatchLost { .. }
            | Self::Warning { .. } => Level::Warn,
            Self::ReloadFailed { .. } | Self::ActFailed { .. } | Self::Panicked { .. } | Self::AcceptFailed { .. } => {
                Level::Error
            }
        }
    }
}

/// A decision as the log tells it: no object content.
#[derive(Debug, Serialize)]
pub struct Decision<'a> {
    uid: &'a str,
    webhook: &'static str,
    operation: &'static str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sub_resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
    user: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    outcome: &'static str,
    evaluated: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<Found<'a>>,
    revision: &'a str,
    microseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

/// A policy that did not simply pass.
#[derive(Debug, Serialize)]
struct Found<'a> {
    policy: &'a str,
    enforcement: &'static str,
    finding: &'static str,
    #[serde(skip_serializing_if = "no_messages")]
    messages: &'a [String],
}

/// `skip_serializing_if` hands a reference to the field, which is a reference already.
fn no_messages(messages: &&[String]) -> bool {
    messages.is_empty()
}

impl<'a> Decision<'a> {
    /// The line about `record`, which the caller made in `trace`.
    pub fn new(record: &'a Record, trace: Option<TraceId>) -> Self {
        Self {
            uid: &record.uid,
            webhook: webhook_label(record.webhook),
            operation: record.operation,
            kind: &record.kind,
            sub_resource: &record.sub_resource,
            namespace: &record.namespace,
            name: &record.name,
            user: &record.user,
            dry_run: record.dry_run,
            outcome: outcome_label(record.outcome),
            evaluated: record.policies.len(),
            policies: record.policies.iter().filter(|policy| policy.finding != Finding::Pass).map(Found::new).collect(),
            revision: &record.revision,
            microseconds: record.took.as_micros(),
            trace_id: trace.map(|trace| trace.as_str().to_owned()),
        }
    }
}

impl<'a> Found<'a> {
    fn new(policy: &'a PolicyRecord) -> Self {
        Self {
            policy: &policy.policy,
            enforcement: policy.enforcement,
            finding: finding_label(policy.finding),
            messages: &policy.messages,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::admission::{Outcome, Webhook};

    fn policy(name: &str, finding: Finding, messages: &[&str]) -> PolicyRecord {
        PolicyRecord {
            policy: Arc::from(name),
            enforcement: "warn",
            finding,
            messages: messages.iter().map(|message| (*message).to_owned()).collect(),
            took: Duration::from_micros(5),
        }
    }

    #[test]
    fn a_decision_tells_of_the_policies_that_did_not_pass() {
        let record = Record {
            webhook: Webhook::Validate,
            uid: "u-1".to_owned(),
            kind: "v1/Pod".to_owned(),
            sub_resource: String::new(),
            namespace: "default".to_owned(),
            name: "web-*".to_owned(),
            operation: "CREATE",
            user: "jane".to_owned(),
            dry_run: true,
            outcome: Outcome::Allow,
            revision: Arc::from("abc"),
            policies: vec![
                policy("passes", Finding::Pass, &[]),
                policy("warns", Finding::Violation, &["no limits"]),
                policy("exempted", Finding::Exempt, &[]),
            ],
            subject: None,
            took: Duration::from_micros(80),
        };
        let trace = TraceId::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(
            serde_json::to_value(Event::Decision(Decision::new(&record, trace))).unwrap(),
            json!({
                "event": "decision",
                "uid": "u-1",
                "webhook": "validate",
                "operation": "CREATE",
                "kind": "v1/Pod",
                "namespace": "default",
                "name": "web-*",
                "user": "jane",
                "dry_run": true,
                "outcome": "allow",
                "evaluated": 3,
                "policies": [
                    {"policy": "warns", "enforcement": "warn", "finding": "violation", "messages": ["no limits"]},
                    {"policy": "exempted", "enforcement": "warn", "finding": "exempt"},
                ],
                "revision": "abc",
                "microseconds": 80,
                "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            })
        );
    }
}
