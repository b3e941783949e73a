//! One decision path: what the webhook answers over TLS, `policy test` says of the same objects.

use std::path::{Path, PathBuf};

use portcullis::engine::review::Operation;
use portcullis::suite::manifest::{self, Input};
use portcullis::suite::review::{Options, review_json};
use serde_json::Value;

use crate::client::Client;
use crate::command::policy;
use crate::process::Process;

/// More time than any policy needs, as a debug build on a busy machine is slow.
const BUDGET: [&str; 2] = ["--policy-budget", "5000"];

fn inputs() -> [PathBuf; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [root.join("tests/policy_test/input"), root.join("examples")]
}

/// What is said against an object, one line each: policy, message, field. Warnings are no causes of a denial.
fn said(violations: &Value, policy: &str) -> Vec<String> {
    let violations = violations.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut said: Vec<String> = violations
        .iter()
        .filter(|one| one["enforcement"].as_str().is_none_or(|enforcement| enforcement == "deny"))
        .map(|one| format!("{} {} {}", one[policy], one["message"], one["field"]))
        .collect();
    said.sort();
    said
}

#[tokio::test]
async fn the_webhook_and_policy_test_reach_equal_verdicts() {
    let output = policy(["test", "--format", "json"]).args(BUDGET).args(inputs()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["results"].as_array().unwrap();

    let options = Options {
        operation: Operation::Create,
        user: "policy-test".to_owned(),
        groups: vec!["system:authenticated".to_owned()],
        namespace: "default".to_owned(),
        dry_run: false,
    };
    let objects = manifest::load(&inputs().map(Input::Path)).objects;
    assert_eq!(results.len(), objects.len());
    for allowed in [true, false] {
        assert!(results.iter().any(|result| result["allowed"] == allowed), "no object has allowed: {allowed}");
    }
    let server = Process::start(&BUDGET).await;
    let mut client = Client::connect(&server).await;
    for (object, result) in objects.iter().zip(results) {
        let answer = client.post("/validate", review_json(object, &options)).await.json();
        let response = &answer["response"];
        assert_eq!(response["allowed"], result["allowed"], "{result}");
        let causes = &response["status"]["details"]["causes"];
        let violations = &result["violations"];
        assert_eq!(said(causes, "reason"), said(violations, "policy"), "{result}");
        let warns = violations.as_array().unwrap().iter().any(|violation| violation["enforcement"] == "warn");
        assert_eq!(response.get("warnings").is_some(), warns, "{result}");
    }
}
