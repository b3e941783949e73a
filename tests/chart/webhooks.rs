//! The webhook configurations: what the API server asks about, for how long it waits, and what it never asks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::command::policy;
use crate::render::Release;

/// Both webhooks of a release.
fn webhooks(release: &Release) -> Option<(Value, Value)> {
    let objects = release.objects()?;
    let webhook = |kind: &str| {
        let webhooks = objects.one(kind)["webhooks"].as_array().unwrap().clone();
        assert_eq!(webhooks.len(), 1, "{kind}");
        webhooks[0].clone()
    };
    Some((webhook("ValidatingWebhookConfiguration"), webhook("MutatingWebhookConfiguration")))
}

#[test]
fn validation_fails_closed_and_mutation_open() {
    let Some((validating, mutating)) = webhooks(&Release::default()) else { return };
    assert_eq!(validating["failurePolicy"], "Fail");
    assert_eq!(mutating["failurePolicy"], "Ignore");
    assert_eq!(mutating["reinvocationPolicy"], "IfNeeded");
    assert_eq!(validating["reinvocationPolicy"], Value::Null);
}

#[test]
fn no_request_waits_for_longer_than_five_seconds() {
    let Some((validating, mutating)) = webhooks(&Release::default()) else { return };
    for webhook in [validating, mutating] {
        assert!(webhook["timeoutSeconds"].as_u64().unwrap() <= 5, "{webhook}");
        assert_eq!(webhook["sideEffects"], "None");
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
    }
}

#[test]
fn the_service_is_asked_at_its_own_paths() {
    let Some((validating, mutating)) = webhooks(&Release::default()) else { return };
    let service =
        |path: &str| json!({"name": "portcullis", "namespace": "portcullis-system", "path": path, "port": 443});
    assert_eq!(validating["clientConfig"], json!({"service": service("/validate")}), "caBundle is the server's to set");
    assert_eq!(mutating["clientConfig"], json!({"service": service("/mutate")}), "caBundle is the server's to set");
}

#[test]
fn the_bundle_is_the_charts_only_where_the_certificate_is_provided() {
    let pem = "-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n";
    let values =
        format!(r#"certificates={{"source":"provided","provided":{{"secretName":"tls","caBundle":"{pem}"}}}}"#);
    let Some((validating, mutating)) = webhooks(&Release::default().set(&[&values])) else { return };
    let expected = data_encoding::BASE64.encode(pem.replace("\\n", "\n").as_bytes());
    assert_eq!(validating["clientConfig"]["caBundle"], json!(expected));
    assert_eq!(mutating["clientConfig"]["caBundle"], json!(expected));

    let objects = Release::default().set(&[r#"certificates.source="cert-manager""#]).objects().unwrap();
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        let object = objects.one(kind);
        assert_eq!(object["metadata"]["annotations"]["cert-manager.io/inject-ca-from"], "portcullis-system/portcullis");
        assert_eq!(object["webhooks"][0]["clientConfig"]["caBundle"], Value::Null);
    }
}

#[test]
fn mutation_comes_before_that_of_sidecar_injectors() {
    for name in ["portcullis", "zebra", "istio"] {
        let release = Release { name: name.to_owned(), ..Release::default() };
        let Some(objects) = release.objects() else { return };
        let name = objects.one("MutatingWebhookConfiguration")["metadata"]["name"].as_str().unwrap();
        for injector in ["dapr-sidecar-injector", "istio-sidecar-injector", "linkerd-proxy-injector-webhook-config"] {
            assert!(name < injector, "{name} is called after {injector}");
        }
    }
}

#[test]
fn control_plane_and_own_namespace_are_told_by_a_label_that_nobody_can_set() {
    let values = [
        r#"webhooks.excludedNamespaces=["kube-system","cni"]"#,
        r#"webhooks.namespaceSelector={"matchLabels":{"policy-set":"blue"},"matchExpressions":[{"key":"tier","operator":"Exists"}]}"#,
        r#"probe.namespace="blue""#,
    ];
    let Some((validating, mutating)) = webhooks(&Release::default().set(&values)) else { return };
    let expected = json!({
        "matchLabels": {"policy-set": "blue"},
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["cni", "kube-system", "portcullis-system"]},
            {"key": "tier", "operator": "Exists"},
        ],
    });
    assert_eq!(validating["namespaceSelector"], expected);
    assert_eq!(mutating["namespaceSelector"], expected);
    assert_eq!(validating["objectSelector"], Value::Null, "labels of the object are its author's");
}

#[test]
fn nodes_leases_the_api_server_and_the_release_itself_never_wait() {
    let values = [r#"webhooks.matchConditions=[{"name":"mine","expression":"true"}]"#];
    let Some((validating, mutating)) = webhooks(&Release::default().set(&values)) else { return };
    assert_eq!(validating["matchConditions"], mutating["matchConditions"]);
    let conditions = validating["matchConditions"].as_array().unwrap();
    let expression = |name: &str| {
        let found = conditions.iter().find(|condition| condition["name"] == name);
        found.unwrap_or_else(|| panic!("{name} among {conditions:?}"))["expression"].as_str().unwrap()
    };
    let node = r#"!(has(request.userInfo.groups) && "system:nodes" in request.userInfo.groups)"#;
    assert_eq!(expression("not-by-a-node"), node);
    assert!(expression("not-a-node-or-lease").contains(r#"request.resource.resource == "leases""#));
    assert!(expression("not-a-node-or-lease").contains(r#"request.resource.resource == "nodes""#));
    assert_eq!(expression("not-by-the-api-server"), r#"request.userInfo.username != "system:apiserver""#);
    assert!(expression("not-the-release-itself").contains(r#""portcullis.portcullis-system-hooks""#));
    // What is empty is not there, and asking for it an error.
    for optional in ["namespace", "name"] {
        assert!(expression("not-the-release-itself").contains(&format!("has(request.{optional})")), "{optional}");
    }
    assert_eq!(expression("mine"), "true");
}

#[test]
fn rules_name_every_resource_and_no_status() {
    let Some((validating, mutating)) = webhooks(&Release::default()) else { return };
    for rule in [&validating, &mutating].iter().flat_map(|webhook| webhook["rules"].as_array().unwrap()) {
        let without_scope = {
            let mut rule = rule.clone();
            rule.as_object_mut().unwrap().remove("scope");
            rule.to_string()
        };
        assert!(!without_scope.contains('*') && !without_scope.contains("/status"), "{rule}");
        let operations: BTreeSet<&str> =
            rule["operations"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(operations.is_subset(&BTreeSet::from(["CREATE", "UPDATE"])), "{rule}");
        for resource in ["leases", "pods/eviction", "tokenreviews", "subjectaccessreviews", "events", "nodes"] {
            assert!(!rule["resources"].as_array().unwrap().contains(&json!(resource)), "{rule}");
        }
    }
    assert_eq!(mutating["rules"].as_array().unwrap().len(), 1);
    assert_eq!(mutating["rules"][0]["resources"], json!(["pods"]));
}

/// The resource of a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") }
}

#[test]
fn rules_cover_what_the_default_profile_judges() {
    let Some((validating, _)) = webhooks(&Release::default()) else { return };
    let resources: BTreeSet<(String, String)> = validating["rules"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| {
            let group = rule["apiGroups"][0].as_str().unwrap();
            rule["resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |name| (group.to_owned(), name.as_str().unwrap().to_owned()))
        })
        .collect();
    let has = |group: &str, resource: &str| resources.contains(&(group.to_owned(), resource.to_owned()));
    // A policy for Pods judges these, too.
    let pods = ["pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers"];
    let apps = ["daemonsets", "deployments", "replicasets", "statefulsets"];
    assert!(pods.iter().all(|name| has("", name)) && apps.iter().all(|name| has("apps", name)), "{resources:?}");
    assert!(has("batch", "jobs") && has("batch", "cronjobs"), "{resources:?}");

    let listed = policy(["list", "--format", "json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    for policy in listed["policies"].as_array().unwrap() {
        // Deprecated versions are a matter of manifests: most of what the policy knows, no server serves any more.
        if policy["enforcement"] == "off" || policy["name"] == "forbid_deprecated_apis" {
            continue;
        }
        for kind in policy["match"]["kinds"].as_array().unwrap() {
            let kind = kind.as_str().unwrap();
            let (group, kind) = kind.rsplit_once('/').unwrap_or(("", kind));
            let group = group.split('/').next().unwrap();
            // Gone since Kubernetes 1.22.
            if group == "extensions" || kind == "Pod" {
                continue;
            }
            assert!(has(group, &plural(kind)), "{} judges {group}/{kind}, which no rule asks about", policy["name"]);
        }
    }
}

#[test]
fn an_uninstall_removes_the_configurations_before_all_else() {
    let Some(objects) = Release::default().objects() else { return };
    let job = objects.named("Job", "portcullis-removal");
    assert_eq!(job["metadata"]["annotations"]["helm.sh/hook"], "pre-delete");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["webhook", "delete"]));
    let configuration = &objects.one("ValidatingWebhookConfiguration")["metadata"]["name"];
    assert_eq!(container["env"], json!([{"name": "PORTCULLIS_WEBHOOK_CONFIGURATION", "value": configuration}]));
}

#[test]
fn every_install_upgrade_and_rollback_is_proven_by_a_pod_that_is_denied() {
    let Some(objects) = Release::default().objects() else { return };
    let job = objects.named("Job", "portcullis-probe");
    assert_eq!(job["metadata"]["annotations"]["helm.sh/hook"], "post-install,post-upgrade,post-rollback");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["webhook", "probe"]));
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    assert_eq!(
        container["env"],
        json!([
            variable("PORTCULLIS_FAILURE_POLICY", "Fail"),
            variable("PORTCULLIS_PROBE_DEPLOYMENT", "portcullis-system/portcullis"),
            variable("PORTCULLIS_PROBE_NAMESPACE", "default"),
            variable("PORTCULLIS_PROBE_TIMEOUT", "216000"),
            variable("PORTCULLIS_WEBHOOK_CONFIGURATION", "a-portcullis.portcullis-system"),
        ])
    );
    let test = objects.one("Pod");
    assert_eq!(test["metadata"]["annotations"]["helm.sh/hook"], "test");
    assert_eq!(test["spec"]["containers"][0]["args"], json!(["webhook", "probe"]));
}

#[test]
fn the_jobs_of_hooks_go_a_day_after_they_ended_even_if_they_failed() {
    let Some(objects) = Release::default().objects() else { return };
    let jobs = objects.all("Job");
    assert!(jobs.len() >= 2, "{:?}", objects.names());
    for job in jobs {
        assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 86_400, "{job}");
    }
}

#[test]
fn the_probe_never_asks_in_the_releases_own_namespace() {
    let release = Release { namespace: "default".to_owned(), ..Release::default() };
    let Some(objects) = release.objects() else { return };
    assert_eq!(objects.named("Role", "portcullis.default-probe")["metadata"]["namespace"], "kube-public");
}
