//! Everything that talks to the API server, and the only code that names its client: Namespaces by watch, certificates
//! kept in a Secret, Events about what was refused, webhook configurations. Nothing of it runs unless a cluster is asked for.

pub mod certificates;
pub mod events;
mod lease;
pub mod namespaces;
pub mod secret;
mod watch;
pub mod webhook;

use std::future::Future;
use std::time::Duration;

use kube::{Client, Config};
use thiserror::Error;
use tokio::time::timeout;

/// A connection to the API server.
pub use kube::Client as Cluster;

/// How long one call to the API server may take; watches are not calls.
const CALL: Duration = Duration::from_secs(10);

/// How long to wait for the API server to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// It is not known how to reach an API server.
#[derive(Debug, Error)]
#[error("find the API server: {0}; run in a Pod with a service account token, or set KUBECONFIG")]
pub struct ConnectError(String);

/// A call to the API server failed.
#[derive(Debug, Error)]
pub enum CallError {
    /// It answered with an error.
    #[error("{what}: {}", answered(why))]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        why: Box<kube::Error>,
    },
    /// It did not answer.
    #[error("{what}: the API server did not answer within {} s", CALL.as_secs())]
    Late {
        /// What was asked for.
        what: &'static str,
    },
}

/// The API server of the Pod's service account, or of `KUBECONFIG`. Nothing is sent yet, so that a server may start
/// while the API server is away.
pub async fn connect() -> Result<Cluster, ConnectError> {
    let mut config = Config::infer().await.map_err(|error| ConnectError(error.to_string()))?;
    config.connect_timeout = Some(CONNECT);
    Client::try_from(config).map_err(|error| ConnectError(error.to_string()))
}

impl CallError {
    /// Whether somebody else changed the object meanwhile, or made it first.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(409))
    }

    /// The HTTP status that the API server answered with.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { why, .. } => match why.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::Late { .. } => None,
        }
    }
}

/// What an API server's answer says, in its own words; for 401 and 403 with the remedy.
fn answered(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            format!("{}; see that the service account's Role or ClusterRole allows it", status.message)
        }
        kube::Error::Api(status) => status.message.clone(),
        other => chain(other),
    }
}

/// An error and its causes, as one text; the client's own texts name the last one seldom.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// A call with a name and an end.
trait Call<T>: Future<Output = Result<T, kube::Error>> + Sized {
    /// Waits for the answer, not for ever.
    async fn call(self, what: &'static str) -> Result<T, CallError> {
        match timeout(CALL, self).await {
            Ok(answer) => answer.map_err(|why| CallError::Refused { what, why: Box::new(why) }),
            Err(_) => Err(CallError::Late { what }),
        }
    }
}

impl<T, F: Future<Output = Result<T, kube::Error>>> Call<T> for F {}
