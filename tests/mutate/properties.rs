//! What holds of every patch, whatever the Pod and whatever the policies want.

use std::cell::{Cell, RefCell};

use portcullis::engine::decide::Evaluation;
use portcullis::engine::mutate::Mutation;
use portcullis::engine::path::{FieldPath, Segment};
use portcullis::engine::policy_set::PolicySet;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::apply::{alike, by_the_rfc, strictly};
use super::generate::{pod, wishes};
use super::raw::Raw;
use super::subject::{POLICIES, creation, mutated, obedient};
use crate::tool::{fed, tool};

/// How many Pods are mutated, and by which seed: the same every time, as a test that fails now and then is believed by
/// nobody. `PORTCULLIS_MUTATE_PODS` and `PORTCULLIS_MUTATE_SEED` make more of them, and others.
const PODS: u32 = 400;
const SEED: u32 = 21;

fn setting(name: &str, default: u32) -> u32 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}"))
}

/// Runs a claim over generated Pods, each with what the policies want of it.
fn for_all(claim: impl Fn(&str, &Value) -> Result<(), String>) {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&setting("PORTCULLIS_MUTATE_SEED", SEED).to_le_bytes());
    let cases = setting("PORTCULLIS_MUTATE_PODS", PODS);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let outcome =
        runner.run(&(pod(), wishes(&POLICIES)), |(pod, wishes)| claim(&pod, &wishes).map_err(TestCaseError::fail));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn patch_of(mutation: &Mutation) -> Value {
    serde_json::from_slice(&mutation.patch.to_json()).unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

#[test]
fn patches_are_strict_and_lead_to_the_result() {
    let set = obedient("", false);
    let (patched, refused) = (Cell::new(0), Cell::new(0));
    for_all(|pod, wishes| {
        let mutation = mutated(&set, &creation(pod, wishes));
        let patch = patch_of(&mutation);
        if !mutation.decision.allowed() {
            refused.set(refused.get() + 1);
            return ensure(mutation.patch.is_empty(), || format!("refused, with a patch: {patch}"));
        }
        patched.set(patched.get() + u32::from(!mutation.patch.is_empty()));
        let (before, after) = (read(pod), read(&mutation.object.to_string()));
        let result = strictly(&before, &patch).map_err(|why| format!("{why} in {patch}"))?;
        ensure(alike(&result, &after), || format!("{patch}\nmakes {result}\nnot   {after}"))?;
        let result = by_the_rfc(&before, &patch)?;
        ensure(alike(&result, &after), || format!("by the RFC {patch}\nmakes {result}\nnot   {after}"))
    });
    // Neither claim is worth anything if it is about nothing.
    assert!(patched.get() > PODS / 5 && refused.get() > 10, "{patched:?} were patched, {refused:?} refused");
}

#[test]
fn mutating_the_result_changes_nothing() {
    for config in ["", "annotateMutations: true"] {
        let set = obedient(config, false);
        for_all(|pod, wishes| {
            let first = mutated(&set, &creation(pod, wishes));
            if !first.decision.allowed() || first.patch.is_empty() {
                return Ok(());
            }
            let second = mutated(&set, &creation(&first.object.to_string(), wishes));
            let changes: usize = second.decision.evaluations.iter().map(|one| one.changes().len()).sum();
            ensure(second.decision.allowed() && second.patch.is_empty() && changes == 0, || {
                format!("first {}\nthen {} by {changes} changes", patch_of(&first), patch_of(&second))
            })
        });
    }
}

#[test]
fn no_operation_of_a_patch_can_be_left_out() {
    let set = obedient("", false);
    for_all(|pod, wishes| {
        let patch = patch_of(&mutated(&set, &creation(pod, wishes)));
        let before = read(pod);
        let Ok(after) = strictly(&before, &patch) else { return Ok(()) };
        let operations = patch.as_array().unwrap();
        (0..operations.len()).try_for_each(|left_out| {
            let fewer: Vec<&Value> =
                operations.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, one)| one).collect();
            let result = by_the_rfc(&before, &json!(fewer));
            ensure(result != Ok(after.clone()), || format!("operation {left_out} of {patch} does nothing"))
        })
    });
}

#[test]
fn the_order_of_policies_does_not_matter() {
    let (set, reversed) = (obedient("", false), obedient("", true));
    for_all(|pod, wishes| {
        let patch = |set: &PolicySet| {
            let mutation = mutated(set, &creation(pod, wishes));
            (mutation.decision.outcome, mutation.patch.to_json())
        };
        ensure(patch(&set) == patch(&reversed), || "another order, another patch".to_owned())
    });
}

/// The way to a change. Of a list whose items come or go no item is where it was.
fn touched(field: &FieldPath, is_gone: bool) -> Vec<String> {
    let mut segments = field.segments();
    if let ([list @ .., Segment::Index(_)], true) = (segments, is_gone) {
        segments = list;
    }
    let token = |segment: &Segment| match segment {
        Segment::Key(key) => key.to_string(),
        Segment::Index(index) => index.to_string(),
    };
    segments.iter().map(token).collect()
}

#[test]
fn what_nobody_touched_keeps_every_byte() {
    let set = obedient("", false);
    let kept = Cell::new(0);
    for_all(|pod, wishes| {
        let mutation = mutated(&set, &creation(pod, wishes));
        if mutation.patch.is_empty() {
            return Ok(());
        }
        let changes = mutation.decision.evaluations.iter().flat_map(Evaluation::changes);
        let places: Vec<Vec<String>> = changes.map(|change| touched(&change.field, change.value().is_none())).collect();
        let before = Raw::read(pod);
        let mut after = before.clone();
        after.patch(str::from_utf8(&mutation.patch.to_json()).unwrap());
        let was = before.outside(&places);
        let mut is = after.outside(&places);
        // A parent that was null is a mapping now.
        let made: Vec<Vec<String>> =
            was.keys().filter(|way| places.iter().any(|place| place.starts_with(way))).cloned().collect();
        kept.set(kept.get() + was.len());
        for (way, text) in was.iter().filter(|(way, _)| !made.contains(way)) {
            let found = is.remove(way);
            ensure(found.as_ref() == Some(text), || {
                format!("at {way:?} {text} became {found:?} by {}", patch_of(&mutation))
            })?;
        }
        ensure(is.is_empty(), || format!("{is:?} appeared by {}", patch_of(&mutation)))
    });
    assert!(kept.get() > 2_000, "only {kept:?} fields were looked at");
}

#[test]
fn the_servers_own_library_makes_the_same_of_it() {
    let Some(program) = tool("patch") else { return };
    let set = obedient("", false);
    let asked = RefCell::new((Vec::new(), Vec::new()));
    for_all(|pod, wishes| {
        let mutation = mutated(&set, &creation(pod, wishes));
        if !mutation.patch.is_empty() {
            let mut asked = asked.borrow_mut();
            asked.0.push(format!("{{\"object\":{pod},\"patch\":{}}}\n", patch_of(&mutation)));
            asked.1.push(read(&mutation.object.to_string()));
        }
        Ok(())
    });
    let (questions, results) = asked.into_inner();
    let output = fed(program, questions.concat().as_bytes());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), results.len(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(results.len() > 50, "only {} patches", results.len());
    for ((answer, expected), question) in answers.lines().zip(&results).zip(&questions) {
        let answer = read(answer);
        assert!(alike(&answer["result"], expected), "{question}{answer}\n{expected}");
    }
}

/// The check above finds what it is there to find.
#[test]
fn what_libraries_understand_differently_is_no_strict_patch() {
    let object = json!({"a": {"b": 1}, "l": [1, null], "n": null});
    for patch in [
        json!([{"op": "replace", "path": "/a/c", "value": 1}]),
        json!([{"op": "replace", "path": "/n", "value": 1}]),
        json!([{"op": "replace", "path": "/a/b", "value": 1}]),
        json!([{"op": "replace", "path": "/l/1", "value": 1}]),
        json!([{"op": "remove", "path": "/l/2"}]),
        json!([{"op": "remove", "path": "/l/-"}]),
        json!([{"op": "add", "path": "/l/3", "value": 1}]),
        json!([{"op": "add", "path": "/l/01", "value": 1}]),
        json!([{"op": "add", "path": "/l/-1", "value": 1}]),
        json!([{"op": "add", "path": "/x/y", "value": 1}]),
        json!([{"op": "add", "path": "/a/b", "value": 2}]),
    ] {
        assert!(strictly(&object, &patch).is_err(), "{patch}");
    }
}
