//! Namespaces: known by watch, looked up when new, and remembered while the API server is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::admission::FactSource;
use portcullis::cluster::namespaces::Namespaces;
use portcullis::engine::scope::NamespaceFact;
use portcullis::observe::Observe;
use portcullis::observe::log::{Format, Log};
use serde_json::json;

use super::api::Api;
use crate::wait::{eventually, within};

struct Watched {
    api: Api,
    namespaces: Arc<Namespaces>,
    observe: Arc<Observe>,
}

async fn watched() -> Watched {
    let api = Api::new();
    put(&api, "team-a", "prod");
    let observe = Observe::new(Log::to(Format::Json, Box::new(std::io::sink()))).unwrap();
    let namespaces = Namespaces::watch(&api.client(), Arc::clone(&observe));
    within(namespaces.listed()).await;
    Watched { api, namespaces, observe }
}

fn put(api: &Api, name: &str, tier: &str) {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": {"tier": tier}}});
    api.put(&format!("/api/v1/namespaces/{name}"), object);
}

impl Watched {
    /// The label, if the namespace is known.
    fn tier(&self, name: &str) -> Option<String> {
        match self.namespaces.namespace(name) {
            NamespaceFact::Known { labels, .. } => labels.get("tier").cloned(),
            NamespaceFact::Unknown(_) => None,
        }
    }

    fn why(&self, name: &str) -> String {
        match self.namespaces.namespace(name) {
            NamespaceFact::Known { labels, .. } => panic!("{name} is known: {labels:?}"),
            NamespaceFact::Unknown(why) => why,
        }
    }

    /// Does what a request does before it is decided; whether it had to ask.
    async fn look_up(&self, name: &str) -> bool {
        match self.namespaces.lookup(name.to_owned()) {
            Some(lookup) => {
                within(lookup).await;
                true
            }
            None => false,
        }
    }

    fn metrics(&self) -> String {
        self.observe.metrics().render().unwrap()
    }
}

#[tokio::test]
async fn labels_follow_the_watch_without_a_call_for_any_request() {
    let watched = watched().await;
    assert_eq!(watched.tier("team-a").as_deref(), Some("prod"));
    put(&watched.api, "team-a", "sandbox");
    put(&watched.api, "team-b", "prod");
    eventually(|| watched.tier("team-a").as_deref() == Some("sandbox") && watched.tier("team-b").is_some()).await;
    assert!(!watched.look_up("team-a").await, "what is known is not asked for");
    watched.api.remove("/api/v1/namespaces/team-b");
    eventually(|| watched.tier("team-b").is_none()).await;
    assert_eq!(watched.api.calls("GET"), 0);
    assert!(watched.metrics().contains("portcullis_watch_objects{resource=\"namespaces\"} 1"));
}

#[tokio::test]
async fn decisions_go_on_from_memory_while_the_api_server_is_away() {
    let watched = watched().await;
    watched.api.away(true);
    eventually(|| watched.metrics().contains("portcullis_watch_errors_total{resource=\"namespaces\"} 2")).await;
    assert_eq!(watched.tier("team-a").as_deref(), Some("prod"));
    let asked = Instant::now();
    assert!(watched.look_up("team-new").await);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert!(watched.why("team-new").contains("not known"), "{}", watched.why("team-new"));
    put(&watched.api, "team-new", "prod");
    watched.api.away(false);
    eventually(|| watched.tier("team-new").is_some()).await;
}

#[tokio::test]
async fn a_watch_whose_place_is_forgotten_lists_again() {
    let watched = watched().await;
    put(&watched.api, "team-b", "prod");
    eventually(|| watched.tier("team-b").is_some()).await;
    watched.api.away(true);
    eventually(|| watched.metrics().contains("portcullis_watch_errors_total{resource=\"namespaces\"} 1")).await;
    watched.api.remove("/api/v1/namespaces/team-b");
    watched.api.forget();
    watched.api.away(false);
    eventually(|| watched.tier("team-b").is_none()).await;
    assert_eq!(watched.tier("team-a").as_deref(), Some("prod"));
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_asked_for_once_in_a_while() {
    let watched = watched().await;
    for _ in 0..50 {
        watched.look_up("nowhere").await;
    }
    assert_eq!(watched.api.calls("GET /api/v1/namespaces/nowhere"), 1);
    assert!(watched.why("nowhere").ends_with("the API server knows no such namespace"));
    assert!(watched.metrics().contains("portcullis_namespace_lookups_total{result=\"absent\"} 1"));
}

#[tokio::test]
async fn requests_of_one_new_namespace_share_few_calls_and_a_slow_answer_costs_little() {
    let watched = watched().await;
    watched.api.slow(Duration::from_secs(20));
    let started = Instant::now();
    let all: Vec<_> = (0..100).map(|_| watched.look_up("team-late")).collect();
    futures_util::future::join_all(all).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(watched.api.calls("GET /api/v1/namespaces/team-late") <= 4);
    assert!(watched.why("team-late").contains("did not answer in time"));
}

#[tokio::test]
async fn what_is_no_name_becomes_no_path() {
    let watched = watched().await;
    for name in ["", "../secrets/x", "a/b", "A", "a?watch=1"] {
        assert!(!watched.look_up(name).await, "{name}");
        assert!(watched.why(name).contains("not known"));
    }
    assert_eq!(watched.api.calls("GET"), 0);
}
