//! Every file of `mutate_golden/MUTATOR` is a test: what that mutator alone makes of the object stands beside it.
//!
//! A new file, or a changed answer, is accepted with `INSTA_UPDATE=always cargo test --test mutate_golden`, and read in
//! the diff.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::catch_unwind;

use data_encoding::BASE64;
use portcullis::admission::{Admit, Gate, NoCluster, Webhook};
use portcullis::engine::review::Operation;
use portcullis::source::Profile;
use portcullis::suite::manifest::{Input, load};
use portcullis::suite::review::{Options, review_json};
use serde_json::{Value, json};

use super::subject::{BUDGET, applied, home, mutators, shipped};

const CONFIG: &str = "config";

/// The names of a directory's files with an ending, without it.
fn names(directory: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(home(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(ending)?.to_owned())).filter(|name| name != CONFIG).collect()
}

/// The review of the one object in a file; a file may hold the whole review.
fn review(path: &str) -> String {
    let found = load(&[Input::Path(home(path))]);
    assert!(found.problems.is_empty() && found.skipped.is_empty(), "{path}: {found:?}");
    let [manifest] = found.objects.as_slice() else { panic!("{path} does not hold one object") };
    let options = Options {
        operation: Operation::Create,
        user: "ann".to_owned(),
        groups: Vec::new(),
        namespace: "shop".to_owned(),
        dry_run: false,
    };
    review_json(manifest, &options)
}

/// What the webhooks answer, as a person reads it: a line for each operation of the patch, then the warnings of
/// validation, which sees what has become of the object.
fn shown(gate: &Gate, review: &str) -> String {
    let response = asked(gate, Webhook::Mutate, review);
    let patch = response["patch"]
        .as_str()
        .map_or(json!([]), |patch| serde_json::from_slice(&BASE64.decode(patch.as_bytes()).unwrap()).unwrap());
    let mut text = String::new();
    for operation in patch.as_array().unwrap() {
        writeln!(text, "{operation}").unwrap();
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    let mut review: Value = serde_json::from_str(review).unwrap();
    review["request"]["object"] = applied(&review["request"]["object"], &patch);
    let response = asked(gate, Webhook::Validate, &review.to_string());
    for warning in response["warnings"].as_array().into_iter().flatten() {
        writeln!(text, "warning: {}", warning.as_str().unwrap()).unwrap();
    }
    text
}

fn asked(gate: &Gate, webhook: Webhook, review: &str) -> Value {
    let reply = gate.admit(webhook, review.as_bytes(), BUDGET);
    let mut answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let response = answer["response"].take();
    assert_eq!(response["allowed"], true, "{response}");
    assert!(response["auditAnnotations"].get("errors").is_none(), "{response}");
    response
}

#[test]
fn every_mutator_makes_of_each_object_what_its_snapshot_says() {
    let mut changed = Vec::new();
    for mutator in mutators() {
        let gate = Gate::new(shipped(Profile::None, &format!("{mutator}/{CONFIG}.yaml")), Box::new(NoCluster), BUDGET);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(home(&mutator));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let cases = names(&mutator, ".yaml");
        assert!(cases.len() > 10, "{mutator}: only {} objects were found", cases.len());
        for case in cases {
            let answer = shown(&gate, &review(&format!("{mutator}/{case}.yaml")));
            let compared = settings.bind(|| catch_unwind(|| insta::assert_snapshot!(case.as_str(), answer)));
            if compared.is_err() {
                changed.push(format!("{mutator}/{case}"));
            }
        }
    }
    assert!(changed.is_empty(), "these have changed: {}", changed.join(", "));
}

#[test]
fn every_snapshot_has_its_object() {
    for mutator in mutators() {
        let (cases, snapshots) = (names(&mutator, ".yaml"), names(&mutator, ".snap"));
        let left: Vec<&String> = snapshots.difference(&cases).collect();
        assert!(left.is_empty(), "{mutator}: these snapshots are of objects that are gone: {left:?}");
    }
}
