//! Validation sees the object as the mutators left it, and denies nothing that they fill.

use std::collections::BTreeSet;

use portcullis::engine::path::FieldPath;
use portcullis::engine::policy_set::PolicySet;
use portcullis::source::Profile;
use serde_json::Value;

use super::corpus::{Specimen, generated, shipped, silent};
use super::subject::{self, Complaint, applied, complaints, mutated, patch};

/// The namespaces that `everything.yaml` tells apart.
const NAMESPACES: [&str; 2] = ["shop", "mesh"];

/// The fields at the ends of what a patch sets, as violations write them.
fn fields_set(patch: &Value, after: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    for operation in patch.as_array().unwrap().iter().filter(|operation| operation["op"] != "remove") {
        let mut field = FieldPath::root();
        let mut here = after;
        for token in operation["path"].as_str().unwrap().split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            (field, here) = match here {
                Value::Array(items) => {
                    let index = token.parse().unwrap_or(items.len() - 1);
                    (field.index(index), &items[index])
                }
                _ => (field.key(token.as_str()), &here[token.as_str()]),
            };
        }
        leaves(&field, here, &mut found);
    }
    found
}

fn leaves(path: &FieldPath, value: &Value, found: &mut Vec<FieldPath>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(key, value)| leaves(&path.key(key.as_str()), value, found));
        }
        _ => found.push(path.clone()),
    }
}

/// What validation says after mutation that it did not say before, or of what mutation set.
fn faults(set: &PolicySet, namespace: &str, pod: &Value) -> Vec<Complaint> {
    let before: BTreeSet<Complaint> = complaints(set, namespace, pod).into_iter().collect();
    let patch = patch(&mutated(set, namespace, pod));
    let after = applied(pod, &patch);
    let set_here = fields_set(&patch, &after);
    let is_filled = |field: &str| {
        FieldPath::parse(field).is_ok_and(|field| set_here.iter().any(|filled| field.starts_with(filled)))
    };
    let said = complaints(set, namespace, &after).into_iter();
    said.filter(|said| !before.contains(said) || is_filled(&said.1)).collect()
}

#[track_caller]
fn check(profile: &Profile, specimens: &[Specimen]) {
    let set = subject::shipped(profile.clone(), "everything.yaml");
    let mut wrong = Vec::new();
    for Specimen { origin, pod } in specimens {
        for namespace in NAMESPACES {
            let faults = faults(&set, namespace, pod);
            if !faults.is_empty() {
                wrong.push(format!("{origin} in {namespace}: {faults:#?}\n{pod}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} Pods: {}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_policy_says_more_of_a_fixture_after_its_mutation() {
    check(&Profile::None, &shipped());
}

#[test]
fn no_policy_says_more_of_a_generated_pod_after_its_mutation() {
    check(&Profile::None, &generated());
}

/// Whether a policy asks for nothing but what the mutators fill in a namespace.
fn is_satisfied(policy: &str, namespace: &str) -> bool {
    match policy {
        "require_non_root"
        | "require_read_only_root"
        | "require_resources"
        | "require_linkerd_injection"
        | "require_istio_injection"
        | "sidecar_annotations" => true,
        "require_dapr_annotations" => namespace == "mesh",
        // The sidecars there read it.
        "restrict_token_mount" => namespace != "mesh",
        _ => policy.starts_with("pss_"),
    }
}

#[test]
fn a_pod_that_says_nothing_is_filled_so_that_it_passes() {
    for profile in [Profile::None, Profile::Named("recommended".to_owned()), Profile::Named("restricted".to_owned())] {
        let set = subject::shipped(profile.clone(), "everything.yaml");
        for namespace in NAMESPACES {
            let said = |pod: &Value| -> Vec<Complaint> {
                let all = complaints(&set, namespace, pod).into_iter();
                all.filter(|(policy, ..)| is_satisfied(policy, namespace)).collect()
            };
            let pod = silent();
            assert!(said(&pod).len() > 3, "{profile:?}: {:?}", said(&pod));
            let after = applied(&pod, &patch(&mutated(&set, namespace, &pod)));
            assert_eq!(said(&after), [], "{profile:?} in {namespace}");
        }
    }
}
