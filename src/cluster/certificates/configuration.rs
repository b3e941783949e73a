//! A webhook configuration, validating or mutating: watched, and its `caBundle`s written by server-side apply under an
//! owner of our own, so that whoever else writes the configuration (Helm, GitOps) and we never undo each other.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::trust::Hook;
use crate::certificate::read::{Certificate, write_all};
use crate::cluster::{Call as _, CallError, Cluster};

/// Who owns the `caBundle`s.
const OWNER: &str = "portcullis-certificates";

/// Which of the two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `ValidatingWebhookConfiguration`.
    Validating,
    /// `MutatingWebhookConfiguration`.
    Mutating,
}

/// A kind and a name: a configuration.
pub(crate) type Place = (Kind, String);

/// Every configuration that there is, of those called by one of the names, with its webhooks.
pub(crate) type Hooks = BTreeMap<Place, Vec<Hook>>;

/// What both kinds have.
pub(crate) trait Configuration:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
    /// Which it is.
    const KIND: Kind;
    /// Its name in metrics and log.
    const RESOURCE: &'static str;

    /// Its webhooks' names and how each is called.
    fn clients(&self) -> impl Iterator<Item = (&str, &WebhookClientConfig)>;

    /// Its webhooks.
    fn hooks(&self) -> Vec<Hook> {
        let bundle = |client: &WebhookClientConfig| {
            client.ca_bundle.as_ref().map(|ByteString(bytes)| bytes.clone()).unwrap_or_default()
        };
        self.clients().map(|(name, client)| Hook { name: name.to_owned(), bundle: bundle(client) }).collect()
    }
}

impl Configuration for ValidatingWebhookConfiguration {
    const KIND: Kind = Kind::Validating;
    const RESOURCE: &'static str = "validatingwebhookconfigurations";

    fn clients(&self) -> impl Iterator<Item = (&str, &WebhookClientConfig)> {
        self.webhooks.iter().flatten().map(|webhook| (webhook.name.as_str(), &webhook.client_config))
    }
}

impl Configuration for MutatingWebhookConfiguration {
    const KIND: Kind = Kind::Mutating;
    const RESOURCE: &'static str = "mutatingwebhookconfigurations";

    fn clients(&self) -> impl Iterator<Item = (&str, &WebhookClientConfig)> {
        self.webhooks.iter().flatten().map(|webhook| (webhook.name.as_str(), &webhook.client_config))
    }
}

/// Reads the configurations of both kinds that are called by one of `names`.
pub(crate) async fn read(cluster: &Cluster, names: &[String]) -> Result<Hooks, CallError> {
    let mut hooks = Hooks::new();
    for name in names {
        read_one::<ValidatingWebhookConfiguration>(cluster, name, &mut hooks).await?;
        read_one::<MutatingWebhookConfiguration>(cluster, name, &mut hooks).await?;
    }
    Ok(hooks)
}

async fn read_one<K: Configuration>(cluster: &Cluster, name: &str, hooks: &mut Hooks) -> Result<(), CallError> {
    let api: Api<K> = Api::all(cluster.clone());
    if let Some(found) = api.get_opt(name).call("read the webhook configuration").await? {
        hooks.insert((K::KIND, name.to_owned()), found.hooks());
    }
    Ok(())
}

/// Writes `authorities` into every webhook that trusts others; how many configurations were changed.
pub(crate) async fn trust(
    cluster: &Cluster,
    names: &[String],
    authorities: &[Certificate],
) -> Result<usize, CallError> {
    let mut changed = 0;
    for name in names {
        changed += usize::from(trust_one::<ValidatingWebhookConfiguration>(cluster, name, authorities).await?);
        changed += usize::from(trust_one::<MutatingWebhookConfiguration>(cluster, name, authorities).await?);
    }
    Ok(changed)
}

async fn trust_one<K: Configuration>(
    cluster: &Cluster,
    name: &str,
    authorities: &[Certificate],
) -> Result<bool, CallError> {
    let api: Api<K> = Api::all(cluster.clone());
    let Some(found) = api.get_opt(name).call("read the webhook configuration").await? else { return Ok(false) };
    let hooks = found.hooks();
    if hooks.iter().all(|hook| hook.trusts(authorities)) {
        return Ok(false);
    }
    let bundle = ByteString(write_all(authorities).into_bytes());
    let webhooks: Vec<_> =
        hooks.iter().map(|hook| json!({"name": hook.name, "clientConfig": {"caBundle": bundle}})).collect();
    // The uid and the version say: this very object as it was read, or a conflict. Apply would make a new one of what is
    // gone, and a webhook of what was just removed.
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": name, "uid": found.uid(), "resourceVersion": found.resource_version()},
        "webhooks": webhooks,
    });
    // By force: whoever wrote a bundle before, the chart of an older release or cert-manager, hands it over.
    let parameters = PatchParams::apply(OWNER).force();
    api.patch(name, &parameters, &Patch::Apply(&patch)).call("write the webhook configuration's caBundle").await?;
    Ok(true)
}
