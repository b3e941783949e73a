//! What is known of Namespaces: labels and annotations of each, kept up to date by a watch of their metadata. A request
//! is answered from memory, and goes on being while the API server is away.
//!
//! A Namespace made a moment ago may be under review before the watch tells of it. It is then looked up once, in little
//! time; one that is not found is not asked for again for a while.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::watch::{all, follow};
use super::{Call as _, Cluster};
use crate::admission::{FactSource, Lookup};
use crate::engine::pattern::Labels;
use crate::engine::scope::NamespaceFact;
use crate::observe::Observe;
use crate::observe::cluster::Sought;

/// The resource's name in metrics and log.
pub const RESOURCE: &str = "namespaces";

/// Memory for all labels and annotations, in bytes. A Namespace has some 300; a cluster has thousands at most.
const MEMORY: usize = 64 << 20;

/// The longest that a request waits for a lookup, its turn included.
const LOOKUP: Duration = Duration::from_millis(250);

/// Lookups at a time.
const LOOKUPS: usize = 4;

/// How long a lookup's answer is believed; the watch has told of it long before.
const FOUND: Duration = Duration::from_secs(10);
const ABSENT: Duration = Duration::from_secs(5);
const FAILED: Duration = Duration::from_secs(1);

/// Answers of lookups kept at a time.
const KEPT: usize = 1_024;

type Meta = PartialObjectMeta<Namespace>;

/// The Namespaces of a cluster.
pub struct Namespaces {
    api: Api<Meta>,
    observe: Arc<Observe>,
    known: RwLock<Known>,
    answers: Mutex<BTreeMap<String, Answer>>,
    turns: Semaphore,
    listed: watch::Sender<bool>,
}

/// Of one Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    labels: Labels,
    annotations: Labels,
}

/// What the watch told.
#[derive(Debug, Default)]
struct Known {
    facts: HashMap<String, Facts>,
    bytes: usize,
    /// A list under way, which takes the place of `facts` when it is complete.
    coming: HashMap<String, Facts>,
    coming_bytes: usize,
}

/// What a lookup told, and until when that counts.
#[derive(Debug)]
struct Answer {
    facts: Option<Facts>,
    why: String,
    until: Instant,
}

impl Namespaces {
    /// Watches from now on, for as long as the runtime lives.
    pub fn watch(cluster: &Cluster, observe: Arc<Observe>) -> Arc<Self> {
        let namespaces = Arc::new(Self {
            api: Api::all(cluster.clone()),
            observe: Arc::clone(&observe),
            known: RwLock::default(),
            answers: Mutex::default(),
            turns: Semaphore::new(LOOKUPS),
            listed: watch::Sender::new(false),
        });
        let (api, told) = (namespaces.api.clone(), Arc::clone(&namespaces));
        tokio::spawn(follow(api, all(), RESOURCE, observe, move |event| told.take(event)));
        namespaces
    }

    /// Waits until they have been listed for the first time.
    pub async fn listed(&self) {
        // The sender lives as long as `self`.
        let _ = self.listed.subscribe().wait_for(|listed| *listed).await;
    }

    /// How many are known.
    pub fn count(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).facts.len()
    }

    fn take(&self, event: Event<Meta>) {
        let is_complete = matches!(event, Event::InitDone);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => known.begin(),
            Event::InitApply(object) => known.coming(object.metadata),
            Event::InitDone => known.complete(),
            Event::Apply(object) => known.put(object.metadata),
            Event::Delete(object) => known.remove(object.metadata.name.as_deref().unwrap_or_default()),
        }
        let count = known.facts.len();
        drop(known);
        self.observe.metrics().cluster().kept(RESOURCE, count);
        self.listed.send_if_modified(|listed| is_complete && !std::mem::replace(listed, true));
    }

    /// Asks the API server for one that is not known, within a bounded time and number.
    async fn look_up(&self, name: &str) {
        let sought = if let Ok(sought) = timeout(LOOKUP, self.ask(name)).await {
            sought
        } else {
            self.answered(name, None, "the API server did not answer in time".to_owned(), FAILED);
            Some(Sought::Failed)
        };
        if let Some(sought) = sought {
            self.observe.metrics().cluster().sought(sought);
        }
    }

    async fn ask(&self, name: &str) -> Option<Sought> {
        let _turn = self.turns.acquire().await.ok()?;
        // Whoever had the turn before may have asked the same.
        if !self.is_to_be_asked_for(name) {
            return None;
        }
        Some(match self.api.get_opt(name).call("look the namespace up").await {
            Ok(Some(object)) => {
                self.answered(name, Some(Facts::of(object.metadata)), String::new(), FOUND);
                Sought::Found
            }
            Ok(None) => {
                self.answered(name, None, "the API server knows no such namespace".to_owned(), ABSENT);
                Sought::Absent
            }
            Err(error) => {
                self.answered(name, None, error.to_string(), FAILED);
                Sought::Failed
            }
        })
    }

    fn answered(&self, name: &str, facts: Option<Facts>, why: String, time: Duration) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if answers.len() >= KEPT {
            answers.retain(|_, answer| answer.until > now);
        }
        if answers.len() >= KEPT {
            answers.clear();
        }
        answers.insert(name.to_owned(), Answer { facts, why, until: now + time });
    }

    fn is_to_be_asked_for(&self, name: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.facts.contains_key(name) {
            return false;
        }
        drop(known);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(name).is_none_or(|answer| answer.until <= Instant::now())
    }
}

impl FactSource for Namespaces {
    fn namespace(&self, name: &str) -> NamespaceFact {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = known.facts.get(name) {
            return facts.clone().into();
        }
        drop(known);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(name).filter(|answer| answer.until > Instant::now()) {
            Some(Answer { facts: Some(facts), .. }) => facts.clone().into(),
            Some(Answer { why, .. }) => NamespaceFact::Unknown(unknown(name, why)),
            None => NamespaceFact::Unknown(unknown(name, "the watch has not told of it")),
        }
    }

    fn lookup(&self, name: String) -> Option<Lookup<'_>> {
        let needed = is_name(&name) && self.is_to_be_asked_for(&name);
        needed.then(|| -> Lookup<'_> { Box::pin(async move { self.look_up(&name).await }) })
    }

    fn looks_up(&self) -> bool {
        true
    }
}

fn unknown(name: &str, why: &str) -> String {
    format!("the labels of namespace {name:?} are not known: {why}")
}

/// A DNS label: what else a review says becomes no part of a path.
pub(super) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl From<Facts> for NamespaceFact {
    fn from(facts: Facts) -> Self {
        Self::Known { labels: facts.labels, annotations: facts.annotations }
    }
}

impl Facts {
    fn of(metadata: ObjectMeta) -> Self {
        Self { labels: metadata.labels.unwrap_or_default(), annotations: metadata.annotations.unwrap_or_default() }
    }

    /// What it takes in memory, roughly.
    fn bytes(&self, name: &str) -> usize {
        let pairs = self.labels.iter().chain(&self.annotations);
        pairs.map(|(key, value)| key.len() + value.len() + 64).sum::<usize>() + name.len() + 128
    }
}

impl Known {
    fn begin(&mut self) {
        self.coming = HashMap::new();
        self.coming_bytes = 0;
    }

    fn coming(&mut self, metadata: ObjectMeta) {
        let Some(name) = metadata.name.clone() else { return };
        let facts = Facts::of(metadata);
        let bytes = facts.bytes(&name);
        // Past the bound a Namespace is unknown, which is looked up and never taken for one without labels.
        if self.coming_bytes + bytes <= MEMORY {
            self.coming_bytes += bytes;
            self.coming.insert(name, facts);
        }
    }

    fn complete(&mut self) {
        self.facts = std::mem::take(&mut self.coming);
        self.bytes = std::mem::take(&mut self.coming_bytes);
    }

    fn put(&mut self, metadata: ObjectMeta) {
        let Some(name) = metadata.name.clone() else { return };
        self.remove(&name);
        let facts = Facts::of(metadata);
        let bytes = facts.bytes(&name);
        if self.bytes + bytes <= MEMORY {
            self.bytes += bytes;
            self.facts.insert(name, facts);
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(facts) = self.facts.remove(name) {
            self.bytes = self.bytes.saturating_sub(facts.bytes(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, label: &str) -> ObjectMeta {
        let labels = Some(BTreeMap::from([("tier".to_owned(), label.to_owned())]));
        ObjectMeta { name: Some(name.to_owned()), labels, ..ObjectMeta::default() }
    }

    #[test]
    fn a_list_takes_effect_when_it_is_complete() {
        let mut known = Known::default();
        known.put(metadata("old", "a"));
        known.begin();
        known.coming(metadata("new", "b"));
        assert!(known.facts.contains_key("old") && !known.facts.contains_key("new"));
        known.complete();
        assert!(!known.facts.contains_key("old") && known.facts.contains_key("new"));
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let mut known = Known::default();
        let large = "x".repeat(MEMORY / 3);
        for name in ["a", "b", "c"] {
            known.put(metadata(name, &large));
        }
        assert_eq!(known.facts.len(), 2, "the third is unknown rather than without labels");
        known.put(metadata("a", "small"));
        known.put(metadata("c", &large));
        assert_eq!(known.facts.len(), 3);
        for name in ["a", "b", "c", "c"] {
            known.remove(name);
        }
        assert_eq!(known.bytes, 0);
    }

    #[test]
    fn only_a_dns_label_is_asked_for() {
        for (name, expected) in [
            ("team-a", true),
            ("a", true),
            (&*"a".repeat(63), true),
            (&*"a".repeat(64), false),
            ("", false),
            ("../secrets", false),
            ("a/b", false),
            ("a?b", false),
            ("A", false),
            ("é", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
