//! The act of admission, once: a review in, the needed facts gathered, the decision made, the answer and its record out.

use std::sync::Arc;
use std::time::Duration;

/// Which webhook was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// `/validate`: allow, deny, warn.
    Validate,
    /// `/mutate`: patch.
    Mutate,
}

/// The outcome of a whole request, worst first where several hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A policy broke and its fail mode decided the answer.
    Error,
    /// A fact could not be had and the fail mode decided the answer.
    Unavailable,
    /// A policy denied.
    Deny,
    /// Nothing stood against it.
    Allow,
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
    /// A fact that it needs could not be had.
    Unavailable,
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
    /// The name, or the `generateName` followed by `*`.
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
    /// Absent if the body was no review.
    pub record: Option<Record>,
}

/// Decides reviews by the policy set in force. Cheap to share; the set is swapped below it on reload.
pub trait Admit: Send + Sync + 'static {
    /// Decides the review in `body` within `budget`. CPU-bound, no blocking I/O.
    fn admit(&self, webhook: Webhook, body: &[u8], budget: Duration) -> Reply;

    /// Refuses a review because of its size: `prefix` is the body's beginning, at least 64 KiB or all of it, cut
    /// anywhere. Status 200 with a denial carrying the right uid if one is found in it, otherwise 413.
    fn refuse_oversize(&self, webhook: Webhook, prefix: &[u8], limit: usize) -> Reply;
}
