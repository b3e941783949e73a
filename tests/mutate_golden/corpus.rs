//! Pods: those of every fixture that the repository ships, and generated ones.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;
use portcullis::suite::manifest::{Input, load};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::standards;

/// How many Pods are generated of each sort.
const GENERATED: u64 = 150;

/// What holds objects for tests and examples.
const SHIPPED: [&str; 8] = [
    "examples/deployment.yaml",
    "examples/pod.yaml",
    "examples/review.json",
    "tests/golden/reviews",
    "tests/mutate_golden",
    "tests/mutate_cli/input",
    "tests/policy_test/input",
    "policies",
];

/// Where a workload's Pod is described, by kind.
const TEMPLATES: [&str; 2] = ["/spec/template", "/spec/jobTemplate/spec/template"];

/// A Pod and where it is from.
pub(super) struct Specimen {
    pub(super) origin: String,
    pub(super) pod: Value,
}

/// Every Pod of the fixtures; of workloads, the Pod that they would make.
pub(super) fn shipped() -> Vec<Specimen> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inputs: Vec<Input> = SHIPPED.iter().map(|path| Input::Path(root.join(path))).collect();
    let found: Vec<Specimen> = load(&inputs)
        .objects
        .into_iter()
        .filter_map(|manifest| {
            let object: Value = serde_json::from_str(&manifest.node.to_json()).ok()?;
            let object = object.pointer("/request/object").cloned().unwrap_or(object);
            let name = PathBuf::from(&*manifest.file).strip_prefix(root).unwrap().display().to_string();
            Some(Specimen { origin: format!("{name}:{}", manifest.place.line), pod: pod_of(&object)? })
        })
        .collect();
    assert!(found.len() > 200, "only {} Pods were found", found.len());
    found
}

fn pod_of(object: &Value) -> Option<Value> {
    let has_containers = |pod: &Value| pod["spec"]["containers"].is_array();
    if has_containers(object) {
        return Some(object.clone());
    }
    let template =
        TEMPLATES.iter().find_map(|path| object.pointer(path)).filter(|template| has_containers(template))?;
    let mut pod = template.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    Some(pod)
}

/// Generated Pods, some of few words. Only such as the API server could decode: it refuses others before any webhook is
/// called.
pub(super) fn generated() -> Vec<Specimen> {
    let specimen = |sort: &str, number: u64, pod: Value| Specimen { origin: format!("{sort} Pod {number}"), pod };
    let all = (0..GENERATED).flat_map(|number| {
        [
            specimen("generated", number, standards::pod(number)),
            specimen("taciturn", number, standards::taciturn(number)),
        ]
    });
    let found: Vec<Specimen> = all.filter(|specimen| Pod::deserialize(&specimen.pod).is_ok()).collect();
    assert!(found.len() > 200, "only {} Pods can be decoded", found.len());
    found
}

/// A Pod that says nothing but what it runs.
pub(super) fn silent() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "containers": [
                {"name": "web", "image": "registry.example.com/shop/web:1.4", "ports": [{"containerPort": 8080}]},
            ],
            "initContainers": [
                {"name": "migrate", "image": "registry.example.com/shop/migrate:1.4"},
                {"name": "proxy", "image": "registry.example.com/shop/proxy:1.4", "restartPolicy": "Always"},
            ],
        },
    })
}
