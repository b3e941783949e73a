//! The command line: arguments, one file a subcommand, exit codes.

mod certs;
mod check;
mod completions;
mod docs;
mod explain;
mod list;
mod man;
mod new;
mod output;
mod request;
mod schema;
mod serve;
mod test;
mod verify;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::source::{Location, Profile};

/// Nothing stands against what was asked.
const CLEAN: u8 = 0;
/// Something does.
const VIOLATIONS: u8 = 1;
/// It could not be told.
const UNKNOWN: u8 = 2;

/// Admission and policy enforcement for Kubernetes.
///
/// Rego policies decide real objects: as a webhook that the API server calls, and in CI on manifests, by the same
/// function. Exit codes: 0 clean, 1 violations, 2 could not tell (usage, broken policy, unreadable input, nothing
/// evaluated).
#[derive(Debug, Parser)]
#[command(name = "policy", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::ServeArgs>),
    Test(test::TestArgs),
    Explain(explain::ExplainArgs),
    Verify(verify::VerifyArgs),
    Check(check::CheckArgs),
    List(list::ListArgs),
    New(new::NewArgs),
    Docs(docs::DocsArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Certs(certs::CertsArgs),
    Webhook(webhook::WebhookArgs),
}

/// Which policies, and how they are configured.
#[derive(Args, Clone, Debug)]
struct PolicyArgs {
    /// Directory of policies (or one file); the shipped set if left out.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_POLICIES")]
    policies: Option<PathBuf>,

    /// Directory of policies (or one file) beside those: a name that is there already is an error. No profile concerns
    /// them: they are enforced as their METADATA says, unless the configuration says otherwise.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_EXTRA_POLICIES")]
    extra_policies: Option<PathBuf>,

    /// Profile of the policies, a file in their profiles/: baseline, restricted, recommended or audit-only for the
    /// shipped set, recommended if left out; none enforces each policy as its METADATA says.
    #[arg(long, value_name = "NAME", env = "PORTCULLIS_PROFILE")]
    profile: Option<String>,

    /// Configuration file, on top of the profile: enforcement and parameters by policy and namespace, exemptions.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CONFIG")]
    config: Option<PathBuf>,
}

impl PolicyArgs {
    fn location(&self) -> Location {
        Location {
            policies: self.policies.clone(),
            extra: self.extra_policies.clone(),
            profile: Profile::of(self.profile.as_deref()),
            config: self.config.clone(),
        }
    }
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For machines: one JSON document.
    Json,
}

/// How the result is written.
#[derive(Args, Clone, Copy, Debug)]
struct FormatArgs {
    /// How to write the result: for people, or one JSON document.
    #[arg(long, value_enum, default_value = "text", env = "PORTCULLIS_FORMAT")]
    format: Format,
}

/// A time in milliseconds, an hour at the most.
fn millis() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=3_600_000)
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Webhook(arguments) => webhook::run(&arguments),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        output::complain(&error);
        UNKNOWN
    }))
}
