//! The API server's own checks, run by `tests/tools/pss`.

use std::collections::BTreeMap;
use std::env::var_os;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::version::Version;

/// The program at `$PORTCULLIS_PSS`, as `tests/tools/install` prints it; without it the comparison is left out, except
/// where every tool is required.
pub(super) fn program() -> Option<OsString> {
    let program = var_os("PORTCULLIS_PSS");
    if program.is_none() {
        let required = ["CI", "PORTCULLIS_REQUIRE_TOOLS"].into_iter().find(|name| var_os(name).is_some());
        assert!(required.is_none(), "{required:?} is set and PORTCULLIS_PSS is not: run tests/tools/install pss");
        eprintln!("left out: pss (PORTCULLIS_PSS is not set; run tests/tools/install pss)");
    }
    program
}

/// A check of the standards.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// Its id, such as `hostPorts`.
    pub(super) id: String,
    /// Its control as our policies name it, such as `pss/baseline/hostPorts`.
    pub(super) control: String,
    /// The versions at which its verdict may change, the first and the latest among them, in order.
    pub(super) changes: Vec<Version>,
}

/// The checks at work.
pub(super) struct Upstream {
    /// The checks.
    pub(super) checks: Vec<Check>,
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What the checks say of one Pod.
#[derive(Deserialize)]
pub(super) struct Verdicts {
    #[serde(default)]
    allowed: BTreeMap<String, Vec<bool>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    checks: Vec<HeaderCheck>,
}

#[derive(Deserialize)]
struct HeaderCheck {
    id: String,
    level: String,
    versions: Vec<String>,
}

impl Upstream {
    pub(super) fn start(program: &OsString) -> Self {
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let header: Header = answer(&mut answers);
        let checks = header.checks.into_iter().map(|check| Check {
            control: format!("pss/{}/{}", check.level, check.id),
            changes: check.versions.iter().map(|version| Version::parse(version)).collect(),
            id: check.id,
        });
        Self { checks: checks.collect(), child, questions, answers }
    }

    /// Judges a Pod, which is a line of JSON.
    pub(super) fn judge(&mut self, pod: &str) -> Verdicts {
        let questions = self.questions.as_mut().unwrap();
        questions.write_all(format!("{pod}\n").as_bytes()).unwrap();
        answer(&mut self.answers)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.questions.take());
        // The program ends with its input; a test that fails here would hide why it came to an end.
        let _ = self.child.wait();
    }
}

fn answer<T: for<'de> Deserialize<'de>>(answers: &mut BufReader<ChildStdout>) -> T {
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in the answer of pss: {line:?}"))
}

impl Verdicts {
    /// Whether a check allows the Pod in a version; an error if the API server could not decode the Pod.
    pub(super) fn allows(&self, check: &Check, version: Version) -> Result<bool, &str> {
        if let Some(error) = &self.error {
            return Err(error);
        }
        // A version without rules of its own has those of the version before.
        let latest = check.changes.iter().rposition(|change| *change <= version).unwrap();
        Ok(self.allowed[&check.id][latest])
    }
}

/// The checks in force, from a program started for it.
pub(super) fn checks(program: &OsString) -> Vec<Check> {
    Upstream::start(program).checks.clone()
}
