//! The whole way from inputs to verdicts: read piece by piece, judged on all cores, handed over in the order of the
//! input. What is in memory does not depend on how much there is to judge.

use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::base::Base;
use super::class::Sorted;
use super::conveyor;
use super::cut::{Work, cut};
use super::judge::{Found, Judgement, one};
use super::manifest::{Input, Manifest, Problem};
use super::mutation::one_mutated;
use super::namespaces::Namespaces;
use super::review::Options;
use super::walk::{Source, walk};
use crate::engine::document::Place;
use crate::engine::policy_set::PolicySet;

/// By what manifests are judged.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The policies.
    pub set: &'a PolicySet,
    /// Who asks for what.
    pub options: &'a Options,
    /// How long one policy may take on one object.
    pub policy_budget: Duration,
    /// What was there before the change under test, if that matters.
    pub base: Option<&'a Base>,
    /// Whether mutators act first, as in a cluster.
    pub mutates: bool,
}

/// Judges every object of the inputs and hands over what was found, in their order.
pub fn judge(inputs: &[Input], bench: Bench<'_>, mut take: impl FnMut(Found)) {
    let sources = walk(inputs);
    // A namespace's labels count for what stands before it, too: so all are known before anything is judged.
    let namespaces = namespaces(&sources);
    let produce = |put: &mut dyn FnMut(Work, usize)| {
        for source in sources {
            match source {
                Ok(source) => cut(&source, &|_| true, put),
                Err(problem) => put(Work::Sorted(Sorted::Problem(problem)), 0),
            }
        }
    };
    let act = |work| act(work, bench, &namespaces);
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    conveyor::run(threads, produce, act, |found: Vec<Found>| found.into_iter().for_each(&mut take));
}

/// Reads what may be namespaces, and nothing else. A text that spells the word with escapes is not among them: labels
/// that are not known are no labels that do not exist, and decide nothing.
fn namespaces(sources: &[Result<Source<'_>, Problem>]) -> Namespaces {
    let mut namespaces = Namespaces::default();
    let mut add = |sorted| {
        if let Sorted::Manifest(manifest) = sorted {
            namespaces.add(&manifest);
        }
    };
    for source in sources.iter().flatten() {
        cut(source, &|text| text.contains("Namespace"), &mut |work, _| match work {
            Work::Piece(piece) => piece.read(&mut add),
            Work::Sorted(sorted) => add(sorted),
        });
    }
    namespaces
}

/// Never panics, or others would wait for its result: a piece that breaks this program does not keep the others away.
fn act(work: Work, bench: Bench<'_>, namespaces: &Namespaces) -> Vec<Found> {
    let mut found = Vec::new();
    match work {
        Work::Sorted(sorted) => found.push(judged(sorted, bench, namespaces)),
        Work::Piece(piece) => {
            let read = caught(|| piece.read(&mut |sorted| found.push(judged(sorted, bench, namespaces))));
            if read.is_none() {
                found.push(broken(&piece.file, piece.origin));
            }
        }
    }
    found
}

fn judged(sorted: Sorted, bench: Bench<'_>, namespaces: &Namespaces) -> Found {
    let manifest = match sorted {
        Sorted::Manifest(manifest) => manifest,
        Sorted::Skipped(skipped) => return Found::Skipped(skipped),
        Sorted::Problem(problem) => return Found::Problem(problem),
    };
    let judge = if bench.mutates { one_mutated } else { one };
    match caught(|| judge(&manifest, bench.set, bench.options, namespaces, bench.policy_budget)) {
        Some(Ok(judgement)) => compared(judgement, &manifest, bench.base),
        Some(Err(error)) => Found::Problem(Problem::refused(&manifest, &error)),
        None => broken(&manifest.file, manifest.place),
    }
}

/// The verdict, knowing whether the object was there before.
fn compared(mut judgement: Judgement, manifest: &Manifest, base: Option<&Base>) -> Found {
    // Git is asked only of objects that something is said against.
    let base = base.filter(|_| !judgement.violations.is_empty() || !judgement.errors.is_empty());
    match base.map(|base| base.holds(manifest)).transpose() {
        Ok(held) => {
            judgement.existing = held.unwrap_or_default();
            Found::Judged(judgement)
        }
        Err(error) => Found::Problem(Problem::refused(manifest, &error)),
    }
}

/// What `act` gives; none if it panicked. What it left half done is not looked at again.
fn caught<T>(act: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(act)).ok()
}

fn broken(file: &Arc<str>, place: Place) -> Found {
    Found::Problem(Problem {
        file: Arc::clone(file),
        line: place.line,
        column: place.column,
        message: "cannot be judged: this program broke".to_owned(),
        remedy: Some("report it, with this manifest if you may".to_owned()),
    })
}
