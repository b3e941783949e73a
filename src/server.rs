//! The webhook server: sockets, TLS, limits, health and drain around [`crate::admission`].
//!
//! A connection goes through [`listen`], `connection` (with [`tls`], `handshake` and `idle`), `router`, `review`
//! (with `body`, `bounds` and [`timeout`]) and reaches [`Admit`]. `health` stands apart on its own port and thread,
//! and [`drain`] says when it all ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout as within};
use tokio_rustls::TlsAcceptor;

use crate::admission::Admit;
use crate::observe::Observe;
use crate::observe::event::Event;

mod body;
mod bounds;
pub mod certificate;
pub mod clients;
pub mod config;
mod connection;
pub mod drain;
mod handshake;
mod health;
mod idle;
pub mod listen;
pub mod readiness;
mod review;
mod router;
pub mod timeout;
pub mod tls;

use certificate::{CertificateError, Certificates, Validity};
use clients::Clients;
use config::Config;
use connection::Door;
use drain::{Lifecycle, Phase};
use listen::Listeners;
use readiness::Readiness;
use review::Desk;

/// What the server is made of besides its sockets and limits.
#[derive(Clone)]
pub struct Parts {
    /// Decides.
    pub admission: Arc<dyn Admit>,
    /// Proves who we are.
    pub certificates: Arc<Certificates>,
    /// Counts and logs.
    pub observe: Arc<Observe>,
    /// Says whether to send requests.
    pub readiness: Arc<Readiness>,
    /// Says when to end.
    pub lifecycle: Lifecycle,
}

/// The server could not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// TLS could not be set up.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
    /// A handshake with ourselves failed.
    #[error("shake hands with the certificate in force")]
    Handshake(#[source] io::Error),
    /// The thread for health and metrics could not start.
    #[error("start the thread for health and metrics")]
    Operations(#[source] io::Error),
}

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Whether everything in flight was finished, or else cut.
    pub finished: bool,
}

/// Serves until `parts.lifecycle` says stop and what was in flight is done.
pub async fn serve(listeners: Listeners, config: &Config, parts: Parts) -> Result<Served, ServeError> {
    let tls = tls::server_config(Arc::clone(&parts.certificates), config.minimum_tls, config.clients.clone())?;
    // With ourselves we shake hands as a client without a name.
    let proof = tls::server_config(Arc::clone(&parts.certificates), config.minimum_tls, None)?;
    let operations = health::router(Arc::clone(&parts.readiness), Arc::clone(&parts.observe));
    let operations =
        health::serve(listeners.operations, operations, parts.lifecycle.clone()).map_err(ServeError::Operations)?;
    certificate_in_force(&parts);
    tls::prove(proof, &parts.certificates).await.map_err(ServeError::Handshake)?;
    parts.readiness.tls_ready();
    let certificates = Arc::clone(&parts.certificates);
    parts.readiness.show("certificate-serving", move || format!("valid until {}", certificates.validity().until));

    let desk = Desk::new(config, Arc::clone(&parts.admission), Arc::clone(&parts.observe));
    let slots = listen::affordable(config.connections).min(Semaphore::MAX_PERMITS);
    let open = Arc::new(Semaphore::new(slots));
    let door = Door::new(
        config,
        Arc::clone(&open),
        TlsAcceptor::from(tls),
        router::router(Arc::new(desk)),
        parts.lifecycle.clone(),
        Arc::clone(&parts.observe),
    );
    tokio::spawn(door.accept(listeners.webhook));

    let finished = end(config, &parts, &open, slots).await;
    // A last scrape may be under way; it is not worth waiting long for.
    let _ = within(Duration::from_secs(1), operations).await;
    Ok(Served { finished })
}

/// Waits for the request to stop and goes through its phases; true if nothing in flight was cut.
async fn end(config: &Config, parts: &Parts, open: &Semaphore, slots: usize) -> bool {
    let lifecycle = &parts.lifecycle;
    lifecycle.reached(Phase::Draining).await;
    parts.observe.event(&Event::Draining { seconds: config.drain_delay.as_secs_f64() });
    tokio::select! {
        () = sleep(config.drain_delay) => {}
        () = lifecycle.reached(Phase::Hurrying) => {}
    }
    lifecycle.advance(Phase::Stopping);
    let finished = tokio::select! {
        // First, since an end that cuts connections brings their slots back too.
        biased;
        () = lifecycle.reached(Phase::Ended) => false,
        () = all_back(open, slots) => true,
        () = hurried(lifecycle) => false,
        () = sleep(config.drain_grace) => false,
    };
    lifecycle.advance(Phase::Ended);
    parts.observe.event(&Event::Stopped { finished });
    finished
}

/// Waits until the server is asked a second time, and then until whoever has nothing in flight has had time to leave.
async fn hurried(lifecycle: &Lifecycle) {
    lifecycle.reached(Phase::Hurrying).await;
    tokio::select! {
        () = sleep(MOMENT) => {}
        () = lifecycle.reached(Phase::Ended) => {}
    }
}

/// How long idle connections have to leave once the server is in a hurry.
const MOMENT: Duration = Duration::from_millis(250);

/// Waits until every connection's slot is free.
async fn all_back(open: &Semaphore, slots: usize) {
    // The semaphore is never closed; with more slots than can be waited for at once, as many as can.
    let _ = open.acquire_many(u32::try_from(slots).unwrap_or(u32::MAX)).await;
}

/// Reads the certificate's files again; call it on each change and now and then. What happened is logged, counted and
/// shown by readiness; on an error the pair in force stays.
pub fn reload_certificate(parts: &Parts) -> Result<(), CertificateError> {
    tell_of_certificate(parts, parts.certificates.reload())
}

/// Puts a pair in force that comes from elsewhere, which `origin` names; told as [`reload_certificate`] does.
pub fn replace_certificate(parts: &Parts, origin: &str, chain: &[u8], key: &[u8]) -> Result<(), CertificateError> {
    tell_of_certificate(parts, parts.certificates.replace(origin, chain, key))
}

fn tell_of_certificate(
    parts: &Parts,
    reloaded: Result<Option<Validity>, CertificateError>,
) -> Result<(), CertificateError> {
    match &reloaded {
        Ok(changed) => {
            // That it is well again is told as well, or the last line about it would be of a failure.
            if parts.readiness.reload_succeeded(CERTIFICATE) || changed.is_some() {
                let now = format!("valid until {}", parts.certificates.validity().until);
                parts.observe.event(&Event::Reloaded { what: CERTIFICATE, now: &now });
            }
        }
        Err(error) => {
            let error = error.to_string();
            parts.readiness.reload_failed(CERTIFICATE, &error);
            parts.observe.event(&Event::ReloadFailed { what: CERTIFICATE, error: &error });
        }
    }
    certificate_in_force(parts);
    reloaded.map(|_| ())
}

/// Reads the file again of those who sign for clients; told as [`reload_certificate`] does.
pub fn reload_clients(parts: &Parts, clients: &Clients) {
    match clients.reload() {
        Ok(changed) => {
            if parts.readiness.reload_succeeded(CLIENTS) || changed {
                parts.observe.event(&Event::Reloaded { what: CLIENTS, now: "whom they sign for may call" });
            }
        }
        Err(error) => {
            let error = error.to_string();
            parts.readiness.reload_failed(CLIENTS, &error);
            parts.observe.event(&Event::ReloadFailed { what: CLIENTS, error: &error });
        }
    }
}

const CERTIFICATE: &str = "certificate";
const CLIENTS: &str = "client authorities";

fn certificate_in_force(parts: &Parts) {
    let Validity { from, until } = parts.certificates.validity();
    parts.observe.metrics().certificate_valid("serving", from.as_second()..until.as_second());
}
