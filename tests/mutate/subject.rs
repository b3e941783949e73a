//! What is mutated here, and by whom: three policies that want whatever the request says they should.

use std::time::Duration;

use portcullis::admission::{Moment, NoCluster, mutate};
use portcullis::engine::bundle::Bundle;
use portcullis::engine::config::{self, Config};
use portcullis::engine::mutate::Mutation;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::review::Review;
use portcullis::engine::source::Source;
use serde_json::Value;

/// Far more than a decision takes: a slow machine is no different answer.
pub(super) const BUDGET: Duration = Duration::from_mins(1);

/// The policies, and what each says of its place among them.
pub(super) const POLICIES: [(&str, &str); 3] =
    [("first", "priority: 50"), ("one", ""), ("other", "on_conflict: yield")];

/// A policy that mutates.
pub(super) fn mutator(name: &str, custom: &str, rules: &str) -> Source {
    let text = format!("# METADATA\n# title: T\n# custom: {{{custom}}}\npackage policies.{name}\n{rules}\n");
    Source::new(format!("{name}.rego"), text)
}

/// Policies with a configuration, which may be empty.
pub(super) fn set(sources: Vec<Source>, config: &str) -> PolicySet {
    let bundle = Bundle::read("", sources).unwrap();
    let text = format!("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n{config}");
    let config = match config {
        "" => Config::default(),
        _ => config::read(&Source::new("config.yaml", text), &bundle.policies).unwrap(),
    };
    PolicySet::new(bundle, config, &[])
}

/// The three policies: in the request's options stands what each wants.
pub(super) fn obedient(config: &str, is_reversed: bool) -> PolicySet {
    let policy = |(name, custom): (&str, &str)| {
        mutator(name, custom, &format!("mutate contains wanted if some wanted in input.request.options.{name}"))
    };
    let mut sources: Vec<Source> = POLICIES.into_iter().map(policy).collect();
    if is_reversed {
        sources.reverse();
    }
    set(sources, config)
}

/// The creation of an object, with something in the request's options.
pub(super) fn creation(object: &str, options: &Value) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1",
           "kind":{{"group":"","version":"v1","kind":"Pod"}},"namespace":"shop","operation":"CREATE",
           "userInfo":{{"username":"ann"}},"object":{object},"oldObject":null,"options":{options}}}}}"#
    )
}

/// What mutation makes of a review.
pub(super) fn mutated(set: &PolicySet, review: &str) -> Mutation {
    let moment = Moment { policy_budget: BUDGET, ..Moment::now(BUDGET) };
    mutate(&Review::parse(review.as_bytes()).unwrap(), set, &NoCluster, moment).unwrap()
}
