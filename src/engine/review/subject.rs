//! Whom a refusal concerns, as people know it: the object, or its controller when the object does not exist yet and now
//! never will. Read off the metadata alone, so that a review that was refused unread can be told of, too.

use serde::Deserialize;

use super::{Operation, Review, null_is_default};

/// An object as others refer to it. Its texts are those of the review: nobody has checked or cut them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// The kind, such as `ReplicaSet`.
    pub kind: String,
    /// The name; of an object without one what its name will begin with, or empty.
    pub name: String,
    /// The uid of what exists, otherwise empty.
    pub uid: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Objects {
    #[serde(deserialize_with = "null_is_default")]
    object: Object,
    #[serde(deserialize_with = "null_is_default")]
    old_object: Object,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "null_is_default")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(deserialize_with = "null_is_default")]
    name: String,
    #[serde(deserialize_with = "null_is_default")]
    generate_name: String,
    #[serde(deserialize_with = "null_is_default")]
    uid: String,
    #[serde(deserialize_with = "null_is_default")]
    owner_references: Vec<Owner>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Owner {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    #[serde(deserialize_with = "null_is_default")]
    controller: bool,
}

impl Review<'_> {
    /// Whom a refusal of this review concerns. Metadata of another form than Kubernetes' is as good as none.
    pub fn subject(&self) -> Subject {
        let objects: Objects = serde_json::from_str(&self.raw).unwrap_or_default();
        let creates = self.request.operation == Operation::Create;
        let exists = |object: &Object| !object.metadata.uid.is_empty();
        // Deleted is what was there; connected to is an object that the review does not hold.
        let object = if exists(&objects.old_object) { objects.old_object } else { objects.object };
        let metadata = object.metadata;
        if let Some(owner) = metadata.owner_references.into_iter().find(|owner| creates && owner.controller) {
            return Subject { api_version: owner.api_version, kind: owner.kind, name: owner.name, uid: owner.uid };
        }
        let names = [&self.request.name, &metadata.name, &metadata.generate_name];
        let kind = &self.request.kind;
        let group = if kind.group.is_empty() { String::new() } else { format!("{}/", kind.group) };
        Subject {
            api_version: format!("{group}{}", kind.version),
            kind: kind.kind.clone(),
            name: names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default(),
            // The API server has given one to what it is about to create; nothing will ever have it.
            uid: if creates { String::new() } else { metadata.uid },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &str, expected: [&str; 4]) {
        let body = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1",{request}}}}}"#
        );
        let subject = Review::parse(body.as_bytes()).unwrap().subject();
        let [api_version, kind, name, uid] = expected.map(str::to_owned);
        assert_eq!(subject, Subject { api_version, kind, name, uid });
    }

    const POD: &str = r#""kind":{"group":"","version":"v1","kind":"Pod"}"#;
    const OWNED: &str = r#""metadata":{"name":"web-7-x","uid":"u-pod","ownerReferences":[
        {"apiVersion":"v1","kind":"Secret","name":"other","uid":"u-0"},
        {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7","uid":"u-rs","controller":true}]}"#;

    #[test]
    fn a_pod_that_never_exists_concerns_its_controller() {
        let request = format!(r#"{POD},"operation":"CREATE","name":"web-7-x","object":{{{OWNED}}}"#);
        check(&request, ["apps/v1", "ReplicaSet", "web-7", "u-rs"]);
    }

    #[test]
    fn what_exists_concerns_itself() {
        let request =
            format!(r#"{POD},"operation":"UPDATE","name":"web-7-x","object":{{{OWNED}}},"oldObject":{{{OWNED}}}"#);
        check(&request, ["v1", "Pod", "web-7-x", "u-pod"]);
        let request = format!(r#"{POD},"operation":"DELETE","name":"","object":null,"oldObject":{{{OWNED}}}"#);
        check(&request, ["v1", "Pod", "web-7-x", "u-pod"]);
    }

    #[test]
    fn what_nobody_owns_goes_by_its_name_or_what_that_begins_with() {
        let deployment = r#""kind":{"group":"apps","version":"v1","kind":"Deployment"},"operation":"CREATE""#;
        let request = format!(r#"{deployment},"name":"web","object":{{"metadata":{{"uid":"u-new"}}}}"#);
        check(&request, ["apps/v1", "Deployment", "web", ""]);
        let request =
            format!(r#"{deployment},"object":{{"metadata":{{"generateName":"web-","ownerReferences":null}}}}"#);
        check(&request, ["apps/v1", "Deployment", "web-", ""]);
    }

    #[test]
    fn odd_metadata_is_as_good_as_none() {
        for object in ["null", "7", "[]", "{\"metadata\":7}", "{\"metadata\":{\"ownerReferences\":[7]}}"] {
            check(&format!(r#"{POD},"operation":"CREATE","name":"web","object":{object}"#), ["v1", "Pod", "web", ""]);
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        check(&format!(r#"{POD},"operation":"CREATE","name":"web","object":{deep}"#), ["v1", "Pod", "web", ""]);
    }
}
