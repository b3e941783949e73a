//! Verdicts in the forms that people and pipelines read. Each form is a sink: it takes what was found in the order of
//! the input, while the rest is still being judged, and keeps no more of it than its form demands.

pub mod coverage;
pub mod docs;
pub mod explain;
pub mod fingerprint;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;
pub mod verify;

use std::io;
use std::sync::Arc;

use crate::engine::policy::Policy;
use crate::suite::judge::{Judgement, Summary};
use crate::suite::manifest::{Problem, Skipped};

/// Takes verdicts one by one and writes them in one form. Who opened the writer flushes it.
pub trait Sink {
    /// What could not be read or understood.
    fn problem(&mut self, problem: &Problem) -> io::Result<()>;
    /// The verdict on one object.
    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()>;
    /// A document that is no Kubernetes object.
    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()>;
    /// The end of all. Called once, last.
    fn finish(&mut self, closing: &Closing<'_>) -> io::Result<()>;
}

/// What is known when all is judged.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// The revision of the policy set.
    pub revision: &'a Arc<str>,
    /// The policies that judged, by name.
    pub policies: &'a [Arc<Policy>],
    /// Counts over all objects.
    pub summary: &'a Summary,
}
