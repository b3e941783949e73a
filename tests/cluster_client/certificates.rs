//! Certificates in a Secret: replicas that share one, and leave the cluster alone when nothing is due.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use portcullis::admission::{Gate, NoCluster};
use portcullis::certificate::read::{Certificate, read_all};
use portcullis::cluster::certificates::{Settings, keep};
use portcullis::observe::Observe;
use portcullis::observe::log::{Format, Log};
use portcullis::server::Parts;
use portcullis::server::certificate::{Certificates, Source};
use portcullis::server::drain::Lifecycle;
use portcullis::server::readiness::Readiness;
use portcullis::source::Location;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::Api;
use crate::wait::eventually;

const SECRET: &str = "/api/v1/namespaces/platform/secrets/portcullis-tls";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/platform/leases/portcullis-certificates";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";

fn replica(api: &Api, name: &str) -> Parts {
    let lifecycle = Lifecycle::default();
    let set = Location::default().load().unwrap().set;
    let parts = Parts {
        admission: Arc::new(Gate::new(set, Box::new(NoCluster), Duration::from_secs(5))),
        certificates: Certificates::load(Source::Ephemeral { names: Vec::new() }).unwrap(),
        observe: Observe::new(Log::to(Format::Json, Box::new(std::io::sink()))).unwrap(),
        readiness: Arc::new(Readiness::new(lifecycle.clone())),
        lifecycle,
    };
    let settings = Settings {
        namespace: "platform".to_owned(),
        service: "portcullis".to_owned(),
        secret: "portcullis-tls".to_owned(),
        lease: "portcullis-certificates".to_owned(),
        configurations: vec!["a-portcullis".to_owned()],
        replica: name.to_owned(),
        authority_lifetime: Duration::from_hours(24 * 3650),
        serving_lifetime: Duration::from_hours(24 * 365),
    };
    keep(api.client(), settings, parts.clone());
    parts
}

fn configure(api: &Api) {
    for (kind, resource) in [("Validating", "validating"), ("Mutating", "mutating")] {
        let webhook = |name: &str| {
            json!({"name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
                   "clientConfig": {"service": {"namespace": "platform", "name": "portcullis"}}})
        };
        let object = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": format!("{kind}WebhookConfiguration"),
            "metadata": {"labels": {"owner": "chart"}},
            "webhooks": [webhook("pods.portcullis.dev"), webhook("others.portcullis.dev")],
        });
        api.put(&format!("{CONFIGURATIONS}/{resource}webhookconfigurations/a-portcullis"), object);
    }
}

/// What the Secret holds under a key, as certificates.
fn kept(api: &Api, key: &str) -> Vec<Certificate> {
    let text = api.get(SECRET).and_then(|secret| secret["data"][key].as_str().map(str::to_owned)).unwrap_or_default();
    read_all(&BASE64.decode(text.as_bytes()).unwrap()).unwrap()
}

/// Every webhook's bundle, as certificates.
fn bundles(api: &Api) -> Vec<Vec<Certificate>> {
    let of = |resource: &str| {
        let found = api.get(&format!("{CONFIGURATIONS}/{resource}webhookconfigurations/a-portcullis"));
        let webhooks = found.map(|found| found["webhooks"].as_array().cloned().unwrap()).unwrap_or_default();
        webhooks.into_iter().map(|webhook| {
            let text = webhook["clientConfig"]["caBundle"].as_str().unwrap_or_default().to_owned();
            read_all(&BASE64.decode(text.as_bytes()).unwrap()).unwrap()
        })
    };
    of("validating").chain(of("mutating")).collect()
}

fn serves(replica: &Parts, api: &Api) -> bool {
    kept(api, "tls.crt").first().is_some_and(|leaf| replica.certificates.leaf().as_ref() == Some(leaf.der()))
}

fn is_trusted(api: &Api) -> bool {
    let authorities = kept(api, "ca.crt");
    let bundles = bundles(api);
    !authorities.is_empty() && bundles.len() == 4 && bundles.iter().all(|bundle| *bundle == authorities)
}

fn free(api: &Api) -> bool {
    api.get(LEASE).is_some_and(|lease| lease["spec"]["holderIdentity"] == "")
}

/// Waits until nobody has anything left to do.
async fn rest(api: &Api, replicas: &[Parts]) {
    eventually(|| is_trusted(api) && free(api) && replicas.iter().all(|replica| serves(replica, api))).await;
    let mut before = 0;
    while std::mem::replace(&mut before, api.writes()) != before || before == 0 {
        sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_one_authority_and_write_nothing_at_rest() {
    let api = Api::new();
    configure(&api);
    let replicas: Vec<Parts> = ["one", "two", "three"].map(|name| replica(&api, name)).into();
    rest(&api, &replicas).await;
    assert_eq!(kept(&api, "ca.crt").len(), 1);
    // Made, and filled: no replica wrote over another.
    assert_eq!((api.calls(&format!("POST {}", SECRET.rsplit_once('/').unwrap().0)), api.calls("PUT /api/v1")), (1, 1));
    assert_eq!(api.calls("PATCH"), 2);
    let writes = api.writes();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(api.writes(), writes);
    for replica in &replicas {
        let report = replica.readiness.report().lines;
        assert!(report.contains("[+]certificate ok\n") && report.contains("[+]certificate-authority ok: valid until"));
        assert!(replica.observe.metrics().render().unwrap().contains("timestamp_seconds{certificate=\"authority\"}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_later_serves_what_is_there_and_writes_nothing() {
    let api = Api::new();
    configure(&api);
    let first = [replica(&api, "one")];
    rest(&api, &first).await;
    let writes = api.writes();
    api.away(true);
    let second = replica(&api, "two");
    let lines = second.readiness.report().lines;
    assert!(lines.contains("[-]certificate failed: Secret platform/portcullis-tls holds no serving"), "{lines}");
    api.away(false);
    eventually(|| serves(&second, &api)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(api.writes(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_somebody_changed_is_put_right_and_nothing_else_touched() {
    let api = Api::new();
    configure(&api);
    let replicas = [replica(&api, "one")];
    rest(&api, &replicas).await;
    configure(&api);
    assert!(!is_trusted(&api));
    rest(&api, &replicas).await;
    let found = api.get(&format!("{CONFIGURATIONS}/validatingwebhookconfigurations/a-portcullis")).unwrap();
    assert_eq!(
        (&found["metadata"]["labels"]["owner"], &found["webhooks"][0]["failurePolicy"]),
        (&json!("chart"), &json!("Fail"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_looked_at_again() {
    let api = Api::new();
    api.conflict();
    configure(&api);
    let replicas = [replica(&api, "one")];
    rest(&api, &replicas).await;
    assert_eq!(kept(&api, "ca.crt").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_of_another_is_left_alone_while_he_renews_it() {
    let api = Api::new();
    configure(&api);
    let lease = |renewed: u32| {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {},
               "spec": {"holderIdentity": "other", "leaseDurationSeconds": 2,
                        "renewTime": format!("1999-01-01T00:00:0{renewed}.000000Z")}})
    };
    api.put(LEASE, lease(0));
    let replicas = [replica(&api, "one")];
    for renewed in 1..5 {
        sleep(Duration::from_millis(700)).await;
        assert_eq!(api.get(SECRET), None);
        api.put(LEASE, lease(renewed));
    }
    // Silent from now on, whatever his clock says.
    rest(&api, &replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_in_force_outlives_its_secret_and_the_api_server() {
    let api = Api::new();
    configure(&api);
    let replicas = [replica(&api, "one")];
    rest(&api, &replicas).await;
    let leaf = replicas[0].certificates.leaf();
    api.away(true);
    sleep(Duration::from_millis(300)).await;
    api.put(SECRET, json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"tls.crt": "AAAA"}}));
    sleep(Duration::from_millis(300)).await;
    assert_eq!(replicas[0].certificates.leaf(), leaf);
    api.away(false);
    // The garbage is replaced; the authority that signed what is served is trusted until the new one is known.
    eventually(|| {
        let bundles: Vec<usize> = bundles(&api).iter().map(Vec::len).collect();
        bundles == [2; 4] && kept(&api, "ca.crt").len() == 2
    })
    .await;
    assert_eq!(replicas[0].certificates.leaf(), leaf);
    assert!(replicas[0].readiness.report().lines.contains("[-]reload failed: certificate: Secret platform/"));
}

#[test]
fn the_api_server_of_these_tests_refuses_what_was_changed_meanwhile() {
    let api = Api::new();
    api.put("/a/secrets/b", Value::Object(serde_json::Map::new()));
    assert_eq!(api.get("/a/secrets/b").unwrap()["metadata"]["resourceVersion"], "1");
}
