//! Prometheus' own checker.

use std::env::var_os;
use std::io::Write;
use std::process::{Command, Stdio};

/// Fails the test if `promtool check metrics` has anything to say. It is `$PORTCULLIS_PROMTOOL`, as
/// `tests/tools/install` prints it; without it the check is left out, except where every tool is required.
pub(super) fn check(scrape: &str) {
    let Some(promtool) = var_os("PORTCULLIS_PROMTOOL") else {
        let required = ["CI", "PORTCULLIS_REQUIRE_TOOLS"].into_iter().find(|name| var_os(name).is_some());
        assert!(
            required.is_none(),
            "{required:?} is set and PORTCULLIS_PROMTOOL is not: run tests/tools/install promtool"
        );
        eprintln!("left out: promtool (PORTCULLIS_PROMTOOL is not set; run tests/tools/install promtool)");
        return;
    };
    let mut command = Command::new(promtool);
    let piped = command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = piped.spawn().unwrap();
    check.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "promtool says: {}", String::from_utf8_lossy(&said));
}
