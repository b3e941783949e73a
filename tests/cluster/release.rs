//! The product in the cluster by plain manifests, and Pods to ask it about.

use std::fs;
use std::sync::OnceLock;

use data_encoding::BASE64;
use hyper::Method;
use serde_json::{Value, json};

use super::api::{Cluster, eventually, path};
use super::chart;
use super::credentials::{Pair, pair};
use super::probe::get;
use super::process;

/// The namespace of the product itself, which no rule of its webhook matches.
pub(super) const SYSTEM: &str = "portcullis-system";

/// The namespace of the Pods that tests create.
pub(super) const SHOP: &str = "shop";

const NAME: &str = "portcullis";
const REPLICAS: u64 = 2;

/// How long a replica serves on after SIGTERM: longer than its endpoint takes to leave the Service.
const DRAIN: &str = "2000";

/// The configuration of the release, before any test changes it.
pub(super) const CONFIG: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\n";

/// Has the release installed, as it is meant to be, and all of its replicas ready.
pub(super) async fn install(cluster: &Cluster) {
    chart::uninstall(cluster, chart::NAME, chart::GUARD).await;
    cluster.namespace(SYSTEM, json!({})).await;
    cluster.namespace(SHOP, json!({})).await;
    let pair = certificate(cluster);
    for object in [secret(&pair), config(CONFIG), service(), deployment()] {
        cluster.apply(&object).await;
    }
    rolled_out(cluster, REPLICAS).await;
    cluster.apply(&webhook(&pair)).await;
    // The API server takes a moment to follow the configuration and the endpoints.
    eventually(async || cluster.create(&privileged("canary"), "dryRun=All").await.is_denied()).await;
    let settled = async || {
        let answer = cluster.create(&fine("canary"), "dryRun=All").await;
        (answer.status == 201).then_some(()).ok_or(answer.body).is_ok()
    };
    eventually(settled).await;
}

/// Takes the release out, if it is there.
pub(super) async fn remove(cluster: &Cluster) {
    gone(cluster, &path(&webhook_name())).await;
    gone(cluster, &format!("/api/v1/namespaces/{SYSTEM}")).await;
}

/// Waits until the Deployment has rolled out to `replicas`.
pub(super) async fn rolled_out(cluster: &Cluster, replicas: u64) {
    eventually(async || is_rolled_out(&cluster.get(&deployment_path()).await, replicas)).await;
    // What was replaced has left once nothing is terminating.
    eventually(async || pods(cluster).await.len() as u64 == replicas).await;
}

fn is_rolled_out(deployment: &Value, replicas: u64) -> bool {
    let status = &deployment["status"];
    let counts = ["replicas", "updatedReplicas", "readyReplicas"].map(|name| status[name].as_u64().unwrap_or(0));
    status["observedGeneration"] == deployment["metadata"]["generation"] && counts == [replicas; 3]
}

/// Where the Deployment is.
pub(super) fn deployment_path() -> String {
    format!("/apis/apps/v1/namespaces/{SYSTEM}/deployments/{NAME}")
}

/// The names of the release's Pods.
pub(super) async fn pods(cluster: &Cluster) -> Vec<String> {
    let list = cluster.get(&format!("/api/v1/namespaces/{SYSTEM}/pods?labelSelector=app%3D{NAME}")).await;
    list["items"].as_array().unwrap().iter().map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The process number of the replica that is the Pod `name`.
pub(super) fn pid(cluster: &Cluster, name: &str) -> u32 {
    process::pid(&cluster.home, &format!("pod-{SYSTEM}-{name}"))
}

/// The revisions of the policy sets in force, one of each replica.
pub(super) async fn revisions(cluster: &Cluster) -> Vec<String> {
    let mut revisions = Vec::new();
    for name in pods(cluster).await {
        let pod = cluster.get(&format!("/api/v1/namespaces/{SYSTEM}/pods/{name}")).await;
        let metrics = get(&format!("{}:9443", pod["status"]["podIP"].as_str().unwrap()), "/metrics").await.unwrap();
        let info = metrics.lines().find(|line| line.starts_with("portcullis_policy_set_info{"));
        revisions.push(info.unwrap().to_owned());
    }
    revisions
}

/// Scales the Deployment.
pub(super) async fn scale(cluster: &Cluster, replicas: u64) {
    let answer = cluster.merge(&deployment_path(), &json!({"spec": {"replicas": replicas}})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Puts a configuration in the release's ConfigMap.
pub(super) async fn configure(cluster: &Cluster, text: &str) {
    cluster.apply(&config(text)).await;
}

/// The certificate of the cluster's first test, which all of them keep.
fn certificate(cluster: &Cluster) -> Pair {
    static WRITING: OnceLock<()> = OnceLock::new();
    let files = ["release-ca.crt", "release.crt", "release.key"].map(|name| cluster.home.join(name));
    WRITING.get_or_init(|| {
        if files[2].exists() {
            return;
        }
        let names = [NAME, &format!("{NAME}.{SYSTEM}"), &format!("{NAME}.{SYSTEM}.svc")];
        let pair = pair(&names);
        for (file, text) in files.iter().zip([pair.authority, pair.certificate, pair.key]) {
            fs::write(file, text).unwrap();
        }
    });
    let [authority, certificate, key] = files.map(|file| fs::read_to_string(file).unwrap());
    Pair { authority, certificate, key }
}

fn metadata() -> Value {
    json!({"name": NAME, "namespace": SYSTEM})
}

fn secret(pair: &Pair) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata(), "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key}})
}

fn config(text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(), "data": {"config.yaml": text}})
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(),
        "spec": {"selector": {"app": NAME}, "ports": [{"name": "webhook", "port": 443, "targetPort": "webhook"}]}})
}

fn deployment() -> Value {
    let probe =
        |path: &str, period: u8| json!({"httpGet": {"path": path, "port": "operations"}, "periodSeconds": period});
    let container = json!({
        "name": "policy",
        "image": "registry.example.com/portcullis:0.1.0",
        // Built without optimisation, on two cores that a whole cluster shares.
        "args": ["serve", "--address=0.0.0.0:8443", "--operations-address=[::]:9443", "--drain-delay", DRAIN,
            "--policy-budget=1000"],
        "env": [
            {"name": "PORTCULLIS_CONFIG", "value": "/etc/portcullis/config.yaml"},
            {"name": "PORTCULLIS_TLS_CERT", "value": "/tls/tls.crt"},
            {"name": "PORTCULLIS_TLS_KEY", "value": "/tls/tls.key"},
        ],
        "ports": [{"name": "webhook", "containerPort": 8443}, {"name": "operations", "containerPort": 9443}],
        "readinessProbe": probe("/readyz", 1),
        "livenessProbe": probe("/healthz", 2),
        "securityContext": {"readOnlyRootFilesystem": true},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/portcullis"}, {"name": "tls", "mountPath": "/tls"}],
    });
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(), "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": {"app": NAME}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": {"app": NAME}}, "spec": {
            "containers": [container],
            "terminationGracePeriodSeconds": 20,
            "volumes": [
                {"name": "config", "configMap": {"name": NAME}},
                {"name": "tls", "secret": {"secretName": NAME}},
            ],
        }},
    }})
}

fn webhook_name() -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME}})
}

fn webhook(pair: &Pair) -> Value {
    let rule = |groups: &[&str], versions: &[&str], resources: &[&str]| {
        json!({"apiGroups": groups, "apiVersions": versions, "resources": resources,
            "operations": ["CREATE", "UPDATE"], "scope": "*"})
    };
    let webhook = json!({
        "name": "validate.portcullis.dev",
        "clientConfig": {"service": {"name": NAME, "namespace": SYSTEM, "path": "/validate"},
            "caBundle": BASE64.encode(pair.authority.as_bytes())},
        "rules": [
            rule(&[""], &["v1"], &["pods", "pods/ephemeralcontainers", "replicationcontrollers"]),
            rule(&["apps"], &["v1"], &["deployments", "replicasets", "statefulsets", "daemonsets"]),
            rule(&["batch"], &["v1"], &["jobs", "cronjobs"]),
        ],
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "sideEffects": "None",
        // A machine that is short of time is no failure of the product.
        "timeoutSeconds": 10,
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn",
            "values": ["kube-system", SYSTEM]}]},
    });
    let mut configuration = webhook_name();
    configuration["webhooks"] = json!([webhook]);
    configuration
}

/// A Pod in the shop that no policy says a word against.
pub(super) fn fine(name: &str) -> Value {
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SHOP}, "spec": {
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "web", "image": "registry.example.com/shop/web:4.2", "ports": [{"containerPort": 8080}],
            "readinessProbe": probe, "livenessProbe": probe,
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}},
        }],
    }})
}

/// One that differs in its privileges, and is refused.
pub(super) fn privileged(name: &str) -> Value {
    let mut pod = fine(name);
    pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    pod
}

/// One that differs in having no liveness probe, and is warned of.
pub(super) fn without_liveness(name: &str) -> Value {
    let mut pod = fine(name);
    pod["spec"]["containers"][0].as_object_mut().unwrap().remove("livenessProbe");
    pod
}

/// Deletes an object and waits until it is gone.
pub(super) async fn gone(cluster: &Cluster, path: &str) {
    cluster.delete(path).await;
    eventually(async || cluster.send(Method::GET, path, None).await.status == 404).await;
}
