//! The server started with nothing but ports.

use crate::client::{Client, Serves};
use crate::process::Process;
use crate::review::EXAMPLE;
use data_encoding::BASE64;

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

#[tokio::test]
async fn denies_the_example_by_the_shipped_policies() {
    let server = Process::start(&[]).await;
    let answer = Client::connect(&server).await.post("/validate", EXAMPLE).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.uid(), UID);
    let response = &answer.json()["response"];
    assert_eq!(response["allowed"], false);
    assert_eq!((&response["status"]["code"], &response["status"]["reason"]), (&403.into(), &"Forbidden".into()));
    let message = response["status"]["message"].as_str().unwrap();
    let what = "require_non_root: container \"web\": runAsNonRoot is set neither here nor for the Pod";
    assert!(message.contains(what) && message.contains("fix: set "), "{message}");
    assert!(message.len() <= 1_000);
    let warnings = response["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("livenessProbe")), "{warnings:?}");
}

#[tokio::test]
async fn mutation_hardens_and_has_no_patch_where_nothing_mutates() {
    let server = Process::start(&[]).await;
    let answer = Client::connect(&server).await.post("/mutate", EXAMPLE).await;
    assert_eq!((answer.status, answer.uid().as_str()), (200, UID));
    let response = &answer.json()["response"];
    assert_eq!((&response["allowed"], &response["patchType"]), (&true.into(), &"JSONPatch".into()));
    assert_eq!(response["auditAnnotations"]["mutated-by"], "harden_security_context");
    let patch = BASE64.decode(response["patch"].as_str().unwrap().as_bytes()).unwrap();
    assert!(String::from_utf8(patch).unwrap().contains("/spec/containers/0/securityContext"));
    let baseline = Process::start(&["--profile", "baseline"]).await;
    let answer = Client::connect(&baseline).await.post("/mutate", EXAMPLE).await;
    let response = &answer.json()["response"];
    assert_eq!(response["allowed"], true);
    for absent in ["patch", "patchType", "status"] {
        assert!(response.get(absent).is_none(), "{response}");
    }
}

#[tokio::test]
async fn tells_its_addresses_health_and_metrics() {
    let server = Process::start(&[]).await;
    let started = server.told("started", 1).await;
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(started["webhook_address"], server.webhook().to_string());
    assert_eq!(started["level"], "info");
    assert!(started["policies"].as_u64().unwrap() >= 3, "{started}");
    let revision = started["revision"].as_str().unwrap();
    let mut operations = Client::operations(&server).await;
    let answer = operations.get("/healthz").await;
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    ready(&server).await;
    let verbose = operations.get("/readyz?verbose").await;
    let is_certificate = |line: &&str| line.starts_with("[+]certificate-serving ok: valid until 2");
    assert_eq!(verbose.text().lines().filter(is_certificate).count(), 1, "{}", verbose.text());
    assert_eq!(
        verbose.text().split_inclusive('\n').filter(|line| !is_certificate(line)).collect::<String>(),
        format!("[+]policies ok: revision {revision}\n[+]tls ok\n[+]draining ok\n[+]reload ok\nreadyz check passed\n")
    );
    let metrics = operations.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let info = format!("portcullis_policy_set_info{{revision=\"{revision}\"}} 1\n");
    assert!(metrics.text().contains(&info), "{}", metrics.text());
}

/// Waits until the server says that it is ready.
pub(super) async fn ready(server: &Process) {
    let mut kubelet = Client::operations(server).await;
    loop {
        let answer = kubelet.get("/readyz").await;
        if answer.status == 200 {
            return;
        }
        assert!(answer.text().contains("[-]tls failed"), "{}", answer.text());
    }
}
