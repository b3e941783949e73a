//! A Pod's volumes as directories, written as the kubelet does: a new directory for each version, `..data` swapped to it
//! by one rename, and a link for each file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use hyper::Method;
use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, KeyToPath, Pod, Volume, VolumeProjection};
use kube::ResourceExt;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::api::Cluster;
use super::surroundings::field_of;

/// Files below a volume's root, by path.
type Files = BTreeMap<String, Vec<u8>>;

/// Where the contents of a Pod's volumes come from.
pub(super) struct Source {
    cluster: Cluster,
    namespace: String,
}

impl Source {
    pub(super) fn new(cluster: Cluster, namespace: String) -> Self {
        Self { cluster, namespace }
    }

    /// The keys of a ConfigMap.
    pub(super) async fn config_map(&self, name: &str, optional: Option<bool>) -> Result<Files, String> {
        let map = self.read("configmaps", name, optional).await?;
        let mut files: Files = entries(&map["data"]).map(|(key, value)| (key, value.into_bytes())).collect();
        files.extend(entries(&map["binaryData"]).map(|(key, value)| (key, decoded(&value))));
        Ok(files)
    }

    /// The keys of a Secret.
    pub(super) async fn secret(&self, name: &str, optional: Option<bool>) -> Result<Files, String> {
        let secret = self.read("secrets", name, optional).await?;
        Ok(entries(&secret["data"]).map(|(key, value)| (key, decoded(&value))).collect())
    }

    async fn read(&self, plural: &str, name: &str, optional: Option<bool>) -> Result<Value, String> {
        // Version 0 is what the API server has in its cache, as a kubelet's watch would have.
        let path = format!("/api/v1/namespaces/{}/{plural}/{name}?resourceVersion=0", self.namespace);
        let answer = self.cluster.try_send(Method::GET, &path, None).await?;
        match answer.status {
            200 => Ok(answer.body),
            404 if optional == Some(true) => Ok(json!({})),
            _ => Err(format!("{plural} \"{name}\": {}", answer.message())),
        }
    }

    /// A token of a service account, bound to the Pod.
    async fn token(&self, pod: &Pod, audience: Option<&String>, seconds: i64) -> Result<String, String> {
        let account = pod.spec.as_ref().unwrap().service_account_name.clone().unwrap_or_default();
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{account}/token", self.namespace);
        let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": pod.name_any(), "uid": pod.uid()});
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": audience.into_iter().collect::<Vec<_>>(), "expirationSeconds": seconds,
                "boundObjectRef": bound}});
        let answer = self.cluster.try_send(Method::POST, &path, Some(&request)).await?;
        let token = answer.body["status"]["token"].as_str();
        token.map(str::to_owned).ok_or_else(|| format!("a token of {account}: {}", answer.message()))
    }
}

fn entries(map: &Value) -> impl Iterator<Item = (String, String)> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
}

fn decoded(text: &str) -> Vec<u8> {
    data_encoding::BASE64.decode(text.as_bytes()).unwrap()
}

/// The volumes of one Pod.
pub(super) struct Volumes {
    source: Source,
    directory: PathBuf,
    written: BTreeMap<String, Files>,
    tokens: BTreeMap<String, (String, Instant)>,
}

impl Volumes {
    pub(super) fn new(source: Source, directory: PathBuf) -> Self {
        Self { source, directory, written: BTreeMap::new(), tokens: BTreeMap::new() }
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Where the volume called `name` is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Brings every volume up to date; an error is what the Pod waits for.
    pub(super) async fn refresh(&mut self, pod: &Pod, address: &str) -> Result<(), String> {
        for volume in pod.spec.as_ref().unwrap().volumes.iter().flatten() {
            let directory = self.path(&volume.name);
            fs::create_dir_all(&directory).unwrap();
            if volume.empty_dir.is_some() {
                continue;
            }
            let files = self.files(volume, pod, address).await?;
            if self.written.get(&volume.name) != Some(&files) {
                swap(&directory, &files);
                self.written.insert(volume.name.clone(), files);
            }
        }
        Ok(())
    }

    async fn files(&mut self, volume: &Volume, pod: &Pod, address: &str) -> Result<Files, String> {
        if let Some(map) = &volume.config_map {
            return Ok(chosen(self.source.config_map(&map.name, map.optional).await?, map.items.as_ref()));
        }
        if let Some(secret) = &volume.secret {
            let name = secret.secret_name.clone().unwrap_or_default();
            return Ok(chosen(self.source.secret(&name, secret.optional).await?, secret.items.as_ref()));
        }
        if let Some(downward) = &volume.downward_api {
            return fields(downward.items.as_deref(), pod, address);
        }
        let Some(projected) = &volume.projected else {
            return Err(format!("the tests' nodes know no volume like {}", volume.name));
        };
        let mut files = Files::new();
        for source in projected.sources.iter().flatten() {
            files.extend(self.projection(source, pod, address).await?);
        }
        Ok(files)
    }

    async fn projection(&mut self, source: &VolumeProjection, pod: &Pod, address: &str) -> Result<Files, String> {
        let mut files = Files::new();
        if let Some(map) = &source.config_map {
            files.extend(chosen(self.source.config_map(&map.name, map.optional).await?, map.items.as_ref()));
        }
        if let Some(secret) = &source.secret {
            files.extend(chosen(self.source.secret(&secret.name, secret.optional).await?, secret.items.as_ref()));
        }
        if let Some(downward) = &source.downward_api {
            files.extend(fields(downward.items.as_deref(), pod, address)?);
        }
        if let Some(token) = &source.service_account_token {
            let seconds = token.expiration_seconds.unwrap_or(3_600);
            let fresh = self.tokens.get(&token.path).filter(|(_, until)| Instant::now() < *until);
            let text = if let Some((text, _)) = fresh {
                text.clone()
            } else {
                let text = self.source.token(pod, token.audience.as_ref(), seconds).await?;
                // The kubelet renews at 80 % of the lifetime.
                let until = Instant::now() + Duration::from_secs(seconds.unsigned_abs()) * 4 / 5;
                self.tokens.insert(token.path.clone(), (text.clone(), until));
                text
            };
            files.insert(token.path.clone(), text.into_bytes());
        }
        Ok(files)
    }
}

/// The keys that `items` asks for, at the paths that it says; all of them without.
fn chosen(files: Files, items: Option<&Vec<KeyToPath>>) -> Files {
    let Some(items) = items else { return files };
    items.iter().filter_map(|item| Some((item.path.clone(), files.get(&item.key)?.clone()))).collect()
}

fn fields(items: Option<&[DownwardAPIVolumeFile]>, pod: &Pod, address: &str) -> Result<Files, String> {
    let mut files = Files::new();
    for item in items.into_iter().flatten() {
        let path = item.field_ref.as_ref().map(|field| field.field_path.as_str()).unwrap_or_default();
        files.insert(item.path.clone(), field_of(pod, path, address)?.into_bytes());
    }
    Ok(files)
}

/// Puts `files` in place of those in `directory`, at once.
fn swap(directory: &Path, files: &Files) {
    let old = fs::read_link(directory.join("..data")).ok();
    let count = old.as_ref().and_then(|old| old.to_str()?.rsplit('_').next()?.parse::<u64>().ok()).unwrap_or(0);
    let version = format!("..version_{}", count + 1);
    for (path, bytes) in files {
        let file = directory.join(&version).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    fs::create_dir_all(directory.join(&version)).unwrap();
    symlink(&version, directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    let names: BTreeSet<&str> = files.keys().filter_map(|path| path.split('/').next()).collect();
    for name in &names {
        // It is there if the last version had it, too.
        let _ = symlink(format!("..data/{name}"), directory.join(name));
    }
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") && !names.contains(name.as_str()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(directory.join(old)).unwrap();
    }
}
