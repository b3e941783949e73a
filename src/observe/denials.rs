//! Refusals on their way to those whose workload it was. Whoever tells of them takes them from a bounded queue; a
//! request never waits for it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::admission::{Finding, PolicyRecord, Record, Subject};

/// The longest note, in bytes: what Kubernetes takes in an Event
/// (<https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>).
const NOTE: usize = 1_024;

/// The mark of a note that was cut.
const CUT: &str = "…";

/// A review of a namespaced object that was refused, and no dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The namespace of the object.
    pub namespace: String,
    /// Whom it concerns: the object, or its controller.
    pub subject: Subject,
    /// The policies that stood against it, by name.
    pub policies: Vec<Arc<str>>,
    /// What they said, masked as in the log; 1024 bytes at the most.
    pub note: String,
    /// When it was refused.
    pub at: Timestamp,
}

impl Denial {
    /// What a record has to tell of a refusal, if it is one.
    pub fn of(record: &Record) -> Option<Self> {
        let subject = record.subject.clone()?;
        if record.namespace.is_empty() || is_left_out(&record.kind) {
            return None;
        }
        let against: Vec<&PolicyRecord> = record.policies.iter().filter(|policy| stands_against(policy)).collect();
        Some(Self {
            namespace: record.namespace.clone(),
            subject,
            policies: against.iter().map(|policy| Arc::clone(&policy.policy)).collect(),
            note: note(record, &against),
            at: Timestamp::now(),
        })
    }
}

/// A Namespace's review names itself as its namespace, though it lies in none. An Event about a refused Event would be
/// refused as well.
fn is_left_out(kind: &str) -> bool {
    kind == "v1/Namespace" || kind == "v1/Event" || (kind.starts_with("events.k8s.io/") && kind.ends_with("/Event"))
}

fn stands_against(policy: &PolicyRecord) -> bool {
    policy.enforcement == "deny"
        && match policy.finding {
            Finding::Violation | Finding::Error | Finding::Conflict | Finding::Unavailable => true,
            Finding::Pass | Finding::Exempt | Finding::Mutated => false,
        }
}

/// Such as `CREATE of Pod web-x refused: require_probes: container "web" has no readinessProbe`.
fn note(record: &Record, against: &[&PolicyRecord]) -> String {
    let kind = record.kind.rsplit('/').next().unwrap_or_default();
    let below = if record.sub_resource.is_empty() { String::new() } else { format!("/{}", record.sub_resource) };
    let name = if record.name.is_empty() { String::new() } else { format!(" {}", record.name) };
    let said: Vec<String> =
        against.iter().map(|policy| format!("{}: {}", policy.policy, policy.messages.join("; "))).collect();
    let why = if said.is_empty() { "it is in no form that can be judged".to_owned() } else { said.join(" | ") };
    let text = format!("{} of {kind}{below}{name} refused: {why}", record.operation);
    cut(text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect())
}

fn cut(mut text: String) -> String {
    if text.len() > NOTE {
        text.truncate(text.floor_char_boundary(NOTE.saturating_sub(CUT.len())));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admission::{Outcome, Webhook};

    fn policy(name: &str, enforcement: &'static str, finding: Finding, message: &str) -> PolicyRecord {
        let messages = vec![message.to_owned()];
        PolicyRecord { policy: Arc::from(name), enforcement, finding, messages, took: Duration::ZERO }
    }

    fn record() -> Record {
        Record {
            webhook: Webhook::Validate,
            uid: "u".to_owned(),
            kind: "v1/Pod".to_owned(),
            sub_resource: String::new(),
            namespace: "shop".to_owned(),
            name: "web-7-x".to_owned(),
            operation: "CREATE",
            user: "jane".to_owned(),
            dry_run: false,
            outcome: Outcome::Deny,
            revision: Arc::from("abc"),
            policies: vec![
                policy("a", "deny", Finding::Violation, "no limits"),
                policy("b", "warn", Finding::Violation, "no probes"),
                policy("c", "deny", Finding::Exempt, "exempted"),
                policy("d", "deny", Finding::Error, "broke\non a line"),
            ],
            subject: Some(Subject { kind: "ReplicaSet".to_owned(), name: "web-7".to_owned(), ..Subject::default() }),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn tells_what_the_refusing_policies_said() {
        let denial = Denial::of(&record()).unwrap();
        assert_eq!(denial.note, "CREATE of Pod web-7-x refused: a: no limits | d: broke on a line");
        let names: Vec<&str> = denial.policies.iter().map(AsRef::as_ref).collect();
        assert_eq!((names, denial.namespace.as_str()), (vec!["a", "d"], "shop"));
    }

    #[test]
    fn a_note_is_no_longer_than_an_event_takes() {
        for character in ["x", "é", "€", "😀"] {
            let mut long = record();
            long.policies = (0..20).map(|_| policy("p", "deny", Finding::Violation, &character.repeat(256))).collect();
            let note = Denial::of(&long).unwrap().note;
            assert!(note.len() <= NOTE && note.len() > NOTE - 8 && note.ends_with(CUT), "{} bytes", note.len());
        }
    }

    #[test]
    fn a_review_that_could_not_be_read_is_told_without_a_policy() {
        let note = Denial::of(&Record { policies: Vec::new(), ..record() }).unwrap().note;
        assert_eq!(note, "CREATE of Pod web-7-x refused: it is in no form that can be judged");
    }

    #[test]
    fn what_has_no_namespace_and_what_would_go_in_circles_is_not_told() {
        assert_eq!(Denial::of(&Record { subject: None, ..record() }), None);
        assert_eq!(Denial::of(&Record { namespace: String::new(), ..record() }), None);
        for kind in ["v1/Namespace", "v1/Event", "events.k8s.io/v1/Event"] {
            assert_eq!(Denial::of(&Record { kind: kind.to_owned(), ..record() }), None, "{kind}");
        }
        assert!(Denial::of(&Record { kind: "example.org/v1/Event".to_owned(), ..record() }).is_some());
    }
}
