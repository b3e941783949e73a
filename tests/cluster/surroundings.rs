//! What a container is started with: its environment and its arguments.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};
use kube::ResourceExt;

use super::volumes::Source;

/// Names and values, as the kubelet would set them; an error is what the Pod waits for.
pub(super) async fn environment(
    source: &Source,
    pod: &Pod,
    container: &Container,
    address: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut environment = BTreeMap::from([("HOSTNAME".to_owned(), pod.name_any())]);
    for (name, value) in
        [("KUBERNETES_SERVICE_HOST", super::control_plane::ADDRESS), ("KUBERNETES_SERVICE_PORT", "6443")]
    {
        environment.insert(name.to_owned(), value.to_owned());
    }
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.clone().unwrap_or_default();
        let mut keys = BTreeMap::new();
        if let Some(reference) = &from.config_map_ref {
            keys = source.config_map(&reference.name, reference.optional).await?;
        }
        if let Some(reference) = &from.secret_ref {
            keys = source.secret(&reference.name, reference.optional).await?;
        }
        for (key, value) in keys {
            environment.insert(format!("{prefix}{key}"), String::from_utf8_lossy(&value).into_owned());
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => Some(expand(value, &environment)),
            (None, Some(from)) => value_from(source, pod, from, address).await?,
            (None, None) => Some(String::new()),
        };
        if let Some(value) = value {
            environment.insert(variable.name.clone(), on_own_address(&value, address));
        }
    }
    Ok(environment)
}

async fn value_from(source: &Source, pod: &Pod, from: &EnvVarSource, address: &str) -> Result<Option<String>, String> {
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    if let Some(field) = &from.field_ref {
        return field_of(pod, &field.field_path, address).map(Some);
    }
    if let Some(key) = &from.config_map_key_ref {
        return Ok(source.config_map(&key.name, key.optional).await?.get(&key.key).map(text));
    }
    if let Some(key) = &from.secret_key_ref {
        return Ok(source.secret(&key.name, key.optional).await?.get(&key.key).map(text));
    }
    Err("the tests' nodes know no such valueFrom".to_owned())
}

/// A field of the downward API.
pub(super) fn field_of(pod: &Pod, path: &str, address: &str) -> Result<String, String> {
    let spec = pod.spec.as_ref().unwrap();
    let keyed = |map: &BTreeMap<String, String>, path: &str| {
        path.split('\'').nth(1).and_then(|key| map.get(key)).cloned().unwrap_or_default()
    };
    Ok(match path {
        "metadata.name" => pod.name_any(),
        "metadata.namespace" => pod.namespace().unwrap_or_default(),
        "metadata.uid" => pod.uid().unwrap_or_default(),
        "spec.nodeName" => spec.node_name.clone().unwrap_or_default(),
        "spec.serviceAccountName" => spec.service_account_name.clone().unwrap_or_default(),
        "status.podIP" | "status.podIPs" => address.to_owned(),
        "status.hostIP" => super::control_plane::ADDRESS.to_owned(),
        path if path.starts_with("metadata.labels['") => keyed(pod.labels(), path),
        path if path.starts_with("metadata.annotations['") => keyed(pod.annotations(), path),
        _ => return Err(format!("the tests' nodes know no field {path}")),
    })
}

/// The arguments after the image's entry point, which a `command` replaces by the same program.
pub(super) fn arguments(container: &Container, environment: &BTreeMap<String, String>, address: &str) -> Vec<String> {
    let command = container.command.iter().flatten().skip(1);
    let all = command.chain(container.args.iter().flatten());
    all.map(|argument| on_own_address(&expand(argument, environment), address)).collect()
}

/// `$(NAME)` replaced by its value.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    environment.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
}

/// Pods share one network here, so that all of a Pod's addresses are the one that is its own.
fn on_own_address(text: &str, address: &str) -> String {
    ["0.0.0.0:", "[::]:"].iter().fold(text.to_owned(), |text, all| text.replace(all, &format!("{address}:")))
}
