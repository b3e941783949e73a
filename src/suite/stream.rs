//! The whole way from inputs to verdicts, which come in the order of the input.

use std::sync::Arc;
use std::time::Duration;

use super::judge::{Found, one};
use super::manifest::{Input, Manifest, Problem, load};
use super::namespaces::Namespaces;
use super::review::Options;
use crate::engine::policy_set::PolicySet;
use crate::engine::review::ReviewError;

/// By what manifests are judged.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The policies.
    pub set: &'a PolicySet,
    /// Who asks for what.
    pub options: &'a Options,
    /// How long one policy may take on one object.
    pub policy_budget: Duration,
}

/// Judges every object of the inputs and hands over what was found, in their order.
pub fn judge(inputs: &[Input], bench: Bench<'_>, mut take: impl FnMut(Found)) {
    let loaded = load(inputs);
    let namespaces = Namespaces::of(&loaded.objects);
    loaded.problems.into_iter().for_each(|problem| take(Found::Problem(problem)));
    for manifest in &loaded.objects {
        take(match one(manifest, bench.set, bench.options, &namespaces, bench.policy_budget) {
            Ok(judgement) => Found::Judged(judgement),
            Err(error) => Found::Problem(refused(manifest, &error)),
        });
    }
    loaded.skipped.into_iter().for_each(|skipped| take(Found::Skipped(skipped)));
}

fn refused(manifest: &Manifest, error: &ReviewError) -> Problem {
    Problem {
        file: Arc::clone(&manifest.file),
        line: manifest.place.line,
        column: manifest.place.column,
        message: error.to_string(),
        remedy: None,
    }
}
