//! `policy man`: the manual pages, made from the command's own help.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{CLEAN, output};

/// Write the manual page to stdout, or all pages into a directory.
///
/// For example: policy man | man -l -; policy man --dir /usr/local/share/man/man1.
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Directory that gets policy.1 and a page for each subcommand; it is made if it is not there.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_MAN_DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &ManArgs, command: clap::Command) -> anyhow::Result<u8> {
    let Some(directory) = &arguments.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        output::result(&String::from_utf8(page)?)?;
        return Ok(CLEAN);
    };
    let failed = || format!("manual pages cannot be written to {}", directory.display());
    std::fs::create_dir_all(directory).with_context(failed)?;
    clap_mangen::generate_to(command, directory).with_context(failed)?;
    Ok(CLEAN)
}
