//! Runs a command that must fail, and looks at what it says.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::policy;

/// What a command did.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs `policy ARGUMENTS…`, on free ports if it would serve, and fails the test if it does not end.
pub(super) fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Ran {
    let mut command = policy(arguments);
    let serves = arguments.first().is_some_and(|first| first.as_ref() == "serve");
    let given = |name: &str| arguments.iter().any(|argument| argument.as_ref() == name);
    for name in ["--address", "--operations-address"].into_iter().filter(|name| serves && !given(name)) {
        command.args([name, "127.0.0.1:0"]);
    }
    let mut child = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let stdout = read(child.0.stdout.take().unwrap());
    let stderr = read(child.0.stderr.take().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "still running: {command:?}");
        thread::sleep(Duration::from_millis(2));
    }
    let code = child.0.wait().unwrap().code();
    Ran { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// A process that ends with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Refuses `policy ARGUMENTS…`: exit code 2 and a complaint that begins with `policy: ` and says all of `expected`.
#[track_caller]
pub(super) fn refused<A: AsRef<OsStr>>(arguments: &[A], expected: &[&str]) {
    let shown: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    let Ran { code, stdout, stderr } = run(arguments);
    assert_eq!(code, Some(2), "{shown:?} says\n{stderr}{stdout}");
    assert_eq!(stdout, "", "{shown:?}");
    assert!(stderr.starts_with("policy: "), "{shown:?} says\n{stderr}");
    says(&stderr, expected);
}

#[track_caller]
pub(super) fn says(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}
