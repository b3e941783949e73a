//! The API server as tests talk to it: paths and JSON, with what typed clients hide, such as warnings.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use hyper::{Method, Request};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::tool::{fed, tool};

/// How long anything in the cluster may take to come true.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long one answer may take: longer than the API server gives a webhook.
const ANSWER: Duration = Duration::from_secs(40);

/// The cluster, by its API.
#[derive(Clone)]
pub(super) struct Cluster {
    /// The directory of its files and logs.
    pub(super) home: PathBuf,
    /// Somebody who may do everything.
    pub(super) client: Client,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) warnings: Vec<String>,
    pub(super) body: Value,
}

impl Answer {
    /// What a Status says; empty for any other object.
    pub(super) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Whether a webhook refused.
    pub(super) fn is_denied(&self) -> bool {
        self.status == 403 && self.message().contains("denied the request")
    }
}

impl Cluster {
    /// The cluster whose files are in `home`.
    pub(super) async fn connect(home: &Path) -> Self {
        // The client's own choice would be undecided where several are compiled in.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let kubeconfig = Kubeconfig::read_from(home.join("kubeconfig")).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Self { home: home.to_owned(), client: Client::try_from(config).unwrap() }
    }

    /// Whether the API server says that it is ready.
    pub(super) async fn is_ready(&self) -> bool {
        self.try_send(Method::GET, "/readyz", None).await.is_ok_and(|answer| answer.status == 200)
    }

    /// Sends a request; an error is one of the connection.
    pub(super) async fn try_send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let patches = method == Method::PATCH;
        let media = if patches { "application/apply-patch+yaml" } else { "application/json" };
        self.exchange(method, path, media, body).await
    }

    async fn exchange(&self, method: Method, path: &str, media: &str, body: Option<&Value>) -> Result<Answer, String> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        let request = request.header("accept", "application/json").body(Body::from(bytes)).unwrap();
        let exchange = async {
            let response = self.client.send(request).await.map_err(|error| format!("{error:?}"))?;
            let (head, body) = response.into_parts();
            let bytes = body.collect_bytes().await.map_err(|error| format!("{error:?}"))?;
            let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            Ok(Answer {
                status: head.status.as_u16(),
                warnings: head.headers.get_all("warning").iter().map(text).collect(),
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            })
        };
        timeout(ANSWER, exchange).await.map_err(|_| format!("no answer within {ANSWER:?}"))?
    }

    /// Sends a request and has an answer, of whatever status.
    #[track_caller]
    pub(super) fn send(&self, method: Method, path: &str, body: Option<&Value>) -> impl Future<Output = Answer> {
        let what = format!("{method} {path}");
        async move { self.try_send(method, path, body).await.unwrap_or_else(|error| panic!("{what}: {error}")) }
    }

    /// The object or list at `path`, which must be there.
    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Asks for `object` to be created; `query` may hold `dryRun=All`.
    pub(super) async fn create(&self, object: &Value, query: &str) -> Answer {
        self.send(Method::POST, &format!("{}?{query}", collection(object)), Some(object)).await
    }

    /// Puts `object` as it is, whether there is one already.
    #[track_caller]
    pub(super) fn apply(&self, object: &Value) -> impl Future<Output = ()> {
        let path = format!("{}?fieldManager=tests&force=true", path(object));
        let object = object.clone();
        async move {
            let answer = self.send(Method::PATCH, &path, Some(&object)).await;
            assert!(answer.status < 300, "{path}: {}", answer.body);
        }
    }

    /// Changes some fields of the object at `path`, by a JSON merge patch.
    pub(super) async fn merge(&self, path: &str, fields: &Value) -> Answer {
        let answer = self.exchange(Method::PATCH, path, "application/merge-patch+json", Some(fields)).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Deletes the object at `path`, if there is one.
    pub(super) async fn delete(&self, path: &str) {
        let answer = self.send(Method::DELETE, path, None).await;
        assert!(answer.status < 300 || answer.status == 404, "{path}: {}", answer.body);
    }

    /// Makes a namespace with `labels` and waits for what Pods in it need.
    pub(super) async fn namespace(&self, name: &str, labels: Value) {
        let metadata = json!({"name": name, "labels": labels});
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})).await;
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        eventually(async || self.send(Method::GET, &account, None).await.status == 200).await;
    }

    /// Runs `kubectl`, or another tool that finds the cluster as it does, on a text.
    pub(super) fn run(&self, name: &str, arguments: &[&str], stdin: &str) -> Output {
        let mut command = tool(name).unwrap();
        // Caches go with the cluster, not into anybody's home.
        command.args(arguments).env("KUBECONFIG", self.home.join("kubeconfig")).env("HOME", &self.home);
        fed(command, stdin.as_bytes())
    }
}

/// Waits until `claim` holds.
#[track_caller]
pub(super) fn eventually(claim: impl AsyncFn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        while !claim().await {
            assert!(Instant::now() < deadline, "never came true: {caller}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Where objects of this one's kind and namespace are.
pub(super) fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().unwrap();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    // Kinds that need another plural are of no concern here.
    let plural = if kind.ends_with('s') || kind.ends_with("ch") { format!("{kind}es") } else { format!("{kind}s") };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

/// Where this object is.
pub(super) fn path(object: &Value) -> String {
    format!("{}/{}", collection(object), object["metadata"]["name"].as_str().unwrap())
}
