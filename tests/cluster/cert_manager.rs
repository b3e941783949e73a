//! cert-manager's resource definitions, and a stand-in for its controllers: it issues what `Certificate`s of a
//! self-signed authority or of an `Issuer` with a CA ask for, renews one that is marked `Issuing` as `cmctl renew` marks
//! it, and writes `caBundle` where an annotation asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use data_encoding::BASE64;
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::api::{Cluster, eventually};
use super::credentials::{Authority, Pair};
use crate::tool::tool;

const TICK: Duration = Duration::from_millis(200);

const GROUP: &str = "/apis/cert-manager.io/v1";

const CONFIGURATIONS: [&str; 2] = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];

/// The stand-in, which works as long as this lives.
pub(super) struct CertManager(JoinHandle<()>);

impl CertManager {
    /// Has the definitions in the cluster, and nobody who acts on them.
    pub(super) async fn define(cluster: &Cluster) {
        let definitions = tool("cert-manager-crds").unwrap().output().unwrap();
        assert!(definitions.status.success(), "{definitions:?}");
        let definitions = String::from_utf8(definitions.stdout).unwrap();
        let applied = cluster.run("kubectl", &["apply", "--server-side", "--filename", "-"], &definitions);
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        for plural in ["certificates", "issuers"] {
            let path = format!("{GROUP}/{plural}");
            eventually(async || cluster.send(Method::GET, &path, None).await.status == 200).await;
        }
    }

    /// Has both.
    pub(super) async fn start(cluster: &Cluster) -> Self {
        Self::define(cluster).await;
        let mut controller =
            Controller { cluster: cluster.clone(), issued: BTreeSet::new(), authorities: BTreeMap::new() };
        Self(tokio::spawn(async move {
            loop {
                controller.issue().await;
                controller.inject().await;
                sleep(TICK).await;
            }
        }))
    }
}

impl Drop for CertManager {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for a certificate to be renewed before its time.
pub(super) async fn renew(cluster: &Cluster, namespace: &str, name: &str) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let issuing = json!({"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "renew",
        "lastTransitionTime": now});
    set_condition(cluster, namespace, name, &issuing).await;
}

async fn set_condition(cluster: &Cluster, namespace: &str, name: &str, condition: &Value) {
    let path = format!("{GROUP}/namespaces/{namespace}/certificates/{name}/status");
    let answer = cluster.merge(&path, &json!({"status": {"conditions": [condition]}})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

struct Controller {
    cluster: Cluster,
    /// The certificates that have their Secret, by uid.
    issued: BTreeSet<String>,
    /// What issuers sign by, by namespace and Secret.
    authorities: BTreeMap<String, Authority>,
}

impl Controller {
    async fn issue(&mut self) {
        for certificate in items(&self.cluster, &format!("{GROUP}/certificates")).await {
            let uid = text(&certificate["metadata"]["uid"]);
            let conditions = certificate["status"]["conditions"].as_array().into_iter().flatten();
            let mut issuing = conditions.filter(|condition| condition["type"] == "Issuing");
            if self.issued.contains(uid) && issuing.next().is_none() {
                continue;
            }
            // An authority may have to come first.
            let Some(pair) = self.sign(&certificate).await else { continue };
            let (namespace, name) =
                (text(&certificate["metadata"]["namespace"]), text(&certificate["metadata"]["name"]));
            let metadata = json!({"name": certificate["spec"]["secretName"], "namespace": namespace});
            let data = json!({"ca.crt": pair.authority, "tls.crt": pair.certificate, "tls.key": pair.key});
            let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": metadata, "stringData": data});
            self.cluster.apply(&secret).await;
            let ready = json!({"type": "Ready", "status": "True", "reason": "Ready", "message": ""});
            set_condition(&self.cluster, namespace, name, &ready).await;
            self.issued.insert(uid.to_owned());
        }
    }

    async fn sign(&mut self, certificate: &Value) -> Option<Pair> {
        let (spec, namespace) = (&certificate["spec"], text(&certificate["metadata"]["namespace"]));
        let reference = &spec["issuerRef"];
        assert_eq!((&reference["group"], &reference["kind"]), (&"cert-manager.io".into(), &"Issuer".into()));
        let path = format!("{GROUP}/namespaces/{namespace}/issuers/{}", text(&reference["name"]));
        let issuer = self.cluster.send(Method::GET, &path, None).await.body;
        if issuer["spec"]["selfSigned"].is_object() && spec["isCA"] == true {
            let authority = Authority::new(text(&spec["commonName"]));
            let [certificate, key] = [&authority.certificate, &authority.key].map(Clone::clone);
            self.authorities.insert(format!("{namespace}/{}", text(&spec["secretName"])), authority);
            return Some(Pair { authority: certificate.clone(), certificate, key });
        }
        let authority = issuer["spec"]["ca"]["secretName"].as_str()?;
        let names: Vec<&str> = spec["dnsNames"].as_array()?.iter().map(text).collect();
        Some(self.authorities.get(&format!("{namespace}/{authority}"))?.sign(&names))
    }

    async fn inject(&self) {
        for plural in CONFIGURATIONS {
            let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}");
            for mut configuration in items(&self.cluster, &path).await {
                let annotation = &configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
                let Some((namespace, name)) = annotation.as_str().and_then(|from| from.split_once('/')) else {
                    continue;
                };
                let Some(bundle) = self.bundle(namespace, name).await else { continue };
                let before = configuration.clone();
                for webhook in configuration["webhooks"].as_array_mut().unwrap() {
                    webhook["clientConfig"]["caBundle"] = bundle.clone();
                }
                if configuration != before {
                    let path = format!("{path}/{}", text(&configuration["metadata"]["name"]));
                    // Whoever changed it in between is asked again at the next turn.
                    self.cluster.send(Method::PUT, &path, Some(&configuration)).await;
                }
            }
        }
    }

    /// What a certificate's Secret has as its authority, in base64 as it stands there and in `caBundle`.
    async fn bundle(&self, namespace: &str, name: &str) -> Option<Value> {
        let path = format!("{GROUP}/namespaces/{namespace}/certificates/{name}");
        let certificate = self.cluster.send(Method::GET, &path, None).await.body;
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{}", certificate["spec"]["secretName"].as_str()?);
        let secret = self.cluster.send(Method::GET, &path, None).await.body;
        let bundle = &secret["data"]["ca.crt"];
        BASE64.decode(bundle.as_str()?.as_bytes()).is_ok().then(|| bundle.clone())
    }
}

async fn items(cluster: &Cluster, path: &str) -> Vec<Value> {
    cluster.get(path).await["items"].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
