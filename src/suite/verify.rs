//! All tests of a directory of policies, those in Rego and the cases of suites, and what they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regex::Regex;
use serde::Serialize;

use super::cases::{self, Case, CaseReport, Suite};
use super::coverage::CoverageReport;
use super::unit::{self, Selected, Test, TestResult};
use crate::engine::bundle::{Bundle, TestModule};
use crate::engine::policy::Policy;
use crate::engine::rego::coverage::Coverage;
use crate::engine::source::SourceError;

/// How many files of tests are run at a time, at most. Each is a program of its own.
const THREADS: usize = 8;

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one test may take, and in a case each policy.
    pub limit: Duration,
    /// The tests and cases whose path it finds; all if there is none.
    pub only: Option<Regex>,
    /// Whether to tell which lines were reached.
    pub coverage: bool,
}

/// What the tests of a directory did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Each test in Rego, by file and line.
    pub tests: Vec<Test>,
    /// Each case of a suite, by file and line.
    pub cases: Vec<CaseReport>,
    /// What they covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageReport>,
    /// The counts.
    pub summary: Summary,
}

/// Counts of tests and cases.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Files with tests or cases that were run.
    pub files: usize,
    /// Tests in Rego.
    pub tests: usize,
    /// Cases of suites.
    pub cases: usize,
    /// Tests and cases that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that could not be evaluated.
    pub errors: usize,
}

/// A file of tests, with those of them that are wanted.
enum Job<'a> {
    Tests(&'a TestModule, Vec<Selected>),
    Cases(&'a Suite, Vec<&'a Case>),
}

/// What a job did.
enum Done {
    Tests(Vec<Test>),
    Cases(Vec<CaseReport>),
}

/// Runs the tests of a bundle and the cases of its suites. An error is a policy that could not be compiled anew to be
/// observed, though it was compiled before.
pub fn run(bundle: &Bundle, suites: &[Suite], settings: &Settings) -> Result<Report, SourceError> {
    let coverage = settings.coverage.then(Coverage::default);
    let policies = match &coverage {
        Some(coverage) => bundle.observed(coverage)?,
        None => bundle.policies.clone(),
    };
    let jobs = jobs(bundle, suites, settings.only.as_ref());
    let done = run_jobs(&jobs, |job| run_job(job, &policies, settings.limit, coverage.as_ref()));
    let (mut tests, mut cases) = (Vec::new(), Vec::new());
    for job in done {
        match job {
            Done::Tests(done) => tests.extend(done),
            Done::Cases(done) => cases.extend(done),
        }
    }
    let summary = summarize(&jobs, &tests, &cases);
    let coverage = coverage.map(|coverage| CoverageReport::of(&coverage, bundle));
    Ok(Report { tests, cases, coverage, summary })
}

fn jobs<'a>(bundle: &'a Bundle, suites: &'a [Suite], only: Option<&Regex>) -> Vec<Job<'a>> {
    let wanted = |path: &str| only.is_none_or(|only| only.is_match(path));
    let tests = bundle.tests.iter().map(|module| Job::Tests(module, unit::select(module, wanted)));
    let cases = suites
        .iter()
        .map(|suite| Job::Cases(suite, suite.cases.iter().filter(|case| wanted(&suite.path(case))).collect()));
    // A file that holds no test is told of if it is broken, but not among chosen tests.
    tests.chain(cases).filter(|job| only.is_none() || job.count() > 0).collect()
}

impl Job<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Tests(_, selected) => selected.len(),
            Self::Cases(_, cases) => cases.len(),
        }
    }
}

/// Runs jobs on as many threads as there are processors; what they did comes in the order of the jobs.
fn run_jobs<J: Sync, D: Send>(jobs: &[J], run: impl Fn(&J) -> D + Sync) -> Vec<D> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return done };
            done.push((index, run(job)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(jobs.len());
    let mut done: Vec<(usize, D)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, done)| done).collect()
}

fn run_job(job: &Job<'_>, policies: &[Arc<Policy>], limit: Duration, coverage: Option<&Coverage>) -> Done {
    match job {
        Job::Tests(module, selected) => Done::Tests(unit::run(module, selected, limit, coverage)),
        Job::Cases(suite, wanted) => {
            Done::Cases(wanted.iter().map(|case| cases::run(suite, case, policies, limit)).collect())
        }
    }
}

fn summarize(jobs: &[Job<'_>], tests: &[Test], cases: &[CaseReport]) -> Summary {
    let results = tests.iter().map(|test| test.result).chain(cases.iter().map(|case| case.result));
    let mut summary = Summary { files: jobs.len(), tests: tests.len(), cases: cases.len(), ..Summary::default() };
    for result in results {
        let count = match result {
            TestResult::Pass => &mut summary.passed,
            TestResult::Fail => &mut summary.failed,
            TestResult::Error => &mut summary.errors,
        };
        *count = count.saturating_add(1);
    }
    summary
}
