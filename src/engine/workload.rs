//! The Pod in a workload: the template of every kind that has one, and its containers with their places.
//!
//! A policy author cannot forget a container here: the list holds all of them, of all kinds.

use std::collections::BTreeMap;

use super::rego::Value;
use super::review::GroupVersionKind;

/// The containers of one Pod. The kubelet runs some hundred Pods a node; nobody runs more than this in one.
const CONTAINERS: usize = 1_000;

/// A Pod under review, or a workload's template seen as one.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Where the Pod stands in the object: empty for a Pod itself, otherwise such as `spec.template`.
    pub path: &'static str,
    /// `{metadata, spec}`.
    pub pod: Value,
    /// Every container.
    pub containers: Vec<Container>,
}

/// One container of a Pod.
#[derive(Clone, Debug)]
pub struct Container {
    /// `container`, `init`, `sidecar` or `ephemeral`.
    pub kind: &'static str,
    /// Its place in the real object, such as `spec.template.spec.containers[0]`.
    pub path: String,
    /// The container itself.
    pub spec: Value,
}

/// An object that cannot be what its kind says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object is malformed: {0}")]
pub struct MalformedWorkload(String);

/// Where a kind has its Pod: empty if it is one, nothing if it has none.
pub fn template_path(kind: &GroupVersionKind) -> Option<&'static str> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => Some(""),
        ("", "PodTemplate") => Some("template"),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet")
        | ("apps", "StatefulSet")
        | ("batch", "Job") => Some("spec.template"),
        ("batch", "CronJob") => Some("spec.jobTemplate.spec.template"),
        _ => None,
    }
}

impl Workload {
    /// The Pod of an object at a path that [`template_path`] gave.
    pub fn of(path: &'static str, object: &Value) -> Result<Self, MalformedWorkload> {
        let mut template = object.clone();
        for key in path.split('.').filter(|key| !key.is_empty()) {
            template = field(&template, key);
            if !matches!(template, Value::Object(_) | Value::Null) {
                return Err(MalformedWorkload(format!("{key} in {path} is not an object")));
            }
        }
        let metadata = object_or_empty(&template, "metadata", path)?;
        let spec = object_or_empty(&template, "spec", path)?;
        let containers = containers(&spec, &join(path, "spec"))?;
        let pod = object_of([("metadata", metadata), ("spec", spec)]);
        Ok(Self { path, pod, containers })
    }

    /// The template as the Pod that it will become, for policies that read `input.request.object`.
    pub fn as_pod(&self) -> Value {
        object_of([
            ("apiVersion", Value::from("v1")),
            ("kind", Value::from("Pod")),
            ("metadata", self.pod["metadata"].clone()),
            ("spec", self.pod["spec"].clone()),
        ])
    }

    /// The containers as policies see them.
    pub fn containers_value(&self) -> Value {
        Value::from(self.containers.iter().map(Container::to_value).collect::<Vec<_>>())
    }
}

impl Container {
    /// The image, or nothing if it has none that is text.
    pub fn image(&self) -> Option<&str> {
        self.spec["image"].as_string().ok().map(AsRef::as_ref)
    }

    fn to_value(&self) -> Value {
        let text = |key: &str| match &self.spec[key] {
            Value::String(text) => Value::String(text.clone()),
            _ => Value::from(""),
        };
        object_of([
            ("name", text("name")),
            ("kind", Value::from(self.kind)),
            ("path", Value::from(self.path.as_str())),
            ("image", text("image")),
            ("spec", self.spec.clone()),
        ])
    }
}

/// An object of these fields.
pub fn object_of<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::from(fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<BTreeMap<_, _>>())
}

fn field(value: &Value, key: &str) -> Value {
    match &value[key] {
        Value::Undefined => Value::Null,
        found => found.clone(),
    }
}

fn join(base: &str, key: &str) -> String {
    if base.is_empty() { key.to_owned() } else { format!("{base}.{key}") }
}

fn object_or_empty(template: &Value, key: &str, path: &str) -> Result<Value, MalformedWorkload> {
    match field(template, key) {
        Value::Null => Ok(Value::new_object()),
        object @ Value::Object(_) => Ok(object),
        _ => Err(MalformedWorkload(format!("{} is not an object", join(path, key)))),
    }
}

fn containers(spec: &Value, path: &str) -> Result<Vec<Container>, MalformedWorkload> {
    const LISTS: [(&str, &str); 3] =
        [("containers", "container"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")];
    let mut all = Vec::new();
    for (key, kind) in LISTS {
        let list = match field(spec, key) {
            Value::Null => continue,
            Value::Array(list) => list,
            _ => return Err(MalformedWorkload(format!("{path}.{key} is not a list"))),
        };
        if list.len() > CONTAINERS {
            let message = format!("{path}.{key} holds {} containers, more than {CONTAINERS}", list.len());
            return Err(MalformedWorkload(message));
        }
        for (index, container) in list.iter().enumerate() {
            // A restartable init container runs beside the others for the Pod's whole life (KEP-753).
            let is_sidecar = kind == "init" && container["restartPolicy"] == Value::from("Always");
            let kind = if is_sidecar { "sidecar" } else { kind };
            all.push(Container { kind, path: format!("{path}.{key}[{index}]"), spec: container.clone() });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, kind: &str) -> GroupVersionKind {
        GroupVersionKind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.to_owned() }
    }

    fn value(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    #[test]
    fn every_workload_kind_has_its_template() {
        let cases = [
            ("", "Pod", Some("")),
            ("", "PodTemplate", Some("template")),
            ("", "ReplicationController", Some("spec.template")),
            ("apps", "ReplicaSet", Some("spec.template")),
            ("apps", "Deployment", Some("spec.template")),
            ("apps", "StatefulSet", Some("spec.template")),
            ("apps", "DaemonSet", Some("spec.template")),
            ("batch", "Job", Some("spec.template")),
            ("batch", "CronJob", Some("spec.jobTemplate.spec.template")),
            ("", "Service", None),
            ("example.com", "Deployment", None),
            ("example.com", "Pod", None),
        ];
        for (group, name, expected) in cases {
            assert_eq!(template_path(&kind(group, name)), expected, "{group}/{name}");
        }
    }

    #[test]
    fn lists_every_container_with_kind_and_path() {
        let object = value(
            r#"{"spec":{"jobTemplate":{"spec":{"template":{"spec":{
                "containers":[{"name":"a","image":"i"},null],
                "initContainers":[{"name":"b"},{"name":"c","restartPolicy":"Always"}],
                "ephemeralContainers":[{"name":"d","image":7}]}}}}}}"#,
        );
        let workload = Workload::of("spec.jobTemplate.spec.template", &object).unwrap();
        let seen: Vec<_> = workload.containers.iter().map(|c| (c.kind, c.path.as_str(), c.image())).collect();
        let base = "spec.jobTemplate.spec.template.spec";
        assert_eq!(
            seen,
            [
                ("container", format!("{base}.containers[0]").as_str(), Some("i")),
                ("container", format!("{base}.containers[1]").as_str(), None),
                ("init", format!("{base}.initContainers[0]").as_str(), None),
                ("sidecar", format!("{base}.initContainers[1]").as_str(), None),
                ("ephemeral", format!("{base}.ephemeralContainers[0]").as_str(), None),
            ]
        );
        assert_eq!(workload.as_pod()["kind"], Value::from("Pod"));
    }

    #[test]
    fn what_is_absent_is_empty() {
        for object in ["{}", r#"{"spec":null}"#, r#"{"spec":{"template":null}}"#, "null"] {
            let workload = Workload::of("spec.template", &value(object)).unwrap();
            assert!(workload.containers.is_empty(), "{object}");
            assert_eq!(workload.pod["spec"], Value::new_object(), "{object}");
        }
    }

    #[test]
    fn a_malformed_object_is_never_an_empty_one() {
        let refused = |object: &str| Workload::of("", &value(object)).unwrap_err().to_string();
        assert_eq!(refused(r#"{"spec":[]}"#), "the object is malformed: spec is not an object");
        assert!(refused(r#"{"metadata":1}"#).contains("metadata is not an object"));
        assert!(refused(r#"{"spec":{"containers":{"a":1}}}"#).contains("spec.containers is not a list"));
        let template = Workload::of("spec.template", &value(r#"{"spec":{"template":"x"}}"#));
        assert!(template.unwrap_err().to_string().contains("template in spec.template is not an object"));
        let many = format!(r#"{{"spec":{{"containers":[{}]}}}}"#, vec!["{}"; CONTAINERS + 1].join(","));
        assert!(refused(&many).contains("spec.containers holds 1001 containers, more than 1000"));
        assert!(refused(r#"{"spec":{"ephemeralContainers":"x"}}"#).contains("spec.ephemeralContainers"));
    }
}
