//! Policy sets, and what they make of a Pod and say of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::admission::{Moment, NoCluster, judge, mutate};
use portcullis::engine::decide::{Evaluation, Verdict};
use portcullis::engine::mutate::Mutation;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::review::Review;
use portcullis::source::{Location, Profile};
use serde_json::{Value, json};

/// Far more than a decision takes: a slow machine is no different answer.
pub(super) const BUDGET: Duration = Duration::from_mins(1);

/// A file of this test.
pub(super) fn home(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate_golden").join(path)
}

/// The shipped policies under a profile and a configuration of this test.
pub(super) fn shipped(profile: Profile, config: &str) -> PolicySet {
    let location = Location { profile, config: Some(home(config)), ..Location::default() };
    location.load().unwrap().set
}

/// The names of the shipped mutators.
pub(super) fn mutators() -> Vec<String> {
    let policies = Location::default().bundle().unwrap().policies;
    policies.iter().filter(|policy| policy.mutates()).map(|policy| policy.name.to_string()).collect()
}

/// The creation of a Pod, in a namespace.
fn creation(namespace: &str, pod: &Value) -> String {
    let request = json!({
        "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": namespace,
        "operation": "CREATE", "userInfo": {"username": "ann"}, "object": pod,
    });
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string()
}

fn moment() -> Moment {
    Moment { policy_budget: BUDGET, ..Moment::now(BUDGET) }
}

/// What mutation makes of a Pod, which no mutator may fail on.
pub(super) fn mutated(set: &PolicySet, namespace: &str, pod: &Value) -> Mutation {
    let review = creation(namespace, pod);
    let mutation = mutate(&Review::parse(review.as_bytes()).unwrap(), set, &NoCluster, moment()).unwrap();
    refuse_errors(&mutation.decision.evaluations, pod);
    mutation
}

/// The patch as the webhook would send it.
pub(super) fn patch(mutation: &Mutation) -> Value {
    serde_json::from_slice(&mutation.patch.to_json()).unwrap()
}

/// A Pod after a patch, applied by the RFC.
pub(super) fn applied(pod: &Value, patch: &Value) -> Value {
    let mut after = pod.clone();
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    json_patch::patch(&mut after, &patch).unwrap_or_else(|error| panic!("{error}\n{patch}\n{pod}"));
    after
}

/// What stands against a Pod: the policy, the field and what is wrong.
pub(super) type Complaint = (String, String, String);

/// All that the policies say against a Pod.
pub(super) fn complaints(set: &PolicySet, namespace: &str, pod: &Value) -> Vec<Complaint> {
    let review = creation(namespace, pod);
    let decision = judge(&Review::parse(review.as_bytes()).unwrap(), set, &NoCluster, moment()).unwrap();
    refuse_errors(&decision.evaluations, pod);
    let said = decision.evaluations.iter().flat_map(|one| {
        one.violations().iter().map(|violation| {
            let field = violation.field.clone().unwrap_or_default();
            (one.policy.name.to_string(), field, violation.message.clone())
        })
    });
    said.collect()
}

fn refuse_errors(evaluations: &[Evaluation], pod: &Value) {
    for one in evaluations {
        if let Verdict::Error(why) | Verdict::Conflict(why) | Verdict::Unavailable(why) = &one.verdict {
            panic!("{}: {why}\n{pod}", one.policy.name);
        }
    }
}
