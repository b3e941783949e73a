//! The API server fills in defaults before webhooks are called and after each of them. Who has mutated a Pod wants
//! nothing more of it then.

use std::collections::BTreeMap;
use std::process::Command;

use portcullis::engine::policy_set::PolicySet;
use portcullis::source::Profile;
use serde_json::{Value, json};

use super::corpus::{Specimen, generated, shipped, silent};
use super::subject::{self, applied, mutated, mutators, patch};
use crate::tool::{fed, tool};

/// Pods after the API server's defaults; nothing for those that it could not decode.
fn defaulted(command: Command, pods: &[&Value]) -> Vec<Option<Value>> {
    let lines: Vec<String> = pods.iter().map(|pod| format!("{pod}\n")).collect();
    let output = fed(command, lines.concat().as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = str::from_utf8(&output.stdout).unwrap().lines();
    let pods: Vec<Option<Value>> = answers
        .map(|line| {
            let mut answer: Value = serde_json::from_str(line).unwrap();
            answer.get_mut("pod").map(Value::take)
        })
        .collect();
    assert_eq!(pods.len(), lines.len(), "an answer for each Pod");
    pods
}

/// Every mutator alone, and all of them.
fn sets() -> BTreeMap<String, PolicySet> {
    let alone = mutators().into_iter().map(|name| {
        let set = subject::shipped(Profile::None, &format!("{name}/config.yaml"));
        (name, set)
    });
    let all = ("all".to_owned(), subject::shipped(Profile::None, "everything.yaml"));
    alone.chain([all]).collect()
}

/// The namespaces of a mutator's configuration that turn most on.
fn namespace(mutator: &str) -> &str {
    match mutator {
        "sidecar_annotations" => "everything",
        "image_pull_policy" => "always",
        "all" => "mesh",
        _ => "shop",
    }
}

fn specimens() -> Vec<Specimen> {
    let silent = Specimen { origin: "silent".to_owned(), pod: silent() };
    [shipped(), generated(), vec![silent]].into_iter().flatten().collect()
}

#[test]
fn mutators_want_nothing_more_after_the_servers_defaults() {
    let Some(_) = tool("defaults") else { return };
    let specimens = specimens();
    let plain: Vec<&Value> = specimens.iter().map(|specimen| &specimen.pod).collect();
    let stored = defaulted(tool("defaults").unwrap(), &plain);
    let mut wrong = Vec::new();
    for (name, set) in sets() {
        let (mut origins, mut pods) = (Vec::new(), Vec::new());
        let mut changed = 0;
        for (specimen, stored) in specimens.iter().zip(&stored) {
            // Manifests as `policy test` sees them, and Pods as webhooks do.
            for (pod, how) in [(Some(&specimen.pod), "as written"), (stored.as_ref(), "with defaults")] {
                let Some(pod) = pod else { continue };
                let own = pod["metadata"]["namespace"].as_str();
                let namespace = own.filter(|_| specimen.origin.contains(&name)).unwrap_or(namespace(&name));
                let patch = patch(&mutated(&set, namespace, pod));
                changed += u32::from(patch != json!([]));
                origins.push((&specimen.origin, how, namespace));
                pods.push(applied(pod, &patch));
            }
        }
        assert!(changed > 50, "{name} changed {changed} Pods");
        let after = defaulted(tool("defaults").unwrap(), &pods.iter().collect::<Vec<_>>());
        let decoded = after.iter().flatten().count();
        assert!(decoded * 10 > after.len() * 9, "{name}: only {decoded} of {} Pods were decoded", after.len());
        for ((origin, how, namespace), pod) in origins.iter().zip(after) {
            let Some(pod) = pod else { continue };
            let again = patch(&mutated(&set, namespace, &pod));
            if again != json!([]) {
                wrong.push(format!("{name} wants of {origin} {how}, in {namespace}: {again}\n{pod}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} Pods: {}", wrong.len(), wrong.join("\n"));
}
