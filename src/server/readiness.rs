//! Whether the server should be sent requests, condition by condition. It never depends on load: a busy replica that
//! called itself unready would bury the next one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::server::drain::{Lifecycle, Phase};

/// The conditions of readiness.
#[derive(Debug)]
pub struct Readiness {
    lifecycle: Lifecycle,
    conditions: Mutex<Conditions>,
}

#[derive(Debug, Default)]
struct Conditions {
    /// The revision in force, once every one of its policies was evaluated for the first time.
    policies: Option<String>,
    tls: bool,
    /// Further conditions that someone waits for, with what is missing.
    awaited: BTreeMap<&'static str, Option<String>>,
    /// What could not be reloaded, with the error; what was in force still is.
    failing_reloads: BTreeMap<&'static str, String>,
    /// What is worth knowing and no condition.
    shown: BTreeMap<&'static str, Shown>,
}

/// Says how something is at the moment.
struct Shown(Box<dyn Fn() -> String + Send + Sync>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether requests should be sent.
    pub ready: bool,
    /// One line a condition, in the API server's style.
    pub lines: String,
}

impl Readiness {
    /// Not ready yet; unready again as soon as `lifecycle` is asked to stop.
    pub fn new(lifecycle: Lifecycle) -> Self {
        Self { lifecycle, conditions: Mutex::default() }
    }

    /// A policy set is in force and each of its policies has been evaluated once.
    pub fn policies_ready(&self, revision: &str) {
        self.change(|conditions| conditions.policies = Some(revision.to_owned()));
    }

    /// A handshake with the certificate in force succeeded.
    pub fn tls_ready(&self) {
        self.change(|conditions| conditions.tls = true);
    }

    /// A further condition called `name` has to be met before the server is ready; `missing` says what it lacks.
    pub fn wait_for(&self, name: &'static str, missing: &str) {
        self.change(|conditions| _ = conditions.awaited.insert(name, Some(missing.to_owned())));
    }

    /// The condition called `name` is met.
    pub fn met(&self, name: &'static str) {
        self.change(|conditions| _ = conditions.awaited.insert(name, None));
    }

    /// `what` could not be reloaded. Shown, but no reason to be unready: what was in force still is.
    pub fn reload_failed(&self, what: &'static str, error: &str) {
        self.change(|conditions| _ = conditions.failing_reloads.insert(what, error.to_owned()));
    }

    /// `what` was reloaded; whether that had failed before.
    pub fn reload_succeeded(&self, what: &'static str) -> bool {
        self.change(|conditions| conditions.failing_reloads.remove(what).is_some())
    }

    /// Shows how something is, which is no reason to be unready; `tell` is called for each report and must not wait.
    pub fn show(&self, name: &'static str, tell: impl Fn() -> String + Send + Sync + 'static) {
        self.change(|conditions| _ = conditions.shown.insert(name, Shown(Box::new(tell))));
    }

    /// Every condition now.
    pub fn report(&self) -> Report {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = Report { ready: true, lines: String::new() };
        match &conditions.policies {
            Some(revision) => report.ok("policies", &format!("revision {revision}")),
            None => report.failed("policies", "no policy set is loaded and proven yet"),
        }
        if conditions.tls {
            report.ok("tls", "");
        } else {
            report.failed("tls", "no handshake was proven yet");
        }
        for (name, missing) in &conditions.awaited {
            match missing {
                Some(missing) => report.failed(name, missing),
                None => report.ok(name, ""),
            }
        }
        for (name, Shown(tell)) in &conditions.shown {
            report.ok(name, &tell());
        }
        if self.lifecycle.phase() == Phase::Serving {
            report.ok("draining", "");
        } else {
            report.failed("draining", "the server was asked to stop");
        }
        if conditions.failing_reloads.is_empty() {
            report.ok("reload", "");
        }
        for (what, error) in &conditions.failing_reloads {
            report.line('-', "reload", "failed", &format!("{what}: {error}"));
        }
        report
    }

    fn change<T>(&self, change: impl FnOnce(&mut Conditions) -> T) -> T {
        change(&mut self.conditions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Report {
    fn ok(&mut self, name: &str, detail: &str) {
        self.line('+', name, "ok", detail);
    }

    fn failed(&mut self, name: &str, why: &str) {
        self.ready = false;
        self.line('-', name, "failed", why);
    }

    /// One line, whatever `detail` holds.
    fn line(&mut self, sign: char, name: &str, state: &str, detail: &str) {
        let detail = detail.replace(char::is_control, " ");
        let colon = if detail.is_empty() { "" } else { ": " };
        // Writing to a string cannot fail.
        let _ = writeln!(self.lines, "[{sign}]{name} {state}{colon}{detail}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> (Lifecycle, Readiness) {
        let lifecycle = Lifecycle::default();
        let readiness = Readiness::new(lifecycle.clone());
        readiness.policies_ready("abc");
        readiness.tls_ready();
        (lifecycle, readiness)
    }

    #[test]
    fn is_ready_when_every_condition_is_met() {
        let readiness = Readiness::new(Lifecycle::default());
        assert!(!readiness.report().ready);
        readiness.tls_ready();
        assert!(!readiness.report().ready);
        readiness.policies_ready("abc");
        assert!(readiness.report().ready);
        readiness.wait_for("cache", "namespaces are not listed yet");
        assert!(!readiness.report().ready);
        readiness.met("cache");
        assert!(readiness.report().ready);
    }

    #[test]
    fn what_is_shown_is_asked_for_anew_and_no_condition() {
        let (_, readiness) = ready();
        let asked = std::sync::atomic::AtomicU8::new(0);
        readiness.show("namespaces", move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string());
        assert!(readiness.report().lines.contains("[+]namespaces ok: 0\n"));
        let report = readiness.report();
        assert!(report.ready && report.lines.contains("[+]namespaces ok: 1\n"), "{}", report.lines);
    }

    #[test]
    fn is_unready_at_once_when_asked_to_stop() {
        let (lifecycle, readiness) = ready();
        lifecycle.stop();
        let report = readiness.report();
        assert!(!report.ready && report.lines.contains("[-]draining failed: the server was asked to stop"));
    }

    #[test]
    fn a_failing_reload_is_shown_and_harmless() {
        let (_, readiness) = ready();
        readiness.reload_failed("policies", "b.rego:1\n[+]forged ok");
        let report = readiness.report();
        assert!(report.ready);
        assert_eq!(
            report.lines,
            "[+]policies ok: revision abc\n[+]tls ok\n[+]draining ok\n[-]reload failed: policies: b.rego:1 [+]forged ok\n"
        );
        assert!(readiness.reload_succeeded("policies"));
        assert!(!readiness.reload_succeeded("policies"));
        assert!(readiness.report().lines.contains("[+]reload ok"));
    }
}
