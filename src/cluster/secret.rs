//! One Secret: read, and written only if nobody else wrote it meanwhile.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::certificates::held::Data;
use super::{Call as _, CallError, Cluster};

/// A Secret's data, and nothing if there is no such Secret.
pub async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<Option<Data>, CallError> {
    let api: Api<Secret> = Api::namespaced(cluster.clone(), namespace);
    Ok(api.get_opt(name).call("read the Secret").await?.map(|secret| data(&secret)))
}

/// The data of a Secret as it was read.
pub(super) fn data(secret: &Secret) -> Data {
    let entries = secret.data.iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

/// Writes data into `before`, whose other keys, labels and owners stay, or into a new Secret called `name`. Fails with a
/// conflict if it is not as it was read.
pub(super) async fn write(
    api: &Api<Secret>,
    name: &str,
    before: Option<Secret>,
    data: Data,
) -> Result<Secret, CallError> {
    let bytes = data.into_iter().map(|(key, value)| (key, ByteString(value)));
    if let Some(mut secret) = before {
        secret.data.get_or_insert_default().extend(bytes);
        return api.replace(name, &PostParams::default(), &secret).call("write the Secret").await;
    }
    let labels = [("app.kubernetes.io/managed-by".to_owned(), "portcullis".to_owned())];
    let metadata = ObjectMeta { name: Some(name.to_owned()), labels: Some(labels.into()), ..ObjectMeta::default() };
    let secret = Secret { metadata, data: Some(bytes.collect()), ..Secret::default() };
    api.create(&PostParams::default(), &secret).call("create the Secret").await
}
