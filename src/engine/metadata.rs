//! A policy's contract: what its METADATA says.

use super::rego::Value;
use super::scope::Scope;
use super::violation::{Enforcement, FailMode, Severity};

mod parameters;
pub mod read;

pub use parameters::Schema;
pub use read::read;

/// What a policy needs to know beside the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// The namespace's labels and annotations, as `input.namespace`.
    Namespace,
}

/// What a mutator does where another one wants something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Neither acts: an error of both.
    Error,
    /// It leaves the place to the other.
    Yield,
}

/// The priority of a mutator that states none.
pub const PRIORITY: u64 = 100;

/// A rule of `policy check` whose remarks on a policy its author does not heed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The rule as written.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The line it stands on.
    pub line: u32,
}

/// What a policy says of itself, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// What the policy demands, in a few words.
    pub title: String,
    /// Why, and what it leaves alone.
    pub description: String,
    /// Where to read on.
    pub related_resources: Vec<String>,
    /// How bad a violation is.
    pub severity: Severity,
    /// What follows from a violation unless configuration says otherwise.
    pub enforcement: Enforcement,
    /// Which requests it is for.
    pub scope: Scope,
    /// What it needs to know.
    pub needs: Vec<Need>,
    /// What follows when it cannot be evaluated.
    pub on_error: FailMode,
    /// When it mutates: lower numbers first, equal ones together.
    pub priority: u64,
    /// What happens where another mutator wants something else at the same place.
    pub on_conflict: OnConflict,
    /// The parameters' defaults, an object.
    pub parameters: Value,
    /// A JSON schema that parameters must fulfil, defaults and configuration merged.
    pub schema: Option<Schema>,
    /// The controls of published standards that it covers, such as `cis/5.2.7`.
    pub controls: Vec<String>,
    /// The rules of `policy check` that it does not heed.
    pub ignored: Vec<Ignored>,
}

impl Metadata {
    /// The contract of a v0 policy that states none: Pods, denied, severity medium.
    pub fn unstated(name: &str) -> Self {
        Self {
            title: name.to_owned(),
            description: String::new(),
            related_resources: Vec::new(),
            severity: Severity::Medium,
            enforcement: Enforcement::Deny,
            scope: Scope::pods(),
            needs: Vec::new(),
            on_error: FailMode::Deny,
            priority: PRIORITY,
            on_conflict: OnConflict::Error,
            parameters: Value::new_object(),
            schema: None,
            controls: Vec::new(),
            ignored: Vec::new(),
        }
    }
}
