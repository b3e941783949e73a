//! `policy verify`: runs the tests that lie beside policies.

mod watch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use regex::Regex;

use super::{CLEAN, Format, FormatArgs, UNKNOWN, VIOLATIONS, millis, output};
use crate::engine::bundle::{Bundle, BundleError};
use crate::report::coverage;
use crate::report::verify as text;
use crate::source::Location;
use crate::suite::cases::{self, Suite};
use crate::suite::coverage::CoverageReport;
use crate::suite::verify::{Report, Settings, run as run_tests};

/// Run the tests of a policy directory: every rule `test_…` in its `*_test.rego` files, every case of its `suite.yaml`
/// files.
///
/// A test passes if its rule is true, a case if the verdict on its object is what it expects. Exit 0 if all pass, 1 if
/// one fails or too little is covered, 2 if one could not be evaluated or there were none.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// Directory of policies, before --policies; the shipped set if both are left out.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,

    /// The same as DIR.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_POLICIES")]
    policies: Option<PathBuf>,

    /// Run only the tests and cases in whose path this regular expression is found. A test's path is such as
    /// `data.policies.require_probes_test.test_x`, a case's `require_probes/a CronJob needs none`.
    #[arg(long, value_name = "REGEX", env = "PORTCULLIS_RUN", value_parser = Regex::new)]
    run: Option<Regex>,

    /// Tell which lines of the policies the tests reached. json and lcov take stdout, and what the tests did goes to
    /// stderr; with --format json it is part of that document.
    #[arg(long, value_enum, value_name = "FORMAT", env = "PORTCULLIS_COVERAGE")]
    coverage: Option<CoverageFormat>,

    /// Exit 1 if less of a policy or library is covered, in percent of its lines.
    #[arg(long, value_name = "PERCENT", env = "PORTCULLIS_MIN_COVERAGE",
          value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,

    /// Run again whenever a file of the directory changes, until interrupted.
    #[arg(long, env = "PORTCULLIS_WATCH", value_parser = FalseyValueParser::new())]
    watch: bool,

    /// How long one test may take, and in a case each policy, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 5_000, env = "PORTCULLIS_TEST_TIMEOUT", value_parser = millis())]
    timeout: u64,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CoverageFormat {
    /// A table behind the results.
    Text,
    /// One JSON document.
    Json,
    /// A tracefile.
    Lcov,
}

/// What is verified, and how it is told.
#[derive(Clone, Debug)]
struct Work {
    location: Location,
    settings: Settings,
    format: Format,
    coverage: Option<CoverageFormat>,
    min_coverage: Option<u8>,
}

pub(super) fn run(arguments: &VerifyArgs) -> anyhow::Result<u8> {
    let policies = arguments.directory.clone().or_else(|| arguments.policies.clone());
    let format = arguments.format.format;
    if format == Format::Json && arguments.coverage == Some(CoverageFormat::Lcov) {
        bail!("--coverage lcov does not go with --format json: both are written to stdout; leave one of them out");
    }
    let work = Work {
        location: Location { policies, ..Location::default() },
        settings: Settings {
            limit: Duration::from_millis(arguments.timeout),
            only: arguments.run.clone(),
            coverage: arguments.coverage.is_some() || arguments.min_coverage.is_some(),
        },
        format,
        coverage: arguments.coverage,
        min_coverage: arguments.min_coverage,
    };
    if arguments.watch { watch::run(&work) } else { work.run() }
}

impl Work {
    /// Loads, runs and tells, once.
    fn run(&self) -> anyhow::Result<u8> {
        let bundle = self.location.bundle()?;
        let suites = self.suites(&bundle)?;
        let report = run_tests(&bundle, &suites, &self.settings)?;
        let summary = &report.summary;
        if let (Some(only), 0) = (&self.settings.only, summary.files) {
            bail!("--run {only}: fits no test and no case; see the paths in policy verify --format json");
        }
        self.tell(&report)?;
        let uncovered = self.tell_uncovered(report.coverage.as_ref());
        Ok(match () {
            () if summary.errors > 0 || summary.passed.saturating_add(summary.failed) == 0 => UNKNOWN,
            () if summary.failed > 0 || uncovered => VIOLATIONS,
            () => CLEAN,
        })
    }

    fn suites(&self, bundle: &Bundle) -> anyhow::Result<Vec<Suite>> {
        let (mut suites, mut errors) = (Vec::new(), Vec::new());
        for source in self.location.suites()? {
            let fixtures = |suite: &_, path: &str| {
                self.location.fixture(suite, path).map_err(|error| (error.why, error.remedy.to_owned()))
            };
            match cases::read(&source, bundle, &fixtures) {
                Ok(suite) => suites.push(suite),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() { Ok(suites) } else { Err(BundleError(errors).into()) }
    }

    fn tell(&self, report: &Report) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return output::json(report);
        }
        let results = text::write(report)?;
        match (self.coverage, &report.coverage) {
            (Some(CoverageFormat::Json), Some(covered)) => {
                output::hint(results.trim_end());
                output::json(covered)
            }
            (Some(CoverageFormat::Lcov), Some(covered)) => {
                output::hint(results.trim_end());
                output::result(&coverage::lcov(covered)?)
            }
            (Some(CoverageFormat::Text), Some(covered)) => output::result(&(results + &coverage::text(covered)?)),
            (_, None) | (None, Some(_)) => output::result(&results),
        }
    }

    /// Complains of each policy of which too little is covered; whether there is one.
    fn tell_uncovered(&self, covered: Option<&CoverageReport>) -> bool {
        let (Some(covered), Some(wanted)) = (covered, self.min_coverage) else { return false };
        let mut found = false;
        for file in covered.below(wanted) {
            found = true;
            output::hint(&format!(
                "policy: {}: {:.1} % of its lines are covered, less than {wanted} %; not covered: {}",
                file.file,
                file.share.percent,
                file.uncovered_ranges()
            ));
        }
        found
    }
}
