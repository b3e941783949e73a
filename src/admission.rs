//! The act of admission, once: a review in, the needed facts gathered, the decision made, the answer and its record out.
//!
//! The server, `policy test` and the benchmarks all call it, so that they cannot disagree.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::engine::answer::Answer;
use crate::engine::config;
pub use crate::engine::decide::Outcome;
use crate::engine::decide::{Decision, Evaluation, Facts, POLICY_BUDGET, Verdict, decide};
use crate::engine::mutate::{self, Mutation};
use crate::engine::policy_set::PolicySet;
use crate::engine::rego::Value;
pub use crate::engine::review::Subject;
use crate::engine::review::{Review, ReviewError, text_of_prefix, uid_of_prefix};
use crate::engine::scope::NamespaceFact;

/// A message in the decision log is cut to so many characters, and so is a name; Kubernetes' own are shorter.
const TEXT_CHARS: usize = 256;

/// The messages of one policy in the decision log.
const MESSAGES: usize = 5;

/// Which webhook was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// `/validate`: allow, deny, warn.
    Validate,
    /// `/mutate`: patch.
    Mutate,
}

/// What one policy found, for metrics and the decision log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No violation.
    Pass,
    /// At least one violation.
    Violation,
    /// Violations, all of them exempted.
    Exempt,
    /// The policy broke or ran out of time.
    Error,
    /// It and another policy want different things at one place.
    Conflict,
    /// A fact that it needs could not be had.
    Unavailable,
    /// The object was changed.
    Mutated,
}

/// One policy's part in a [`Record`].
#[derive(Clone, Debug)]
pub struct PolicyRecord {
    /// The policy's name.
    pub policy: Arc<str>,
    /// `deny`, `warn` or `audit`.
    pub enforcement: &'static str,
    /// What it found.
    pub finding: Finding,
    /// The violations' messages or the error, masked and cut.
    pub messages: Vec<String>,
    /// How long its evaluation took.
    pub took: Duration,
}

/// What is remembered of one admission: the decision line of the log and the metrics are made of it. No object content.
#[derive(Clone, Debug)]
pub struct Record {
    /// The webhook called.
    pub webhook: Webhook,
    /// The review's uid.
    pub uid: String,
    /// `apiVersion/kind` of the object as matched, such as `apps/v1/Deployment`.
    pub kind: String,
    /// The subresource, or empty.
    pub sub_resource: String,
    /// The namespace, or empty.
    pub namespace: String,
    /// The name; empty for `generateName` and for deletion of a collection.
    pub name: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'static str,
    /// The user's name.
    pub user: String,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The outcome of the request.
    pub outcome: Outcome,
    /// The content digest of policies and configuration.
    pub revision: Arc<str>,
    /// Each policy in scope.
    pub policies: Vec<PolicyRecord>,
    /// Whom it concerns, if it was refused in earnest: no dry run.
    pub subject: Option<Subject>,
    /// How long the whole decision took.
    pub took: Duration,
}

/// The HTTP answer to one review and what to remember of it.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status: 200 with a review as body, or 400 for a body that is no review.
    pub status: u16,
    /// An `AdmissionReview` as JSON (status 200), or one line of plain text saying what is wrong.
    pub body: Vec<u8>,
    /// Absent if the body was no review that could be decided.
    pub record: Option<Record>,
}

/// Decides reviews by the policy set in force. Cheap to share; the set is swapped below it on reload.
pub trait Admit: Send + Sync + 'static {
    /// Decides the review in `body` within `budget`. CPU-bound, no blocking I/O.
    fn admit(&self, webhook: Webhook, body: &[u8], budget: Duration) -> Reply;

    /// Refuses a review because of its size: `prefix` is the body's beginning, at least 64 KiB or all of it, cut
    /// anywhere. Status 200 with a denial carrying the right uid if one is found in it, otherwise 413.
    fn refuse_oversize(&self, webhook: Webhook, prefix: &[u8], limit: usize) -> Reply;

    /// Brings in what the decision of `body` lacks, if that can be had in a moment; to be awaited before
    /// [`Admit::admit`]. Absent when nothing is lacking, which is nearly always.
    fn prepare<'a>(&'a self, _body: &'a [u8]) -> Option<Lookup<'a>> {
        None
    }
}

/// Something being asked for, for no longer than a fraction of a second.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Brings the facts that a decision needs beside the review.
pub trait FactSource: Send + Sync {
    /// What is known of a namespace. Never blocks.
    fn namespace(&self, name: &str) -> NamespaceFact;

    /// Whether [`FactSource::lookup`] may ever find anything.
    fn looks_up(&self) -> bool {
        false
    }

    /// Asks for a namespace that is not known; absent if it is, or if asking is no use now.
    fn lookup(&self, _name: String) -> Option<Lookup<'_>> {
        None
    }
}

impl<T: FactSource + ?Sized> FactSource for Arc<T> {
    fn namespace(&self, name: &str) -> NamespaceFact {
        (**self).namespace(name)
    }

    fn looks_up(&self) -> bool {
        (**self).looks_up()
    }

    fn lookup(&self, name: String) -> Option<Lookup<'_>> {
        (**self).lookup(name)
    }
}

/// The facts of a server without a cluster: none.
#[derive(Clone, Copy, Debug)]
pub struct NoCluster;

impl FactSource for NoCluster {
    fn namespace(&self, name: &str) -> NamespaceFact {
        NamespaceFact::Unknown(format!("the labels of namespace {name:?} are not known: no cluster is connected"))
    }
}

/// When a decision is made, and how long it may take.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The time of the request, RFC 3339 in UTC.
    pub now: String,
    /// How long each policy may take.
    pub policy_budget: Duration,
    /// How long the whole decision may take.
    pub review_budget: Duration,
}

impl Moment {
    /// Now, with the default budget for each policy.
    pub fn now(review_budget: Duration) -> Self {
        let now = format!("{:.0}", Timestamp::now());
        Self { now, policy_budget: POLICY_BUDGET, review_budget }
    }
}

/// Judges a review: gathers what is known, and decides.
pub fn judge(
    review: &Review<'_>,
    set: &PolicySet,
    source: &dyn FactSource,
    moment: Moment,
) -> Result<Decision, ReviewError> {
    decide(review, set, &facts(review, source, moment)?)
}

/// Mutates what is under review: gathers what is known, and has the mutators act.
pub fn mutate(
    review: &Review<'_>,
    set: &PolicySet,
    source: &dyn FactSource,
    moment: Moment,
) -> Result<Mutation, ReviewError> {
    mutate::mutate(review, set, &facts(review, source, moment)?)
}

/// What a decision at a moment depends on beside the review and the policies.
pub fn facts(review: &Review<'_>, source: &dyn FactSource, moment: Moment) -> Result<Facts, ReviewError> {
    Ok(Facts {
        namespace: namespace_fact(review, source)?,
        now: moment.now,
        policy_budget: moment.policy_budget,
        review_budget: moment.review_budget,
    })
}

/// A Namespace under review tells of itself; all others are asked for.
fn namespace_fact(review: &Review<'_>, source: &dyn FactSource) -> Result<NamespaceFact, ReviewError> {
    let request = &review.request;
    if request.kind.group.is_empty() && request.kind.kind == "Namespace" {
        let contents = review.contents()?;
        let object = if contents.object == Value::Null { &contents.old_object } else { &contents.object };
        return Ok(NamespaceFact::Known { labels: config::labels(object), annotations: config::annotations(object) });
    }
    Ok(source.namespace(&request.namespace))
}

/// The policy set in force, and what decisions by it need.
pub struct Gate {
    set: ArcSwap<PolicySet>,
    facts: Box<dyn FactSource>,
    policy_budget: Duration,
    /// Whether refusals are told of the objects that they concern.
    names_subjects: bool,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("revision", self.set.load().revision()).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that decides by a set, with facts from a source and a time budget for each policy.
    pub fn new(set: PolicySet, facts: Box<dyn FactSource>, policy_budget: Duration) -> Self {
        Self { set: ArcSwap::from_pointee(set), facts, policy_budget, names_subjects: false }
    }

    /// Has records of refusals say whom they concern, for which the object is read once more.
    #[must_use]
    pub fn naming_subjects(self, names_subjects: bool) -> Self {
        Self { names_subjects, ..self }
    }

    /// The set in force.
    pub fn set(&self) -> Arc<PolicySet> {
        self.set.load_full()
    }

    /// Puts another set in force. Decisions under way end by the one they began with.
    pub fn replace(&self, set: PolicySet) {
        self.set.store(Arc::new(set));
    }

    fn validate(&self, review: &Review<'_>, budget: Duration) -> Result<Reply, ReviewError> {
        let set = self.set.load();
        let decision = judge(review, &set, self.facts.as_ref(), self.moment(budget))?;
        let answer = Answer::of(&review.request.uid, set.revision(), &decision);
        let record = self.record(Webhook::Validate, review, set.revision(), &decision);
        Ok(Reply { status: 200, body: answer.to_json(), record: Some(record) })
    }

    fn mutate(&self, review: &Review<'_>, budget: Duration) -> Result<Reply, ReviewError> {
        let set = self.set.load();
        let mutation = mutate(review, &set, self.facts.as_ref(), self.moment(budget))?;
        let answer = Answer::of_mutation(&review.request.uid, set.revision(), &mutation);
        let record = self.record(Webhook::Mutate, review, set.revision(), &mutation.decision);
        Ok(Reply { status: 200, body: answer.to_json(), record: Some(record) })
    }

    fn record(&self, webhook: Webhook, review: &Review<'_>, revision: &Arc<str>, decision: &Decision) -> Record {
        let subject = self.subject(review, decision.outcome);
        Record { subject, ..Record::of(webhook, review, revision, decision) }
    }

    /// Whom a refusal concerns, in texts of bounded length.
    fn subject(&self, review: &Review<'_>, outcome: Outcome) -> Option<Subject> {
        if !self.names_subjects || outcome == Outcome::Allow || review.request.dry_run {
            return None;
        }
        let Subject { api_version, kind, name, uid } = review.subject();
        Some(Subject { api_version: brief(&api_version), kind: brief(&kind), name: brief(&name), uid: brief(&uid) })
    }

    fn moment(&self, budget: Duration) -> Moment {
        Moment { policy_budget: self.policy_budget, ..Moment::now(budget) }
    }
}

/// So much of a body is read to find its namespace, which stands before the objects.
const HEAD: usize = 4 * 1024;

impl Admit for Gate {
    fn prepare<'a>(&'a self, body: &'a [u8]) -> Option<Lookup<'a>> {
        if !self.facts.looks_up() {
            return None;
        }
        let head = body.get(..HEAD).unwrap_or(body);
        // A Namespace under review tells of itself.
        if text_of_prefix(head, &["request", "kind", "kind"]).is_some_and(|kind| kind == "Namespace") {
            return None;
        }
        self.facts.lookup(text_of_prefix(head, &["request", "namespace"])?)
    }

    fn admit(&self, webhook: Webhook, body: &[u8], budget: Duration) -> Reply {
        let review = match Review::parse(body) {
            Ok(review) => review,
            Err(error) => return self.undecided(webhook, error, None),
        };
        let decided = match webhook {
            Webhook::Validate => self.validate(&review, budget),
            Webhook::Mutate => self.mutate(&review, budget),
        };
        decided.unwrap_or_else(|error| self.undecided(webhook, error, Some(&review)))
    }

    fn refuse_oversize(&self, webhook: Webhook, prefix: &[u8], limit: usize) -> Reply {
        let reason = format!("the request is larger than {limit} bytes");
        match uid_of_prefix(prefix) {
            Some(uid) => self.undecided(webhook, ReviewError::Refused { uid, reason }, None),
            None => Reply { status: 413, body: reason.into_bytes(), record: None },
        }
    }
}

impl Gate {
    /// The answer to what cannot be decided. A review refused for its form is denied and no error, so that the denial
    /// holds whatever the failure policy. `review` is what could be read of it.
    fn undecided(&self, webhook: Webhook, error: ReviewError, review: Option<&Review<'_>>) -> Reply {
        let (uid, reason) = match error {
            ReviewError::Refused { uid, reason } => (uid, reason),
            ReviewError::Malformed(_) => {
                return Reply { status: 400, body: error.to_string().into_bytes(), record: None };
            }
        };
        let revision = Arc::clone(self.set.load().revision());
        let record = match review {
            Some(review) => Record {
                subject: self.subject(review, Outcome::Deny),
                ..Record::of(webhook, review, &revision, &Decision::nothing())
            },
            None => Record::unread(webhook, &uid, revision),
        };
        let record = Some(Record { outcome: Outcome::Deny, ..record });
        Reply { status: 200, body: Answer::refuse(&uid, &reason).to_json(), record }
    }
}

impl Record {
    /// What is remembered of a review of which no more than the uid could be read.
    fn unread(webhook: Webhook, uid: &str, revision: Arc<str>) -> Self {
        Self {
            webhook,
            uid: brief(uid),
            kind: String::new(),
            sub_resource: String::new(),
            namespace: String::new(),
            name: String::new(),
            operation: "",
            user: String::new(),
            dry_run: false,
            outcome: Outcome::Deny,
            revision,
            policies: Vec::new(),
            subject: None,
            took: Duration::ZERO,
        }
    }

    /// What is remembered of a decision, but for its subject.
    pub fn of(webhook: Webhook, review: &Review<'_>, revision: &Arc<str>, decision: &Decision) -> Self {
        let request = &review.request;
        Self {
            webhook,
            uid: brief(&request.uid),
            kind: brief(&request.kind.to_string()),
            sub_resource: brief(&request.sub_resource),
            namespace: brief(&request.namespace),
            name: brief(&request.name),
            operation: request.operation.as_str(),
            user: brief(&request.user.username),
            dry_run: request.dry_run,
            outcome: decision.outcome,
            revision: Arc::clone(revision),
            policies: decision.evaluations.iter().map(|evaluation| policy_record(evaluation, decision)).collect(),
            subject: None,
            took: decision.took,
        }
    }
}

/// A text that nobody can flood the log with.
fn brief(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

fn policy_record(evaluation: &Evaluation, decision: &Decision) -> PolicyRecord {
    let (finding, texts): (Finding, Vec<&str>) = match &evaluation.verdict {
        Verdict::Error(why) => (Finding::Error, vec![why]),
        Verdict::Conflict(why) => (Finding::Conflict, vec![why]),
        Verdict::Mutated { .. } => (Finding::Mutated, Vec::new()),
        Verdict::Unavailable(why) => (Finding::Unavailable, vec![why]),
        Verdict::Judged { violations, .. } if !violations.is_empty() => {
            (Finding::Violation, violations.iter().map(|violation| violation.message.as_str()).collect())
        }
        Verdict::Judged { exempted, .. } if !exempted.is_empty() => {
            (Finding::Exempt, exempted.iter().map(|exempted| exempted.violation.message.as_str()).collect())
        }
        Verdict::Judged { .. } => (Finding::Pass, Vec::new()),
    };
    let message = |text: &&str| brief(&decision.private.hide(text));
    PolicyRecord {
        policy: Arc::clone(&evaluation.policy.name),
        enforcement: evaluation.enforcement.as_str(),
        finding,
        messages: texts.iter().take(MESSAGES).map(message).collect(),
        took: evaluation.took,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bundle::Bundle;
    use crate::engine::config::Config;
    use crate::engine::source::Source;

    /// A gate that denies every container, by its name.
    fn gate() -> Gate {
        let text = "# METADATA\n# title: T\npackage policies.named\n\
                    deny contains {\"msg\": c.name, \"field\": c.path} if some c in input.containers\n";
        let bundle = Bundle::read("", vec![Source::new("named.rego", text)]).unwrap();
        Gate::new(PolicySet::new(bundle, Config::default(), &[]), Box::new(NoCluster), Duration::from_secs(5))
    }

    fn review(user: &str, object: &str) -> String {
        format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1",
                "kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE",
                "userInfo":{{"username":"{user}"}},"object":{object}}}}}"#
        )
    }

    #[test]
    fn a_record_is_small_however_long_its_texts_are() {
        let long = "é".repeat(1_000_000);
        let object = format!(r#"{{"spec":{{"containers":[{{"name":"{long}"}}]}}}}"#);
        let reply = gate().admit(Webhook::Validate, review(&long, &object).as_bytes(), Duration::from_secs(10));
        let record = reply.record.unwrap();
        assert_eq!(record.user.chars().count(), TEXT_CHARS);
        let messages = record.policies.iter().flat_map(|policy| &policy.messages);
        assert!(messages.map(String::len).sum::<usize>() < 20_000);
        assert!(reply.body.len() < 20_000, "{} bytes", reply.body.len());
    }

    #[test]
    fn too_many_values_are_denied_under_the_right_uid() {
        let object = format!("[{}]", vec!["0"; 600_000].join(","));
        let reply = gate().admit(Webhook::Validate, review("eve", &object).as_bytes(), Duration::from_secs(10));
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &answer["response"]["uid"]), (200, &"u-1".into()));
        assert_eq!(answer["response"]["allowed"], false);
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        assert!(message.contains("made of more than 500000 values"), "{message}");
        let record = reply.record.unwrap();
        assert_eq!((record.kind.as_str(), record.user.as_str(), record.outcome), ("v1/Pod", "eve", Outcome::Deny));
    }
}
