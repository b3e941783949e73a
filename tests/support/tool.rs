//! Outside tools, as `tests/tools/install` builds them.

use std::env::var_os;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The tool that `tests/tools/install NAME` builds, named by `PORTCULLIS_NAME`. Without it the check is left out, except
/// where every tool is required.
pub(crate) fn tool(name: &str) -> Option<Command> {
    let variable = format!("PORTCULLIS_{}", name.to_uppercase().replace('-', "_"));
    if let Some(path) = var_os(&variable) {
        return Some(Command::new(path));
    }
    let required = ["CI", "PORTCULLIS_REQUIRE_TOOLS"].into_iter().find(|name| var_os(name).is_some());
    assert!(required.is_none(), "{required:?} is set and {variable} is not: run tests/tools/install {name}");
    eprintln!("left out: {name} ({variable} is not set; run tests/tools/install {name})");
    None
}

/// Runs a tool on a text.
pub(crate) fn fed(mut command: Command, stdin: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // Beside the reading: a tool that answers as it reads would wait for us while we wait for it.
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(stdin).unwrap());
        child.wait_with_output().unwrap()
    })
}
