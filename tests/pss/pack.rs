//! The shipped policies as a server or `policy test` would judge by them, at a version of the standards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis::admission::{Moment, NoCluster, judge};
use portcullis::engine::bundle::Bundle;
use portcullis::engine::config::{self, Config};
use portcullis::engine::decide::Verdict;
use portcullis::engine::policy::Policy;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::review::Review;
use portcullis::engine::source::Source;
use portcullis::source::Location;
use serde_json::{Value, json};

use super::version::Version;

/// Far more than a decision takes: a slow machine is no different verdict.
const BUDGET: Duration = Duration::from_secs(30);

/// Every shipped policy, compiled once.
pub(super) struct Pack {
    policies: Vec<Arc<Policy>>,
}

/// Some policies under one configuration.
pub(super) struct Judges {
    set: PolicySet,
}

/// What stands against a Pod, nothing if it is allowed; an error if the policy broke.
pub(super) type Said = Result<Vec<String>, String>;

/// The review of a Pod's creation.
pub(super) struct Question(String);

impl Pack {
    pub(super) fn load() -> Self {
        Self { policies: Location::default().bundle().unwrap().policies }
    }

    /// The policies that cover a control of the Pod Security Standards, by its name, which is `pss/…`.
    pub(super) fn of_the_standards(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for policy in &self.policies {
            for control in policy.metadata.controls.iter().filter(|control| control.starts_with("pss/")) {
                found.entry(control.clone()).or_default().push(policy.name.to_string());
            }
        }
        found
    }

    /// Policies by name, at a version.
    pub(super) fn at(&self, version: Version, names: &[&str]) -> Judges {
        self.with(names, &json!({ "version": version.to_string() }))
    }

    /// Policies by name, with these parameters.
    pub(super) fn with(&self, names: &[&str], parameters: &Value) -> Judges {
        let set = json!({"select": {"policies": names}, "set": {"parameters": parameters}});
        let text = json!({"apiVersion": "portcullis.dev/v1alpha1", "kind": "Config", "overrides": [set]}).to_string();
        let policies = self.policies.iter().filter(|policy| names.contains(&&*policy.name)).cloned().collect();
        let bundle = Bundle { policies, ..Bundle::default() };
        assert_eq!(bundle.policies.len(), names.len(), "{names:?} are not all shipped");
        let config: Config = config::read(&Source::new("config.yaml", text.as_str()), &bundle.policies).unwrap();
        Judges { set: PolicySet::new(bundle, config, &[&text]) }
    }
}

impl Judges {
    /// What each policy says of a Pod, by its name.
    pub(super) fn judge(&self, question: &Question) -> BTreeMap<String, Said> {
        let review = Review::parse(question.0.as_bytes()).unwrap();
        let moment = Moment { policy_budget: BUDGET, ..Moment::now(BUDGET) };
        let decision = judge(&review, &self.set, &NoCluster, moment).unwrap();
        assert_eq!(decision.evaluations.len(), self.set.policies().len(), "each policy is for Pods");
        let said = decision.evaluations.into_iter().map(|evaluation| {
            let verdict = match evaluation.verdict {
                Verdict::Judged { violations, .. } => Ok(violations.into_iter().map(|found| found.message).collect()),
                Verdict::Error(why) | Verdict::Conflict(why) | Verdict::Unavailable(why) => Err(why),
                Verdict::Mutated { .. } => Ok(Vec::new()),
            };
            (evaluation.policy.name.to_string(), verdict)
        });
        said.collect()
    }
}

impl Question {
    /// About a Pod as JSON.
    pub(super) fn about(pod: &str) -> Self {
        let kind = r#"{"group":"","version":"v1","kind":"Pod"}"#;
        let request = format!(
            r#"{{"uid":"u-1","kind":{kind},"operation":"CREATE","userInfo":{{"username":"jane"}},"object":{pod}}}"#
        );
        let version = "admission.k8s.io/v1";
        Self(format!(r#"{{"apiVersion":"{version}","kind":"AdmissionReview","request":{request}}}"#))
    }
}
