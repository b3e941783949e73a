//! `policy completions`: what a shell needs to complete the command's words.

use clap::Args;

use super::{CLEAN, output};

/// Write the completions of a shell to stdout.
///
/// For example: source <(policy completions bash); policy completions zsh > ~/.zfunc/_policy;
/// policy completions fish > ~/.config/fish/completions/policy.fish.
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &CompletionsArgs, mut command: clap::Command) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "policy", &mut script);
    output::result(&String::from_utf8(script)?)?;
    Ok(CLEAN)
}
