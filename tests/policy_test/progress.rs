//! What a person at a terminal sees while a run takes long.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::outputs::ENDLESS;
use crate::{command, file};

/// What clears a line.
const CLEAR: &str = "\r\u{1b}[K";

/// Runs a test that takes some seconds with stderr, and stdout if asked for, on a terminal; gives what it shows.
fn shown(is_job: bool, stdout_too: bool) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let open = || {
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        OpenOptions::new().read(true).write(true).open(path).unwrap()
    };
    let (_policies, policies) = file("endless.rego", ENDLESS);
    let accounts = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n".repeat(24);
    let (_manifests, manifests) = file("a.yaml", &accounts);
    let mut command = command(&["test", "--policy-budget", "250", "--policies", &policies, &manifests]);
    command.env_remove("CI").env("TERM", "xterm");
    if is_job {
        command.env("CI", "true");
    }
    command.stdin(Stdio::null()).stderr(open());
    command.stdout(if stdout_too { Stdio::from(open()) } else { Stdio::null() });
    let mut child = command.spawn().unwrap();
    drop(command);
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // The last writer's end is an error here (EIO), and the end.
        let _ = File::from(controller).read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap()
}

#[test]
fn a_line_tells_how_far_it_is_and_is_gone_in_the_end() {
    let text = shown(false, false);
    assert!(text.contains(" objects judged, "), "{text:?}");
    assert!(text.ends_with(CLEAR), "{text:?}");
    assert!(!text.contains('\n'), "it is one line: {text:?}");
}

#[test]
fn verdicts_stand_above_the_line() {
    let text = shown(false, true);
    let lines: Vec<&str> = text.lines().collect();
    assert!(text.contains(" objects judged, "), "{text:?}");
    for line in &lines {
        let last = line.rsplit(CLEAR).next().unwrap();
        assert!(!last.contains("objects judged"), "a verdict follows the progress on its line: {line:?}");
    }
    assert!(text.contains("24 objects, 0 denied"), "{text:?}");
}

#[test]
fn the_log_of_a_job_shows_none() {
    assert_eq!(shown(true, false), "");
}
