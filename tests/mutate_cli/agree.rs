//! One way to a patch: what the webhook answers, `policy test --mutate` says of the same objects.

use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use portcullis::admission::{Admit as _, Gate, NoCluster, Webhook};
use portcullis::engine::review::Operation;
use portcullis::source::{Location, Profile};
use portcullis::suite::manifest::{self, Input};
use portcullis::suite::review::{Options, review_json};
use serde_json::Value;

use crate::{home, json, policy_with, text};

const BUDGET: Duration = Duration::from_secs(30);

fn inputs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["tests/mutate_cli/input", "tests/policy_test/input", "tests/explain/objects.yaml", "examples"]
        .map(|path| root.join(path))
        .to_vec()
}

/// How many objects are changed, in the same way by both doors.
fn agreeing(policies: Option<&Path>) -> usize {
    let inputs = inputs();
    let set: Vec<&str> = policies.iter().flat_map(|path| ["--policies", text(path)]).collect();
    let asked = ["test", "--mutate", "--format", "json", "--profile", "none"];
    let output =
        policy_with(&[&asked[..], &set, &inputs.iter().map(|path| text(path)).collect::<Vec<_>>()].concat(), "");
    let report = json(&output);
    let results = report["results"].as_array().unwrap();
    let options = Options {
        operation: Operation::Create,
        user: "policy-test".to_owned(),
        groups: vec!["system:authenticated".to_owned()],
        namespace: "default".to_owned(),
        dry_run: false,
    };
    let location = Location { policies: policies.map(Path::to_owned), profile: Profile::None, ..Location::default() };
    let gate = Gate::new(location.load().unwrap().set, Box::new(NoCluster), BUDGET);
    let objects = manifest::load(&inputs.into_iter().map(Input::Path).collect::<Vec<_>>()).objects;
    assert_eq!(results.len(), objects.len());
    let mut changed = 0;
    for (object, result) in objects.iter().zip(results) {
        let reply = gate.admit(Webhook::Mutate, review_json(object, &options).as_bytes(), BUDGET);
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        let patch = answer["response"]["patch"].as_str().map(|patch| BASE64.decode(patch.as_bytes()).unwrap());
        let patch = String::from_utf8(patch.unwrap_or(b"[]".to_vec())).unwrap();
        assert_eq!(patch, result["patch"].to_string(), "{result}");
        changed += usize::from(patch != "[]");
    }
    changed
}

#[test]
fn the_webhook_and_policy_test_give_equal_patches() {
    assert!(agreeing(Some(&home().join("policies"))) > 4);
    agreeing(None);
}
