//! An API server made of a map from paths to objects and a log of what happened to them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, Response, Uri};
use futures_util::{StreamExt as _, stream};
use portcullis::cluster::Cluster;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::service_fn;

/// The API server; a clone is the same one.
#[derive(Clone)]
pub(crate) struct Api {
    state: Arc<Mutex<State>>,
    /// Bumped by every change, so that watches look again.
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    log: Vec<Happened>,
    /// Watches from before this version are told that it is gone.
    floor: u64,
    away: bool,
    slow: Duration,
    /// Method and path of every request that was not a watch or a list.
    calls: Vec<String>,
    /// The next write is answered as if somebody had been quicker.
    conflict: bool,
}

#[derive(Clone)]
struct Happened {
    version: u64,
    path: String,
    kind: &'static str,
    object: Value,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Cluster {
        let api = self.clone();
        let service = service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        Cluster::new(service, "default")
    }

    /// Puts an object at `path`.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.change(|state| state.store(path, object));
    }

    /// The objects of a collection, in the order of their paths.
    pub(crate) fn all(&self, collection: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        state
            .objects
            .iter()
            .filter(|(path, _)| is_in(path, collection, None))
            .map(|(_, object)| object.clone())
            .collect()
    }

    pub(crate) fn remove(&self, path: &str) {
        self.change(|state| {
            if let Some(object) = state.objects.remove(path) {
                state.happened(path, "DELETED", object);
            }
        });
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    /// Goes away, or comes back; watches under way end.
    pub(crate) fn away(&self, away: bool) {
        self.change(|state| state.away = away);
    }

    /// Forgets what happened: watches from before have to list again.
    pub(crate) fn forget(&self) {
        self.change(|state| {
            state.log.clear();
            state.version += 10;
            state.floor = state.version;
        });
    }

    /// Answers reads of single objects that late.
    pub(crate) fn slow(&self, slow: Duration) {
        self.state.lock().unwrap().slow = slow;
    }

    /// Lets the next write fail because somebody else was quicker.
    pub(crate) fn conflict(&self) {
        self.state.lock().unwrap().conflict = true;
    }

    /// How many requests there were that start so.
    pub(crate) fn calls(&self, start: &str) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|call| call.starts_with(start)).count()
    }

    /// How many requests changed something.
    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|call| !call.starts_with("GET")).count()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.send_modify(|count| *count += 1);
    }

    async fn answer(self, request: Request<kube::client::Body>) -> Result<Response<Body>, std::io::Error> {
        let (head, body) = request.into_parts();
        let query = |name: &str| query(&head.uri, name);
        let path = head.uri.path().to_owned();
        if self.state.lock().unwrap().away {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        if query("watch").is_some() {
            let from = query("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0);
            return Ok(self.watch(path, query("fieldSelector"), from));
        }
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        if is_collection(&path) && head.method == Method::GET {
            return Ok(answer(200, &self.state.lock().unwrap().list(&path, query("fieldSelector").as_deref())));
        }
        let slow = {
            let mut state = self.state.lock().unwrap();
            state.calls.push(format!("{} {path}", head.method));
            state.slow
        };
        tokio::time::sleep(slow).await;
        let (status, object) = self.state.lock().unwrap().act(&head.method, &path, &body);
        self.changed.send_modify(|count| *count += 1);
        Ok(answer(status, &object))
    }

    fn watch(self, path: String, selector: Option<String>, from: u64) -> Response<Body> {
        if from < self.state.lock().unwrap().floor {
            return answer(410, &status(410, "Expired", "too old resource version"));
        }
        let receiver = self.changed.subscribe();
        let name = selector.map(|selector| selector.replace("metadata.name=", ""));
        let lines = stream::unfold((self, receiver, from), move |(api, mut receiver, from)| {
            let (path, name) = (path.clone(), name.clone());
            async move {
                loop {
                    if api.state.lock().unwrap().away {
                        return None;
                    }
                    receiver.borrow_and_update();
                    let next = api.state.lock().unwrap().after(from, &path, name.as_deref());
                    if let Some(happened) = next {
                        let line = json!({"type": happened.kind, "object": happened.object});
                        return Some((format!("{line}\n"), (api, receiver, happened.version)));
                    }
                    receiver.changed().await.ok()?;
                }
            }
        });
        Response::new(Body::from_stream(lines.map(|line| Ok::<_, Infallible>(Bytes::from(line)))))
    }
}

impl State {
    fn store(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        let name = path.rsplit('/').next().unwrap();
        object["metadata"]["name"] = json!(name);
        object["metadata"]["uid"] = json!(format!("uid-of-{name}"));
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if self.objects.insert(path.to_owned(), object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        self.log.push(Happened { version: self.version, path: path.to_owned(), kind, object });
    }

    fn happened(&mut self, path: &str, kind: &'static str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.log.push(Happened { version: self.version, path: path.to_owned(), kind, object });
    }

    fn after(&self, version: u64, path: &str, name: Option<&str>) -> Option<Happened> {
        let concerned = |happened: &&Happened| happened.version > version && is_in(&happened.path, path, name);
        self.log.iter().find(concerned).cloned()
    }

    fn list(&self, path: &str, selector: Option<&str>) -> Value {
        let name = selector.map(|selector| selector.replace("metadata.name=", ""));
        let items: Vec<&Value> = self
            .objects
            .iter()
            .filter(|(found, _)| is_in(found, path, name.as_deref()))
            .map(|(_, object)| object)
            .collect();
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// The name of an object to be made; one without gets what it may begin with, and a number.
    fn name(&self, metadata: &Value) -> String {
        let given = metadata["name"].as_str().map(str::to_owned);
        given.unwrap_or_else(|| format!("{}{}", metadata["generateName"].as_str().unwrap(), self.version + 1))
    }

    fn act(&mut self, method: &Method, path: &str, body: &[u8]) -> (u16, Value) {
        if *method == Method::GET {
            return self.objects.get(path).map_or_else(|| (404, not_found()), |object| (200, object.clone()));
        }
        if std::mem::take(&mut self.conflict) {
            return (409, status(409, "Conflict", "the object has been modified"));
        }
        let mut sent: Value = serde_json::from_slice(body).unwrap();
        let path = match method {
            &Method::POST => format!("{path}/{}", self.name(&sent["metadata"])),
            _ => path.to_owned(),
        };
        let before = self.objects.get(&path).cloned();
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        match (method, before) {
            (&Method::POST, Some(_)) => return (409, status(409, "AlreadyExists", "it already exists")),
            (&Method::POST, None) => {}
            (_, None) => return (404, not_found()),
            // A merge patch need not name a version.
            (&Method::PATCH, Some(before)) if version(&sent).is_null() => sent = merged(before, &sent),
            (_, Some(before)) if version(&before) != version(&sent) => {
                return (409, status(409, "Conflict", "the object has been modified"));
            }
            (&Method::PATCH, Some(before)) => sent = applied(before, &sent),
            (_, Some(_)) => {}
        }
        self.store(&path, sent);
        (200, self.objects[&path].clone())
    }
}

/// A merge of objects, field by field of the outermost.
fn merged(mut object: Value, patch: &Value) -> Value {
    for (key, value) in patch.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

/// Server-side apply of webhooks, which are told apart by their names.
fn applied(mut object: Value, patch: &Value) -> Value {
    for wanted in patch["webhooks"].as_array().unwrap() {
        let webhooks = object["webhooks"].as_array_mut().unwrap();
        let webhook = webhooks.iter_mut().find(|webhook| webhook["name"] == wanted["name"]).unwrap();
        webhook["clientConfig"]["caBundle"] = wanted["clientConfig"]["caBundle"].clone();
    }
    object
}

fn is_collection(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap();
    ["secrets", "namespaces", "endpointslices"].contains(&last) || last.ends_with("webhookconfigurations")
}

fn is_in(path: &str, collection: &str, name: Option<&str>) -> bool {
    path.strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|found| !found.contains('/') && name.is_none_or(|name| name == found))
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.replace("%3D", "=")).next()
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap()
}

fn not_found() -> Value {
    status(404, "NotFound", "not found")
}

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}
