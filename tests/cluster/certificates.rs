//! Certificates that others make: a Secret that somebody writes, and cert-manager. The server's own are in `operation.rs`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::{Cluster, eventually};
use super::cert_manager::{CertManager, renew};
use super::chart::{self, GUARD, NAME, install, leftovers, upgrade, webhook};
use super::credentials::{Authority, Pair};
use super::load::Load;
use super::place::inside;
use super::release::{fine, privileged};

/// Load before and after a change.
const MARGIN: Duration = Duration::from_secs(2);

/// The Secret of the one who provides a certificate.
const SECRET: &str = "webhook-tls";

/// What the API server calls the release.
fn service() -> String {
    format!("{NAME}.{GUARD}.svc")
}

/// The SHA-256 of the first certificate that `policy certs inspect` finds.
fn fingerprint(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policy"));
    let output = command.args(["certs", "inspect", "--format", "json"]).args(arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).ok()?;
    report["certificates"][0]["sha256"].as_str().map(str::to_owned)
}

/// Whether every replica shows the certificate of the Secret `name`.
async fn is_served(cluster: &Cluster, name: &str) -> bool {
    let secret = cluster.get(&format!("/api/v1/namespaces/{GUARD}/secrets/{name}")).await;
    let file = cluster.home.join("expected.crt");
    fs::write(&file, BASE64.decode(secret["data"]["tls.crt"].as_str().unwrap().as_bytes()).unwrap()).unwrap();
    let expected = fingerprint(&[file.to_str().unwrap()]);
    assert!(expected.is_some(), "{secret}");
    let pods = chart::pods(cluster).await;
    let address = |pod: &Value| format!("{}:8443", pod["status"]["podIP"].as_str().unwrap());
    !pods.is_empty() && pods.iter().all(|pod| fingerprint(&["--url", &address(pod)]) == expected)
}

/// One Pod is denied, another admitted.
#[track_caller]
fn judges(cluster: &Cluster) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let cluster = cluster.clone();
    async move {
        assert!(cluster.create(&privileged("certain"), "dryRun=All").await.is_denied(), "{caller}");
        assert_eq!(cluster.create(&fine("certain"), "dryRun=All").await.status, 201, "{caller}");
    }
}

async fn provide(cluster: &Cluster, pair: &Pair) {
    let metadata = json!({"name": SECRET, "namespace": GUARD});
    let data = json!({"tls.crt": pair.certificate, "tls.key": pair.key});
    cluster
        .apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls",
            "stringData": data}))
        .await;
}

/// A release that takes its certificate from the Secret, and of which the API server believes `bundle`.
fn provided(bundle: &str) -> Value {
    json!({"certificates": {"source": "provided", "provided": {"secretName": SECRET, "caBundle": bundle}}})
}

#[test]
fn a_provided_certificate_and_its_authority_are_replaced_without_a_failed_admission() {
    inside(async |cluster| {
        chart::uninstall(&cluster, NAME, GUARD).await;
        cluster.namespace(GUARD, json!({})).await;
        let [old, new] = ["the old authority", "the new authority"].map(Authority::new);
        provide(&cluster, &old.sign(&[&service()])).await;
        install(&cluster, &provided(&old.certificate)).await;
        assert_eq!(webhook(&cluster).await["failurePolicy"], "Fail", "the probe has not set it");
        judges(&cluster).await;

        let load = Load::start(&cluster, None);
        sleep(MARGIN).await;
        // As certs/README.md says: both are believed, then the files change, then the old one goes.
        upgrade(&cluster, NAME, GUARD, &provided(&[&*old.certificate, &*new.certificate].concat()));
        provide(&cluster, &new.sign(&[&service()])).await;
        eventually(async || is_served(&cluster, SECRET).await).await;
        upgrade(&cluster, NAME, GUARD, &provided(&new.certificate));
        sleep(MARGIN).await;
        load.finish("a provided certificate replaced, and its authority").await.is_clean();
        judges(&cluster).await;
        chart::uninstall(&cluster, NAME, GUARD).await;
    });
}

#[test]
fn cert_manager_issues_injects_and_renews_without_a_failed_admission() {
    inside(async |cluster| {
        chart::uninstall(&cluster, NAME, GUARD).await;
        let manager = CertManager::start(&cluster).await;
        let values = json!({"certificates": {"source": "cert-manager"}});
        install(&cluster, &values).await;
        assert_eq!(webhook(&cluster).await["failurePolicy"], "Fail", "the probe has not set it");
        judges(&cluster).await;
        let secret = format!("{NAME}-tls");
        assert!(is_served(&cluster, &secret).await);
        let bundle = webhook(&cluster).await["clientConfig"]["caBundle"].clone();

        let load = Load::start(&cluster, None);
        sleep(MARGIN).await;
        let path = format!("/api/v1/namespaces/{GUARD}/secrets/{secret}");
        let before = cluster.get(&path).await["data"]["tls.crt"].clone();
        renew(&cluster, GUARD, NAME).await;
        eventually(async || cluster.get(&path).await["data"]["tls.crt"] != before).await;
        eventually(async || is_served(&cluster, &secret).await).await;
        // An upgrade keeps what the injector wrote.
        upgrade(
            &cluster,
            NAME,
            GUARD,
            &json!({"certificates": values["certificates"], "webhooks": {"validating": {"timeoutSeconds": 4}}}),
        );
        sleep(MARGIN).await;
        load.finish("a certificate of cert-manager renewed").await.is_clean();
        let webhook = webhook(&cluster).await;
        assert_eq!((&webhook["clientConfig"]["caBundle"], &webhook["timeoutSeconds"]), (&bundle, &json!(4)));
        drop(manager);
        chart::uninstall(&cluster, NAME, GUARD).await;
        assert_eq!(leftovers(&cluster).await, [""; 0]);
    });
}

/// The manifests in certs/, for those who do not install the chart.
#[test]
fn cert_manager_takes_the_manifests_of_certs() {
    inside(async |cluster| {
        CertManager::define(&cluster).await;
        cluster.namespace("portcullis", json!({})).await;
        let dry_run = |text: &str| {
            let output = cluster.run("kubectl", &["apply", "--dry-run=server", "--filename", "-"], text);
            let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
            (output.status.success(), said)
        };
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/cert-manager");
        let mut files = 0;
        for entry in fs::read_dir(directory).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let (taken, said) = dry_run(&text);
            assert!(taken && !said.contains("Warning"), "{}: {said}", file.display());
            assert_eq!(said.matches(" created (server dry run)").count(), text.matches("\nkind: ").count(), "{said}");
            let (taken, said) = dry_run(&text.replace("spec:\n", "spec:\n  secretname: misspelt\n"));
            assert!(!taken && said.contains("unknown field \"spec.secretname\""), "{}: {said}", file.display());
            files += 1;
        }
        assert_eq!(files, 2);
    });
}
