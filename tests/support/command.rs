//! The `policy` binary, alone with its arguments.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// `policy ARGUMENTS…` with nothing of ours in its environment.
pub(crate) fn policy<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policy"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PORTCULLIS_")) {
        command.env_remove(name);
    }
    command
}
