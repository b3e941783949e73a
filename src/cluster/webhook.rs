//! What is done to webhook configurations from outside the server, before and after its release: removed first of all,
//! and proven to refuse.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
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
    /// Nobody did, as far as could be seen: what is the last that happened?
    Unproven(String),
}

/// Creates what policies deny, as a dry run, until it is refused by a webhook of the configurations called `name` or
/// until `end`.
///
/// It is a Pod, and a Deployment of the same Pod where another refuses the Pod first: what the API server itself checks
/// (Pod Security) comes before webhooks, and only warns of a template.
pub async fn probe(cluster: &Cluster, name: &str, namespace: &str, end: Instant) -> Result<Canary, CallError> {
    let Some(hooks) = hooks(cluster, name).await? else {
        return Ok(Canary::Unproven(format!("there is no ValidatingWebhookConfiguration {name}")));
    };
    let pods: Api<Pod> = Api::namespaced(cluster.clone(), namespace);
    let deployments: Api<Deployment> = Api::namespaced(cluster.clone(), namespace);
    let is_ours = |said: &str| hooks.iter().any(|hook| said.contains(&format!("\"{hook}\"")));
    loop {
        let mut attempt = attempt(&pods, pod()).await;
        if attempt.is_anothers(is_ours) {
            attempt = attempt.or(self::attempt(&deployments, deployment()).await);
        }
        let last = match attempt {
            Attempt::Denied(said) if is_ours(&said) => return Ok(Canary::Refused(said)),
            Attempt::Denied(said) => format!("another than the webhooks of {name} refused it: {said}"),
            Attempt::Admitted => "it was admitted".to_owned(),
            Attempt::Failed(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Ok(Canary::Unproven(last));
        }
        sleep(RETRY).await;
    }
}

/// Waits until a Deployment has nothing but new Pods, and one of them is available; what is missing at the `end`. Before
/// that, the old ones might be what answers: even those that are ending do, to whoever is connected to them.
pub async fn rolled_out(cluster: &Cluster, namespace: &str, name: &str, end: Instant) -> Result<(), String> {
    let api: Api<Deployment> = Api::namespaced(cluster.clone(), namespace);
    loop {
        let missing = match api.get(name).call("read the Deployment").await {
            Ok(deployment) => match missing(&deployment) {
                Some(missing) => missing,
                None => match ending(cluster, namespace, &deployment).await {
                    Ok(0) => return Ok(()),
                    Ok(count) => format!("{count} old replicas are ending"),
                    Err(error) => error.to_string(),
                },
            },
            Err(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Err(format!("Deployment {namespace}/{name} has not rolled out: {missing}"));
        }
        sleep(RETRY).await;
    }
}

/// How many of its Pods are ending, but for those whose time is over: nobody is left on their nodes who could say so.
async fn ending(cluster: &Cluster, namespace: &str, deployment: &Deployment) -> Result<usize, CallError> {
    let labels = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.as_ref());
    let selector: Vec<String> = labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    let api: Api<Pod> = Api::namespaced(cluster.clone(), namespace);
    let pods = api.list_metadata(&ListParams::default().labels(&selector.join(","))).call("list the Pods").await?;
    let is_ending = |pod: &PartialObjectMeta<Pod>| {
        pod.metadata.deletion_timestamp.as_ref().is_some_and(|until| until.0 > Timestamp::now())
    };
    Ok(pods.items.iter().filter(|pod| is_ending(pod)).count())
}

/// As `kubectl rollout status` reads it, but for replicas that find no place.
fn missing(deployment: &Deployment) -> Option<String> {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let updated = status.updated_replicas.unwrap_or(0);
    let old = status.replicas.unwrap_or(0).saturating_sub(updated);
    if status.observed_generation < deployment.metadata.generation {
        Some("its controller has not seen the change".to_owned())
    } else if updated < wanted {
        Some(format!("{updated} of {wanted} replicas are new"))
    } else if old > 0 {
        Some(format!("{old} old replicas are left"))
    } else if wanted > 0 && status.available_replicas.unwrap_or(0) == 0 {
        Some("no replica is available".to_owned())
    } else {
        None
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

impl Attempt {
    /// Whether it came to nothing before a webhook that is ours could refuse it.
    fn is_anothers(&self, is_ours: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Denied(said) => !is_ours(said),
            Self::Failed(error) => error.code() == Some(403),
            Self::Admitted => false,
        }
    }

    /// What is to be told of two: the second, unless nobody may ask for it.
    fn or(self, second: Self) -> Self {
        if matches!(&second, Self::Failed(error) if error.code() == Some(403)) { self } else { second }
    }
}

async fn attempt<K>(api: &Api<K>, canary: serde_json::Result<K>) -> Attempt
where
    K: Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
{
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let Ok(canary) = canary else { return Attempt::Admitted };
    match api.create(&parameters, &canary).call("create the canary").await {
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
fn pod() -> serde_json::Result<Pod> {
    serde_json::from_value(json!({"metadata": {"generateName": "portcullis-canary-"}, "spec": spec()}))
}

/// A Deployment of such Pods.
fn deployment() -> serde_json::Result<Deployment> {
    let labels = json!({"app": "portcullis-canary"});
    serde_json::from_value(json!({
        "metadata": {"generateName": "portcullis-canary-"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec()},
        },
    }))
}

fn spec() -> serde_json::Value {
    json!({
        "hostNetwork": true,
        "hostPID": true,
        "automountServiceAccountToken": true,
        "containers": [{
            "name": "canary",
            "image": "canary.invalid/never-pulled",
            "securityContext": {"privileged": true, "runAsUser": 0, "allowPrivilegeEscalation": true},
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_a_pod_and_a_deployment_of_it() {
        let privileged = |spec: k8s_openapi::api::core::v1::PodSpec| {
            spec.containers[0].security_context.as_ref().and_then(|context| context.privileged)
        };
        assert_eq!(privileged(pod().unwrap().spec.unwrap()), Some(true));
        assert_eq!(privileged(deployment().unwrap().spec.unwrap().template.spec.unwrap()), Some(true));
    }

    #[test]
    fn a_deployment_has_rolled_out_when_nothing_old_is_left() {
        let says = |replicas: i32, status: serde_json::Value| {
            let selector = json!({"matchLabels": {}});
            let spec = json!({"replicas": replicas, "selector": selector, "template": {}});
            let deployment = json!({"metadata": {"generation": 2}, "spec": spec, "status": status});
            missing(&serde_json::from_value(deployment).unwrap())
        };
        let status = |generation: i32, replicas: i32, updated: i32, available: i32| {
            json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": updated,
                "availableReplicas": available})
        };
        assert_eq!(says(2, status(2, 2, 2, 2)), None);
        assert_eq!(says(2, status(2, 2, 2, 1)), None, "one that finds no node keeps nobody waiting");
        assert_eq!(says(0, status(2, 0, 0, 0)), None);
        assert!(says(2, status(1, 2, 2, 2)).unwrap().contains("has not seen"));
        assert!(says(2, status(2, 3, 1, 3)).unwrap().contains("1 of 2 replicas are new"));
        assert!(says(2, status(2, 3, 2, 3)).unwrap().contains("1 old replicas"));
        assert!(says(2, status(2, 2, 2, 0)).unwrap().contains("no replica is available"));
        assert!(says(2, json!({})).is_some());
    }
}
