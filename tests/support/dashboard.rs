//! The queries of the chart's dashboard.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the chart keeps what Prometheus and Grafana read.
pub(crate) fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/portcullis/files")
}

/// The dashboard as it is shipped.
pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(files().join("dashboard.json")).unwrap()).unwrap()
}

/// Each panel's title and query, with Grafana's variables put in: the job `portcullis`, and spans that a test can fill.
pub(crate) fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let query = query.replace("$__rate_interval", "1m").replace("$__range", "1m").replace("$job", "portcullis");
            assert!(!query.contains('$'), "{query}");
            found.push((panel["title"].as_str().unwrap().to_owned(), query));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}
