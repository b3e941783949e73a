//! Events about refused workloads: whose they are, what they say, and how few there are.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use portcullis::admission::{Admit, Gate, NoCluster, Webhook};
use portcullis::cluster::events::tell;
use portcullis::engine::bundle::Bundle;
use portcullis::engine::config::Config;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::source::Source;
use portcullis::observe::Observe;
use portcullis::observe::log::{Format, Log};
use portcullis::observe::spans::Timing;
use serde_json::{Value, json};

use super::api::Api;
use crate::wait::eventually;

const SHOP: &str = "/apis/events.k8s.io/v1/namespaces/shop/events";
const CREATE: &str = "POST /apis/events.k8s.io/v1/namespaces/shop/events";
const COUNT: &str = "PATCH /apis/events.k8s.io/v1/namespaces/shop/events";

/// What is written to the log.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A gate that denies what is named "bad…", with its refusals told.
struct Server {
    gate: Gate,
    observe: Arc<Observe>,
    log: Kept,
}

impl Server {
    fn start(api: &Api) -> Self {
        let text = "# METADATA\n# title: T\npackage policies.named\n\n\
                    deny contains {\"msg\": sprintf(\"%s is bad\", [input.request.name])} if startswith(input.request.name, \"bad\")\n";
        let bundle = Bundle::read("", vec![Source::new("named.rego", text)]).unwrap();
        let gate =
            Gate::new(PolicySet::new(bundle, Config::default(), &[]), Box::new(NoCluster), Duration::from_secs(5))
                .naming_subjects(true);
        let log = Kept::default();
        let observe = Observe::new(Log::to(Format::Json, Box::new(log.clone()))).unwrap();
        tell(&api.client(), "portcullis-0", &observe);
        Self { gate, observe, log }
    }

    /// Judges the creation of a Pod of a ReplicaSet, as the server does; whether it was refused.
    fn create(&self, namespace: &str, name: &str, controller: &str, dry_run: bool) -> bool {
        let request = json!({
            "uid": "u-1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": name,
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "jane"},
            "dryRun": dry_run,
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "uid": "u-never", "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": controller, "uid": "u-rs", "controller": true,
                }]},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        });
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let reply = self.gate.admit(Webhook::Validate, review.to_string().as_bytes(), Duration::from_secs(5));
        self.observe.admitted(
            &reply.record.unwrap(),
            None,
            Timing { arrived: SystemTime::UNIX_EPOCH, facts: None, decided_from: SystemTime::UNIX_EPOCH },
        );
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        answer["response"]["allowed"] == false
    }

    fn counted(&self, result: &str) -> String {
        let start = format!("portcullis_denial_events_total{{result=\"{result}\"}} ");
        let text = self.observe.metrics().render().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {start} in {text}")).to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_is_told_to_its_controller() {
    let api = Api::new();
    let server = Server::start(&api);
    assert!(server.create("shop", "bad-1", "web-7", false));
    eventually(|| api.calls(CREATE) == 1).await;
    let event = api.all(SHOP).remove(0);
    let regarding =
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7", "namespace": "shop", "uid": "u-rs"});
    for (field, value) in [
        ("type", json!("Warning")),
        ("reason", json!("PolicyDenied")),
        ("action", json!("Admission")),
        ("note", json!("CREATE of Pod bad-1 refused: named: bad-1 is bad")),
        ("reportingController", json!("portcullis.dev/webhook")),
        ("reportingInstance", json!("portcullis-0")),
        ("regarding", regarding),
        ("series", Value::Null),
    ] {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    assert!(event["eventTime"].as_str().unwrap().ends_with('Z') && event["metadata"]["namespace"] == "shop", "{event}");
    eventually(|| server.counted("written") == "1").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_admitted_or_only_tried_or_in_no_namespace_is_not_told() {
    let api = Api::new();
    let server = Server::start(&api);
    assert!(!server.create("shop", "good", "web-7", false));
    assert!(server.create("shop", "bad-1", "web-7", true));
    // Whoever reaches the port chooses neither the path nor whom the server writes to.
    for namespace in ["../../../api/v1/namespaces/shop/pods?x=", "a/b", "Shop", ""] {
        assert!(server.create(namespace, "bad", "web-7", false), "{namespace}");
    }
    assert!(server.create("kube-system", "bad-2", "web-7", false));
    eventually(|| server.counted("written") == "1").await;
    assert_eq!((api.writes(), api.calls(CREATE)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_tries_again_and_again_is_told_by_one_event() {
    let api = Api::new();
    let server = Server::start(&api);
    for number in 0..20 {
        assert!(server.create("shop", &format!("bad-{number}"), "web-7", false));
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    eventually(|| api.all(SHOP).iter().any(|event| event["series"]["count"] == 20)).await;
    let events = api.all(SHOP);
    assert_eq!((events.len(), api.calls(CREATE)), (1, 1));
    assert!(events[0]["series"]["lastObservedTime"].is_string() && events[0]["note"].is_string(), "{events:?}");
    assert!((2..=8).contains(&api.calls(COUNT)), "{} updates in a minute", api.calls(COUNT));
}

#[tokio::test(start_paused = true)]
async fn a_series_whose_event_is_gone_begins_anew() {
    let api = Api::new();
    let server = Server::start(&api);
    assert!(server.create("shop", "bad", "web-7", false));
    eventually(|| api.all(SHOP).len() == 1).await;
    let name = api.all(SHOP)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    api.remove(&format!("{SHOP}/{name}"));
    assert!(server.create("shop", "bad", "web-7", false));
    eventually(|| server.counted("failed") == "1").await;
    assert!(server.create("shop", "bad", "web-7", false));
    eventually(|| api.all(SHOP).len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_not_asked_again_and_the_log_says_so_once() {
    let api = Api::new();
    api.away(true);
    let server = Server::start(&api);
    for number in 0..10 {
        assert!(server.create("shop", "bad", &format!("web-{number}"), false));
    }
    eventually(|| server.counted("failed") == "10").await;
    api.away(false);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(api.writes(), 0);
    let log = String::from_utf8(server.log.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("told by no Event")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("\\\"shop\\\""), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_written_slowly_and_what_is_too_much_is_counted() {
    let api = Api::new();
    let server = Server::start(&api);
    for number in 0..3_000 {
        assert!(server.create("shop", "bad", &format!("web-{number}"), false));
    }
    let dropped: usize = server.counted("dropped").parse().unwrap();
    assert!((2_000..3_000).contains(&dropped), "{dropped} dropped");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let written = api.calls(CREATE);
    assert!((50..=105).contains(&written), "{written} in ten seconds");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(api.calls(CREATE), 3_000 - dropped);
}
