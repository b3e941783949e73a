//! The shape of what `policy test --format json` writes: the very types that it is written from, put together.

#![expect(dead_code, reason = "the shape is the schema")]

use schemars::JsonSchema;

use crate::suite::judge::{Judgement, Summary};
use crate::suite::manifest::{Problem, Skipped};

/// The verdict of `policy test` on manifests. Fields stay; more may be added.
#[derive(JsonSchema)]
pub(super) struct Report {
    /// The verdicts, in the order of the input.
    results: Vec<Judgement>,
    /// Documents that are no Kubernetes objects.
    skipped: Vec<Skipped>,
    /// What could not be read or understood.
    problems: Vec<Problem>,
    /// Counts over all objects.
    summary: Summary,
    /// The policies and configuration that judged.
    revision: String,
}
