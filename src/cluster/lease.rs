//! One replica at a time does what all could: it holds a Lease meanwhile, and gives it back when done, so that a
//! cluster at rest sees no writes.
//!
//! Clocks of others are never compared with ours. Whoever finds the Lease taken watches whether it changes, by his own
//! clock, and takes it over when it has not for as long as its holder promised
//! (the way of client-go's leader election: <https://pkg.go.dev/k8s.io/client-go/tools/leaderelection>).

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;

use super::{Call as _, CallError};

/// How long a holder may be silent.
const TERM: Duration = Duration::from_secs(15);

/// A Lease that this replica may hold.
pub(crate) struct Lease {
    api: Api<Object>,
    name: String,
    me: String,
    observed: Option<Observed>,
    held: Option<Held>,
}

/// What somebody else's Lease looked like, and since when.
struct Observed {
    spec: LeaseSpec,
    since: Instant,
}

struct Held {
    object: Object,
    renewed: Instant,
}

/// Whose the Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Ours to take.
    Free,
    /// Somebody else's; ask again after that time.
    Taken(Duration),
}

/// Whether `me` may take a Lease that has looked like `spec` for `unchanged`.
pub(crate) fn claim(spec: &LeaseSpec, me: &str, unchanged: Duration) -> Claim {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    if holder.is_empty() || holder == me {
        return Claim::Free;
    }
    let promised = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    // A holder who promises nothing, or a year, is no holder of ours.
    let term = promised.map_or(TERM, Duration::from_secs).clamp(Duration::from_secs(1), TERM * 4);
    match term.checked_sub(unchanged) {
        Some(left) if !left.is_zero() => Claim::Taken(left.min(Duration::from_secs(2))),
        Some(_) | None => Claim::Free,
    }
}

impl Lease {
    pub(crate) fn new(client: Client, namespace: &str, name: &str, me: &str) -> Self {
        let api = Api::namespaced(client, namespace);
        Self { api, name: name.to_owned(), me: me.to_owned(), observed: None, held: None }
    }

    /// Takes or keeps the Lease: none if it is held, otherwise the time after which to ask again.
    pub(crate) async fn hold(&mut self) -> Result<Option<Duration>, CallError> {
        if self.held.as_ref().is_some_and(|held| held.renewed.elapsed() < TERM / 3) {
            return Ok(None);
        }
        self.held = None;
        let asked = Instant::now();
        let found = self.api.get_opt(&self.name).call("read the Lease").await?;
        let spec = found.as_ref().and_then(|object| object.spec.clone()).unwrap_or_default();
        let unchanged = self.unchanged(&spec);
        if let Claim::Taken(retry) = claim(&spec, &self.me, unchanged) {
            return Ok(Some(retry));
        }
        let written = if let Some(object) = found {
            let object = Object { spec: Some(self.taken(&spec)), ..object };
            self.api.replace(&self.name, &PostParams::default(), &object).call("take the Lease").await
        } else {
            let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
            let object = Object { metadata, spec: Some(self.taken(&spec)) };
            self.api.create(&PostParams::default(), &object).call("create the Lease").await
        };
        match written {
            Ok(object) => {
                self.held = Some(Held { object, renewed: asked });
                Ok(None)
            }
            // Somebody was quicker.
            Err(error) if error.is_conflict() => Ok(Some(Duration::from_secs(1))),
            Err(error) => Err(error),
        }
    }

    /// Gives it back, if it is held. A failure only makes others wait for its end.
    pub(crate) async fn release(&mut self) {
        let Some(Held { mut object, .. }) = self.held.take() else { return };
        if let Some(spec) = &mut object.spec {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        let _ = self.api.replace(&self.name, &PostParams::default(), &object).call("release the Lease").await;
    }

    /// For how long the Lease has looked like this.
    fn unchanged(&mut self, spec: &LeaseSpec) -> Duration {
        match &self.observed {
            Some(observed) if observed.spec == *spec => observed.since.elapsed(),
            Some(_) | None => {
                self.observed = Some(Observed { spec: spec.clone(), since: Instant::now() });
                Duration::ZERO
            }
        }
    }

    fn taken(&self, before: &LeaseSpec) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let is_mine = before.holder_identity.as_deref() == Some(self.me.as_str());
        let transitions = before.lease_transitions.unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(TERM.as_secs()).ok(),
            acquire_time: if is_mine { before.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(if is_mine { transitions } else { transitions.saturating_add(1) }),
            ..LeaseSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[track_caller]
    fn check(holder: Option<&str>, term: Option<i32>, unchanged: Duration, free: bool) {
        // As a clock of another century wrote it.
        let renew_time = Some(MicroTime("2126-01-01T00:00:00Z".parse().unwrap()));
        let spec = LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_duration_seconds: term,
            renew_time,
            ..LeaseSpec::default()
        };
        let claim = claim(&spec, "me", unchanged);
        assert_eq!(claim == Claim::Free, free, "{holder:?} {term:?} {unchanged:?}: {claim:?}");
    }

    #[test]
    fn a_lease_is_free_when_nobody_holds_it_or_its_holder_was_silent_by_our_own_clock() {
        check(None, None, seconds(0), true);
        check(Some(""), Some(1), seconds(0), true);
        check(Some("me"), Some(15), seconds(0), true);
        check(Some("other"), Some(15), seconds(0), false);
        check(Some("other"), Some(15), seconds(14), false);
        check(Some("other"), Some(15), seconds(15), true);
        check(Some("other"), None, seconds(14), false);
        check(Some("other"), None, seconds(15), true);
        check(Some("other"), Some(-1), seconds(15), true);
        check(Some("other"), Some(i32::MAX), seconds(59), false);
        check(Some("other"), Some(i32::MAX), seconds(60), true);
    }
}
