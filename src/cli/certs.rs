//! `policy certs`: certificates made for local use, and looked at wherever they are.

mod create;
mod inspect;

use clap::{Args, Subcommand};

/// Make certificates for local use, and look at those in use.
#[derive(Args, Debug)]
pub(super) struct CertsArgs {
    #[command(subcommand)]
    command: CertsCommand,
}

#[derive(Debug, Subcommand)]
enum CertsCommand {
    Create(create::CreateArgs),
    Inspect(inspect::InspectArgs),
}

pub(super) fn run(arguments: &CertsArgs) -> anyhow::Result<u8> {
    match &arguments.command {
        CertsCommand::Create(arguments) => create::run(arguments),
        CertsCommand::Inspect(arguments) => inspect::run(arguments),
    }
}
