//! `policy test`: the verdict that the cluster would give, for manifests.

mod file;
mod outputs;
mod progress;
mod written;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::outputs::{OutputArgs, Outputs};
use self::progress::Progress;
use self::written::{MutateArgs, Written};
use super::request::{RequestArgs, inputs};
use super::{CLEAN, PolicyArgs, UNKNOWN, VIOLATIONS};
use crate::engine::violation::FailMode;
use crate::report::Closing;
use crate::suite::base::Base;
use crate::suite::judge::{Found, Judgement, Summary};
use crate::suite::stream::{self, Bench};

/// Give the verdict that the cluster would give, for manifests.
///
/// Reads files, directories (*.yaml, *.yml, *.json, recursively) and - for stdin: multi-document YAML, JSON, Lists,
/// and AdmissionReviews with their own operation and user. A Namespace among them gives its labels to the others.
#[derive(Args, Debug)]
pub(super) struct TestArgs {
    /// Files and directories of manifests; - reads stdin.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policies: PolicyArgs,

    #[command(flatten)]
    request: RequestArgs,

    /// A revision of git: objects that are as they were then are reported and fail nothing.
    #[arg(long, value_name = "REV", env = "PORTCULLIS_DIFF_BASE")]
    diff_base: Option<String>,

    /// What makes the exit code 1: violations that deny, or those that warn as well.
    #[arg(long, value_enum, default_value = "deny", env = "PORTCULLIS_FAIL_ON")]
    fail_on: FailOn,

    #[command(flatten)]
    mutation: MutateArgs,

    #[command(flatten)]
    outputs: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Violations that deny.
    Deny,
    /// Violations that deny or warn.
    Warn,
}

pub(super) fn run(arguments: &TestArgs) -> anyhow::Result<u8> {
    let set = arguments.request.select(arguments.policies.location().load()?.set)?;
    let inputs = inputs(&arguments.paths)?;
    let mut written = Written::open(&arguments.mutation, &inputs)?;
    let progress = Progress::start();
    let mut outputs = Outputs::open(&arguments.outputs, &progress)?;
    let options = arguments.request.options();
    let base = arguments.diff_base.as_deref().map(|revision| Base::open(revision, Path::new("."))).transpose()?;
    let policy_budget = arguments.request.policy_budget();
    let mutates = arguments.mutation.mutate;
    let bench = Bench { set: &set, options: &options, policy_budget, base: base.as_ref(), mutates };
    let mut tally = Tally { fail_on: arguments.fail_on, summary: Summary::default(), is_undecided: false };
    stream::judge(&inputs, bench, |found| {
        tally.add(&found);
        outputs.take(&found);
        if let Some(written) = &mut written {
            written.take(&found);
        }
        if matches!(found, Found::Judged(_)) {
            progress.advance();
        }
    });
    progress.clear();
    outputs.finish(&Closing { revision: set.revision(), policies: set.policies(), summary: &tally.summary })?;
    written.map_or(Ok(()), Written::finish)?;
    Ok(tally.exit_code())
}

/// What the exit code depends on.
struct Tally {
    fail_on: FailOn,
    summary: Summary,
    /// Whether a policy without a verdict counts.
    is_undecided: bool,
}

impl Tally {
    fn add(&mut self, found: &Found) {
        self.summary.add(found);
        if let Found::Judged(Judgement { errors, existing: false, .. }) = found {
            self.is_undecided |= errors.iter().any(|failure| self.counts(failure.on_error));
        }
    }

    fn counts(&self, mode: FailMode) -> bool {
        mode == FailMode::Deny || (mode == FailMode::Warn && self.fail_on == FailOn::Warn)
    }

    fn exit_code(&self) -> u8 {
        let summary = &self.summary;
        let violated = summary.deny > 0 || (self.fail_on == FailOn::Warn && summary.warn > 0);
        match (self.is_undecided || summary.problems > 0 || summary.evaluations == 0, violated) {
            (true, _) => UNKNOWN,
            (false, true) => VIOLATIONS,
            (false, false) => CLEAN,
        }
    }
}
