//! Who asks for what, and which policies judge it: what the commands that judge manifests have in common.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::millis;
use crate::engine::document::fields::closest;
use crate::engine::policy_set::PolicySet;
use crate::engine::review::Operation;
use crate::suite::manifest::Input;
use crate::suite::review::Options;
use crate::suite::spool::spool;

/// Who asks for what, and by which policies it is judged.
#[derive(Args, Debug)]
pub(super) struct RequestArgs {
    /// Judge by this policy only; may be repeated.
    #[arg(long = "policy", value_name = "NAME", env = "PORTCULLIS_POLICY", value_delimiter = ',')]
    only: Vec<String>,

    /// The operation under review.
    #[arg(long, value_name = "OPERATION", default_value = "CREATE", env = "PORTCULLIS_OPERATION",
          value_parser = operation)]
    operation: Operation,

    /// The user who asks.
    #[arg(long, value_name = "NAME", default_value = "policy-test", env = "PORTCULLIS_USER")]
    user: String,

    /// A group of the user; may be repeated.
    #[arg(
        long = "group",
        value_name = "NAME",
        default_value = "system:authenticated",
        env = "PORTCULLIS_GROUP",
        value_delimiter = ','
    )]
    groups: Vec<String>,

    /// The namespace of objects that name none.
    #[arg(long, value_name = "NAME", default_value = "default", env = "PORTCULLIS_NAMESPACE")]
    namespace: String,

    /// How long one policy may take on one object, in milliseconds; a policy that takes longer is an error. Longer than
    /// policy serve gives it, as a machine that builds is a busy one.
    #[arg(long, value_name = "MS", default_value_t = 1_000, env = "PORTCULLIS_POLICY_BUDGET", value_parser = millis())]
    policy_budget: u64,
}

fn operation(text: &str) -> Result<Operation, String> {
    let known = || Operation::ALL.map(Operation::as_str).join(", ");
    Operation::parse(text).ok_or_else(|| format!("expected one of {}", known()))
}

impl RequestArgs {
    /// As what manifests are judged.
    pub(super) fn options(&self) -> Options {
        Options {
            operation: self.operation,
            user: self.user.clone(),
            groups: self.groups.clone(),
            namespace: self.namespace.clone(),
            dry_run: false,
        }
    }

    /// How long one policy may take on one object.
    pub(super) fn policy_budget(&self) -> Duration {
        Duration::from_millis(self.policy_budget)
    }

    /// The policies of a set that judge.
    pub(super) fn select(&self, set: PolicySet) -> anyhow::Result<PolicySet> {
        let names: Vec<&str> = set.policies().iter().map(|policy| policy.name.as_ref()).collect();
        if let Some(unknown) = self.only.iter().find(|name| !names.contains(&name.as_str())) {
            let closest = closest(unknown, names.iter().copied());
            let hint = closest.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            bail!("--policy {unknown}: no such policy{hint} (see policy list)");
        }
        Ok(if self.only.is_empty() { set } else { set.only(&self.only) })
    }
}

/// What paths name; - is all that comes through stdin.
pub(super) fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(spool(std::io::stdin().lock()).context("stdin cannot be read")?);
        } else {
            inputs.push(Input::Path(path.clone()));
        }
    }
    Ok(inputs)
}
