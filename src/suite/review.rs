//! A manifest as the API server would send it for review.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::manifest::{Kind, Manifest};
use super::resource::{is_cluster_scoped, plural};
use crate::engine::document::Node;
use crate::engine::review::{API_VERSION, Operation};

/// Who asks for what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The operation.
    pub operation: Operation,
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Whether nothing would be stored.
    pub dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    kind: &'static str,
    api_version: &'static str,
    request: Request<'a>,
}

/// The fields in the API server's order: what identifies comes before the objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    uid: String,
    kind: GroupVersionKind<'a>,
    resource: GroupVersionResource<'a>,
    #[serde(rename = "requestKind")]
    asked_kind: GroupVersionKind<'a>,
    #[serde(rename = "requestResource")]
    asked_resource: GroupVersionResource<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    operation: Operation,
    user_info: User<'a>,
    object: Option<Object<'a>>,
    old_object: Option<Object<'a>>,
    dry_run: bool,
    options: Option<OperationOptions>,
}

#[derive(Clone, Copy, Serialize)]
struct GroupVersionKind<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

#[derive(Clone, Serialize)]
struct GroupVersionResource<'a> {
    group: &'a str,
    version: &'a str,
    resource: String,
}

#[derive(Serialize)]
struct User<'a> {
    username: &'a str,
    groups: &'a [String],
}

/// What the client asked for beside the object, without any of its choices.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationOptions {
    kind: &'static str,
    api_version: &'static str,
}

/// An object as it is stored: with the namespace that it was sent to.
#[derive(Clone, Copy)]
struct Object<'a> {
    node: &'a Node,
    namespace: &'a str,
}

/// The review of a manifest as JSON. A manifest that is a review itself is passed on with its own operation and user.
pub fn review_json(manifest: &Manifest, options: &Options) -> String {
    match manifest.kind {
        Kind::Review => manifest.node.to_json(),
        Kind::Object => object_review(manifest, options),
    }
}

fn object_review(manifest: &Manifest, options: &Options) -> String {
    let node = &manifest.node;
    let text = |node: Option<&'_ Node>| node.and_then(Node::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text(node.get("apiVersion")), text(node.get("kind")));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let metadata = node.get("metadata");
    let name = text(metadata.and_then(|metadata| metadata.get("name")));
    let own_namespace = text(metadata.and_then(|metadata| metadata.get("namespace")));
    let namespace = match kind.as_str() {
        "Namespace" if group.is_empty() => &name,
        kind if is_cluster_scoped(group, kind) => "",
        _ if own_namespace.is_empty() => &options.namespace,
        _ => &own_namespace,
    };
    let stored_namespace = if kind == "Namespace" && group.is_empty() { "" } else { namespace };
    let object = Some(Object { node, namespace: stored_namespace });
    let matched = GroupVersionKind { group, version, kind: &kind };
    let resource = GroupVersionResource { group, version, resource: plural(&kind) };
    let is_delete = options.operation == Operation::Delete;
    let has_old = is_delete || options.operation == Operation::Update;
    let request = Request {
        uid: uid(manifest),
        kind: matched,
        resource: resource.clone(),
        asked_kind: matched,
        asked_resource: resource,
        name: &name,
        namespace,
        operation: options.operation,
        user_info: User { username: &options.user, groups: &options.groups },
        object: object.filter(|_| !is_delete),
        old_object: object.filter(|_| has_old),
        dry_run: options.dry_run,
        options: operation_options(options.operation),
    };
    let review = Review { kind: "AdmissionReview", api_version: API_VERSION, request };
    // Strings, finite numbers and string-keyed maps: there is nothing that JSON could not hold.
    serde_json::to_string(&review).unwrap_or_default()
}

/// The options that the API server sends along; the object itself is a connection's.
fn operation_options(operation: Operation) -> Option<OperationOptions> {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => return None,
    };
    Some(OperationOptions { kind, api_version: "meta.k8s.io/v1" })
}

impl Serialize for Object<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let entries = self.node.entries().unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        for entry in entries {
            match &*entry.key {
                "metadata" => {
                    map.serialize_entry("metadata", &Metadata { node: &entry.value, namespace: self.namespace })?;
                }
                key => map.serialize_entry(key, &entry.value)?,
            }
        }
        if self.node.get("metadata").is_none() && !self.namespace.is_empty() {
            map.serialize_entry("metadata", &BTreeMap::from([("namespace", self.namespace)]))?;
        }
        map.end()
    }
}

struct Metadata<'a> {
    node: &'a Node,
    namespace: &'a str,
}

impl Serialize for Metadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let Some(entries) = self.node.entries() else { return self.node.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for entry in entries.iter().filter(|entry| &*entry.key != "namespace") {
            map.serialize_entry(&*entry.key, &entry.value)?;
        }
        if !self.namespace.is_empty() {
            map.serialize_entry("namespace", self.namespace)?;
        }
        map.end()
    }
}

/// A uid that is the same whenever the same object stands at the same place.
fn uid(manifest: &Manifest) -> String {
    let place = format!("{}:{}:{}", manifest.file, manifest.place.line, manifest.place.column);
    let digest = Sha256::digest(place.as_bytes());
    let mut hex = String::new();
    for (index, byte) in digest.iter().take(16).enumerate() {
        let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        // Writing to a String does not fail.
        let _ = write!(hex, "{dash}{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Input, load};
    use super::*;

    fn options(operation: Operation) -> Options {
        Options {
            operation,
            user: "eve".to_owned(),
            groups: vec!["dev".to_owned()],
            namespace: "default".to_owned(),
            dry_run: false,
        }
    }

    fn review(yaml: &str, operation: Operation) -> serde_json::Value {
        let loaded = load(&[Input::Stdin(yaml.as_bytes().to_vec())]);
        serde_json::from_str(&review_json(&loaded.objects[0], &options(operation))).unwrap()
    }

    #[test]
    fn is_what_the_api_server_would_send() {
        let yaml =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\nspec: {replicas: 2}\n";
        let review = review(yaml, Operation::Create);
        let expected = serde_json::json!({
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "name": "web", "namespace": "default", "operation": "CREATE",
            "userInfo": {"username": "eve", "groups": ["dev"]},
            "object": {"apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "web", "labels": {"a": "b"}, "namespace": "default"}, "spec": {"replicas": 2}},
            "oldObject": null, "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}
        });
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&review["request"][key], value, "{key}");
        }
        assert_eq!(review["request"]["uid"].as_str().unwrap().len(), 36);
    }

    #[test]
    fn its_fields_stand_in_the_api_servers_order() {
        let loaded = load(&[Input::Stdin(b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n".to_vec())]);
        let text = review_json(&loaded.objects[0], &options(Operation::Create));
        let at = |key: &str| text.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("no {key} in {text}"));
        let places = [
            "apiVersion",
            "request",
            "uid",
            "resource",
            "requestKind",
            "requestResource",
            "name",
            "namespace",
            "operation",
            "userInfo",
            "object",
            "oldObject",
            "dryRun",
            "options",
        ];
        let places = places.map(at);
        assert!(text.starts_with("{\"kind\":\"AdmissionReview\"") && places.is_sorted(), "{text}");
    }

    #[test]
    fn objects_follow_the_operation() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: web-}\n";
        for (operation, has_object, has_old) in [
            (Operation::Create, true, false),
            (Operation::Update, true, true),
            (Operation::Delete, false, true),
            (Operation::Connect, true, false),
        ] {
            let request = &review(pod, operation)["request"];
            assert_eq!((!request["object"].is_null(), !request["oldObject"].is_null()), (has_object, has_old));
            assert_eq!(request.get("name"), None);
        }
    }

    #[test]
    fn namespaces_follow_the_kind() {
        for (kind, metadata, expected) in [
            ("v1 Pod", "{name: a}", Some("default")),
            ("v1 Pod", "{name: a, namespace: team}", Some("team")),
            ("v1 Pod", "", Some("default")),
            ("v1 Namespace", "{name: team}", Some("team")),
            ("rbac.authorization.k8s.io/v1 ClusterRole", "{name: a}", None),
            ("v1 Node", "{name: a}", None),
            ("longhorn.io/v1beta2 Node", "{name: a}", Some("default")),
        ] {
            let (version, kind) = kind.split_once(' ').unwrap();
            let review =
                review(&format!("apiVersion: {version}\nkind: {kind}\nmetadata: {metadata}\n"), Operation::Create);
            assert_eq!(review["request"]["namespace"].as_str(), expected, "{kind} {metadata}");
        }
    }
}
