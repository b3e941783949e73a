//! The rules of `policy check`: what each is called, what it finds, why that matters and what to do.

mod table;

use std::fmt;

use serde::{Serialize, Serializer};

pub use table::RULES;

/// A rule by its name. The names are stable: suppressions and pipelines hold on to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// A container list read by hand.
    ContainersByHand,
    /// Containers read without init or ephemeral ones.
    MissesContainerKinds,
    /// A field that no matched kind has.
    UnknownField,
    /// A parameter that METADATA does not declare.
    UndeclaredParameter,
    /// A parameter that nothing reads.
    UnusedParameter,
    /// A condition that cannot be fulfilled.
    NeverFires,
    /// A violation without a remedy.
    NoRemedy,
    /// A rule that nothing reaches.
    UnusedRule,
    /// A policy without tests.
    Untested,
    /// A policy without a description.
    Undocumented,
    /// A policy in Rego v0.
    RegoV0,
    /// Time, randomness, network or environment.
    Impure,
    /// A function that does not exist.
    UnknownFunction,
    /// A function called with the wrong number of arguments.
    FunctionArity,
    /// `sprintf` with more or fewer verbs than arguments.
    SprintfArity,
    /// Rules that reach themselves.
    Recursion,
    /// An exemption that has run out.
    ExemptionExpired,
    /// An exemption that never runs out.
    ExemptionWithoutEnd,
    /// An exemption that nobody owns.
    ExemptionWithoutOwner,
    /// An exemption without a reason.
    ExemptionWithoutReason,
    /// An exemption by labels that are not trusted.
    ExemptionByLabels,
    /// A suppression that suppresses nothing, or says not why.
    BadSuppression,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The policies cannot be loaded: exit code 2.
    Error,
    /// They can, but somebody should look: exit code 1.
    Advice,
}

/// A rule as it is documented.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rule {
    /// Which.
    pub id: RuleId,
    /// What follows from a finding.
    pub severity: Weight,
    /// What it finds, in a few words.
    pub summary: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// What it remarks on and what it does not: Rego, or configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
}

/// A pair of texts that differ in what the rule is about.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Example {
    /// Remarked on.
    pub bad: &'static str,
    /// Not remarked on.
    pub good: &'static str,
}

impl RuleId {
    /// The name, such as `containers-by-hand`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContainersByHand => "containers-by-hand",
            Self::MissesContainerKinds => "misses-container-kinds",
            Self::UnknownField => "unknown-field",
            Self::UndeclaredParameter => "undeclared-parameter",
            Self::UnusedParameter => "unused-parameter",
            Self::NeverFires => "never-fires",
            Self::NoRemedy => "no-remedy",
            Self::UnusedRule => "unused-rule",
            Self::Untested => "untested",
            Self::Undocumented => "undocumented",
            Self::RegoV0 => "rego-v0",
            Self::Impure => "impure",
            Self::UnknownFunction => "unknown-function",
            Self::FunctionArity => "function-arity",
            Self::SprintfArity => "sprintf-arity",
            Self::Recursion => "recursion",
            Self::ExemptionExpired => "exemption-expired",
            Self::ExemptionWithoutEnd => "exemption-without-end",
            Self::ExemptionWithoutOwner => "exemption-without-owner",
            Self::ExemptionWithoutReason => "exemption-without-reason",
            Self::ExemptionByLabels => "exemption-by-labels",
            Self::BadSuppression => "bad-suppression",
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The rule of a name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id.as_str() == name)
}

/// The name that was probably meant.
pub fn closest(name: &str) -> Option<&'static str> {
    super::super::document::fields::closest(name, RULES.iter().map(|rule| rule.id.as_str()))
}
