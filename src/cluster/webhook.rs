//! What is done to webhook configurations from outside the server, before and after its release: removed first of all,
//! and proven to refuse.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Call as _, CallError, Cluster};

/// Between two tries of the canary.
const RETRY: Duration = Duration::from_millis(500);

/// Removes the configurations called `name`, of both kinds; those there were.
pub async fn delete(cluster: &Cluster, name: &str) -> Result<Vec<&'static str>, CallError> {
    let mut gone = Vec::new();
    if delete_one::<ValidatingWebhookConfiguration>(cluster, name).await? {
        gone.push("ValidatingWebhookConfiguration");
    }
    if delete_one::<MutatingWebhookConfiguration>(cluster, name).await? {
        gone.push("MutatingWebhookConfiguration");
    }
    Ok(gone)
}

async fn delete_one<K>(cluster: &Cluster, name: &str) -> Result<bool, CallError>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let api: Api<K> = Api::all(cluster.clone());
    match api.delete(name, &DeleteParams::default()).call("delete the webhook configuration").await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What became of the canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// A policy refused it, in these words.
    Refused(String),
    /// Nobody did: what is the last that happened?
    Admitted(String),
}

/// Creates a Pod that policies deny, as a dry run, until it is refused by a webhook of the configurations called `name`
/// or until `within` is over.
pub async fn probe(cluster: &Cluster, name: &str, namespace: &str, within: Duration) -> Result<Canary, CallError> {
    let Some(hooks) = hooks(cluster, name).await? else {
        return Ok(Canary::Admitted(format!("there is no ValidatingWebhookConfiguration {name}")));
    };
    let api: Api<Pod> = Api::namespaced(cluster.clone(), namespace);
    let end = Instant::now() + within;
    loop {
        let last = match attempt(&api).await {
            Attempt::Denied(said) if hooks.iter().any(|hook| said.contains(&format!("\"{hook}\""))) => {
                return Ok(Canary::Refused(said));
            }
            Attempt::Denied(said) => format!("another than the webhooks of {name} refused it: {said}"),
            Attempt::Admitted => "it was admitted".to_owned(),
            Attempt::Failed(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Ok(Canary::Admitted(last));
        }
        sleep(RETRY).await;
    }
}

/// Sets the failurePolicy of the validating configuration called `name`; whether any of its webhooks had another.
///
/// A release begins with `Ignore`, so that nothing is refused before the server is proven, and ends here with `Fail`.
pub async fn set_failure_policy(cluster: &Cluster, name: &str, policy: &str) -> Result<bool, CallError> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.clone());
    let found = api.get(name).call("read the webhook configuration").await?;
    let others = found.webhooks.into_iter().flatten().filter(|hook| hook.failure_policy.as_deref() != Some(policy));
    let webhooks: Vec<_> = others.map(|hook| json!({"name": hook.name, "failurePolicy": policy})).collect();
    if webhooks.is_empty() {
        return Ok(false);
    }
    // Merged by the webhooks' names: what others wrote, caBundle above all, stays.
    let patch = Patch::Strategic(json!({"webhooks": webhooks}));
    api.patch(name, &PatchParams::default(), &patch).call("set the webhook configuration's failurePolicy").await?;
    Ok(true)
}

async fn hooks(cluster: &Cluster, name: &str) -> Result<Option<Vec<String>>, CallError> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.clone());
    let found = api.get_opt(name).call("read the webhook configuration").await?;
    Ok(found.map(|found| found.webhooks.into_iter().flatten().map(|webhook| webhook.name).collect()))
}

enum Attempt {
    Denied(String),
    Admitted,
    Failed(CallError),
}

async fn attempt(api: &Api<Pod>) -> Attempt {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let Some(canary) = canary() else { return Attempt::Admitted };
    match api.create(&parameters, &canary).call("create the canary Pod").await {
        Ok(_) => Attempt::Admitted,
        Err(CallError::Refused { why, what }) => match why.as_ref() {
            // As the API server words a webhook's denial; "failed calling webhook" is one that was not reached.
            kube::Error::Api(status) if status.message.contains("denied the request") => {
                Attempt::Denied(status.message.clone())
            }
            _ => Attempt::Failed(CallError::Refused { why, what }),
        },
        Err(error @ CallError::Late { .. }) => Attempt::Failed(error),
    }
}

/// A Pod that no policy worth its name admits: privileged, of the host, by an image of no tag. It is never made.
fn canary() -> Option<Pod> {
    let pod = json!({
        "metadata": {"generateName": "portcullis-canary-"},
        "spec": {
            "hostNetwork": true,
            "hostPID": true,
            "automountServiceAccountToken": true,
            "containers": [{
                "name": "canary",
                "image": "canary.invalid/never-pulled",
                "securityContext": {"privileged": true, "runAsUser": 0, "allowPrivilegeEscalation": true},
            }],
        },
    });
    serde_json::from_value(pod).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_a_pod() {
        let spec = canary().unwrap().spec.unwrap();
        assert_eq!(spec.containers[0].security_context.as_ref().unwrap().privileged, Some(true));
    }
}
