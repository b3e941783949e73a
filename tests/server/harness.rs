//! A server on free ports around a decision that does as the body says.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use portcullis::admission::{Admit, Outcome, Record, Reply, Webhook};
use portcullis::observe::Observe;
use portcullis::observe::log::{Format, Log};
use portcullis::server::certificate::{Certificates, Source};
use portcullis::server::config::Config;
use portcullis::server::drain::Lifecycle;
use portcullis::server::listen::Listeners;
use portcullis::server::readiness::Readiness;
use portcullis::server::{Parts, ServeError, Served, serve};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::Serves;
use crate::wait::within;

/// A running server and everything it was made of.
pub(crate) struct Server {
    pub(crate) webhook: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) parts: Parts,
    pub(crate) gate: Arc<Gate>,
    pub(crate) log: Kept,
    task: JoinHandle<Result<Served, ServeError>>,
}

/// Starts a server after `change` of the defaults.
pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Server {
    start_with(Source::Ephemeral { names: Vec::new() }, change).await
}

/// Starts a server with a certificate from `source`.
pub(crate) async fn start_with(source: Source, change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config {
        webhook_address: SocketAddr::from(([127, 0, 0, 1], 0)),
        operations_address: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..Config::default()
    };
    change(&mut config);
    let (gate, log, lifecycle) = (Arc::<Gate>::default(), Kept::default(), Lifecycle::default());
    let parts = Parts {
        admission: Arc::new(Fake(Arc::clone(&gate))),
        certificates: Certificates::load(source).unwrap(),
        observe: Observe::new(Log::to(Format::Json, Box::new(log.clone()))).unwrap(),
        readiness: Arc::new(Readiness::new(lifecycle.clone())),
        lifecycle,
    };
    let listeners = Listeners::bind(&config).unwrap();
    let (webhook, operations) = (listeners.webhook_address(), listeners.operations_address());
    let task = tokio::spawn({
        let parts = parts.clone();
        async move { serve(listeners, &config, parts).await }
    });
    Server { webhook, operations, parts, gate, log, task }
}

impl Serves for Server {
    fn webhook(&self) -> SocketAddr {
        self.webhook
    }

    fn operations(&self) -> SocketAddr {
        self.operations
    }
}

impl Server {
    /// The metrics as a scraper reads them.
    pub(crate) fn metrics(&self) -> String {
        self.parts.observe.metrics().render().unwrap()
    }

    /// Waits for the server's end, without asking for it.
    pub(crate) async fn ended(self) -> Served {
        within(self.task).await.unwrap().unwrap()
    }
}

/// Holds decisions until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    /// Lets all go that wait or will wait.
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().0 = true;
        self.changed.notify_all();
    }

    /// How many decisions wait or have waited.
    pub(crate) fn arrived(&self) -> usize {
        self.state.lock().unwrap().1
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        drop(self.changed.wait_timeout_while(state, Duration::from_secs(40), |state| !state.0).unwrap());
    }
}

/// Echoes the uid and the budget; `do` in the body makes it panic or wait at the gate.
struct Fake(Arc<Gate>);

impl Admit for Fake {
    fn admit(&self, webhook: Webhook, body: &[u8], budget: Duration) -> Reply {
        let Ok(review) = serde_json::from_slice::<Value>(body) else {
            return Reply { status: 400, body: b"not JSON".to_vec(), record: None };
        };
        match review["do"].as_str() {
            Some("panic") => panic!("secret payload"),
            Some("wait") => self.0.pass(),
            _ => {}
        }
        let uid = review["request"]["uid"].as_str().unwrap_or_default();
        let answer = json!({
            "response": { "uid": uid },
            "webhook": format!("{webhook:?}"),
            "budget_ms": u64::try_from(budget.as_millis()).unwrap(),
        });
        Reply { status: 200, body: answer.to_string().into_bytes(), record: Some(record(webhook, uid)) }
    }

    fn refuse_oversize(&self, webhook: Webhook, prefix: &[u8], limit: usize) -> Reply {
        let text = String::from_utf8_lossy(prefix);
        match text.split("\"uid\":\"").nth(1).and_then(|rest| rest.split('"').next()) {
            Some(uid) => {
                let answer = json!({"response": {"uid": uid}, "limit": limit, "prefix": prefix.len()});
                Reply { status: 200, body: answer.to_string().into_bytes(), record: Some(record(webhook, uid)) }
            }
            None => Reply { status: 413, body: b"too large".to_vec(), record: None },
        }
    }
}

fn record(webhook: Webhook, uid: &str) -> Record {
    Record {
        webhook,
        uid: uid.to_owned(),
        kind: "v1/Pod".to_owned(),
        sub_resource: String::new(),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        operation: "CREATE",
        user: "jane\n{\"event\":\"forged\"}".to_owned(),
        dry_run: false,
        outcome: Outcome::Allow,
        revision: Arc::from("abc"),
        policies: Vec::new(),
        subject: None,
        took: Duration::from_micros(50),
    }
}

/// A review that asks the fake for `act`, padded to at least `size` bytes.
pub(crate) fn review(uid: &str, act: &str, size: usize) -> Vec<u8> {
    let start = format!(r#"{{"request":{{"uid":"{uid}"}},"do":"{act}","pad":""#);
    let pad = size.saturating_sub(start.len() + 2);
    let mut body = start.into_bytes();
    body.resize(body.len() + pad, b'x');
    body.extend_from_slice(b"\"}");
    body
}

/// A log that can be read.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// Every line so far, each of which must be JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines about `event`.
    pub(crate) fn about(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
