//! Putting changed policies, configuration and certificates in force while the server runs: when they are valid, at
//! once and whole; otherwise what was in force stays, and log, metrics and `/readyz?verbose` say so.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::admission::Gate;
use crate::engine::config::Exemption;
use crate::engine::pattern::Pattern;
use crate::engine::policy_set::PolicySet;
use crate::observe::event::Event;
use crate::server::clients::Clients;
use crate::server::{Parts, reload_certificate, reload_clients};
use crate::source::Location;
use crate::source::watch::{Guard, Pace, WatchError, watch};

const POLICIES: &str = "policies";

/// What is reloaded, and into what.
pub(super) struct Reloader {
    /// Where policies and configuration come from.
    pub(super) location: Location,
    /// What decides by them.
    pub(super) gate: Arc<Gate>,
    /// What tells of them.
    pub(super) parts: Parts,
    /// Who may call, if not anybody.
    pub(super) clients: Option<Arc<Clients>>,
}

impl Reloader {
    /// Reloads on each change until the guard is dropped; no guard if there is nothing that could change.
    pub(super) fn watch(self) -> Result<Option<Guard>, WatchError> {
        let mut paths = self.location.paths();
        paths.extend(self.parts.certificates.files());
        paths.extend(self.clients.iter().map(|clients| clients.file().to_owned()));
        if paths.is_empty() {
            return Ok(None);
        }
        let (guard, mut changes) = watch(&paths, Pace::default())?;
        tokio::spawn(async move {
            loop {
                // The first time right away, as nobody noticed what changed between loading and watching. Reading and
                // compiling take milliseconds that no request should wait for.
                tokio::task::block_in_place(|| self.reload());
                if changes.recv().await.is_none() {
                    return;
                }
            }
        });
        Ok(Some(guard))
    }

    fn reload(&self) {
        // The error is logged and counted there; the pair in force stays.
        let _ = reload_certificate(&self.parts);
        if let Some(clients) = &self.clients {
            reload_clients(&self.parts, clients);
        }
        match self.location.load() {
            Ok(loaded) => self.replace(loaded.set),
            Err(error) => self.refused(&error.to_string()),
        }
    }

    fn replace(&self, set: PolicySet) {
        let recovered = self.parts.readiness.reload_succeeded(POLICIES);
        self.parts.observe.metrics().policy_set_accepted();
        let revision = Arc::clone(set.revision());
        let changed = revision != *self.gate.set().revision();
        if changed {
            self.gate.replace(set);
            self.in_force();
        }
        if changed || recovered {
            self.parts.observe.event(&Event::Reloaded { what: POLICIES, now: &revision });
        }
    }

    fn refused(&self, error: &str) {
        self.parts.readiness.reload_failed(POLICIES, error);
        self.parts.observe.metrics().policy_set_refused();
        self.parts.observe.event(&Event::ReloadFailed { what: POLICIES, error });
    }

    /// Tells metrics and readiness of the set in force. Every policy of it was evaluated when it was loaded.
    pub(super) fn in_force(&self) {
        let set = self.gate.set();
        let metrics = self.parts.observe.metrics();
        let names = set.policies().iter().map(|policy| policy.name.as_ref());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        metrics.policy_set_loaded(set.revision(), names, now);
        let expiring: Vec<(String, i64)> = set.config().exemptions.iter().filter_map(expiry).collect();
        metrics.exemptions_expire(expiring.iter().map(|(name, at)| (name.as_str(), *at)));
        self.parts.readiness.policies_ready(set.revision());
    }
}

/// An exemption's name for its metric, and the end of its last day in seconds since 1970.
fn expiry(exemption: &Exemption) -> Option<(String, i64)> {
    let day: jiff::civil::Date = exemption.expires.as_deref()?.parse().ok()?;
    let end = day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let policies: Vec<&str> = exemption.policies.iter().map(Pattern::as_str).collect();
    Some((format!("line {}: {}", exemption.line, policies.join(",")), end.timestamp().as_second()))
}
