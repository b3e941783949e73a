//! Prometheus' own checker.

use crate::tool::{fed, tool};

/// Fails the test if `promtool check metrics` has anything to say.
pub(super) fn check(scrape: &str) {
    let Some(mut promtool) = tool("promtool") else { return };
    promtool.args(["check", "metrics"]);
    let checked = fed(promtool, scrape.as_bytes());
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "promtool says: {}", String::from_utf8_lossy(&said));
}
