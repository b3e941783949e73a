//! Processes of the cluster: each has a log and its number in a file of the cluster's directory, where tests find them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Starts `command` as the process called `name`; its log goes on where that of one before ended.
pub(super) fn spawn(home: &Path, name: &str, mut command: Command) -> Child {
    let path = home.join(format!("{name}.log"));
    let log = fs::File::options().create(true).append(true).open(path).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let written = home.join(format!("{name}.pid.new"));
    fs::write(&written, child.id().to_string()).unwrap();
    fs::rename(written, home.join(format!("{name}.pid"))).unwrap();
    child
}

/// Which process `name` is.
pub(super) fn pid(home: &Path, name: &str) -> u32 {
    let text = fs::read_to_string(home.join(format!("{name}.pid")));
    text.unwrap_or_else(|error| panic!("no process is called {name}: {error}")).parse().unwrap()
}

/// Sends a signal; a process that is gone already gets none.
pub(super) fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}
