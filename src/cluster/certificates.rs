//! Certificates that the server makes and renews itself, kept in a Secret that all replicas share.
//!
//! Every replica watches the Secret and the webhook configurations, serves what the Secret holds, and sees what is due:
//! `plan` decides that from what is seen alone. Whoever sees something due takes the Lease, looks again, does one
//! step, and gives the Lease back when nothing is left; so a cluster at rest sees no writes, and no replica is special.

mod configuration;
pub mod held;
pub mod plan;
mod replicas;
pub mod trust;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::runtime::watcher::Event;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::configuration::{Configuration, Hooks, Place};
use self::held::{CHAIN, CHAIN_KEY, Held};
use self::plan::{Action, Seen, Served, Terms, plan};
use self::trust::Trusted;
use super::lease::Lease;
use super::watch::{follow, one};
use super::{Call as _, CallError, Cluster, secret};
use crate::certificate::issue::{self, IssueError};
use crate::certificate::service_names;
use crate::observe::event::Event as Line;
use crate::observe::throttle::Throttle;
use crate::server::{Parts, replace_certificate};

/// What the log calls this.
const WHAT: &str = "certificates";

/// How often to look although nothing changed, at the least.
const LOOK: Duration = Duration::from_hours(1);

/// Between two steps, and between two times of asking the replicas.
const STEP: Duration = Duration::from_secs(1);

/// The longest pause after failures.
const PAUSE: Duration = Duration::from_secs(30);

/// How long replicas may take to show a new certificate before that is told.
const TELL: Duration = Duration::from_mins(1);

/// An authority is not made more often by one replica: clocks that contradict each other must not write without end.
const FOUNDED: Duration = Duration::from_secs(10);

/// Where everything lies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespace of Secret, Lease and Service.
    pub namespace: String,
    /// The Service that the API server calls.
    pub service: String,
    /// The Secret.
    pub secret: String,
    /// The Lease.
    pub lease: String,
    /// The names of the webhook configurations, each of either kind or both.
    pub configurations: Vec<String>,
    /// This replica's name.
    pub replica: String,
    /// The life of an authority.
    pub authority_lifetime: Duration,
    /// The life of a serving certificate.
    pub serving_lifetime: Duration,
}

/// A step that failed.
#[derive(Debug, Error)]
enum StepError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("the new certificate is not believed by its own authority; remove ca.crt and ca.key from the Secret")]
    Unbelieved,
}

/// What is known of the one object that is watched.
#[derive(Clone, Debug, Default)]
enum Known<K> {
    /// Nothing yet.
    #[default]
    Nothing,
    /// That there is none.
    Absent,
    /// How it is.
    Present(K),
}

/// What the watches told last.
#[derive(Clone, Debug, Default)]
struct Local {
    secret: Known<Secret>,
    hooks: Hooks,
    /// The configurations of which nothing is known yet.
    unseen: BTreeSet<Place>,
}

/// Keeps the certificates from now on, for as long as the runtime lives. The server is ready when it has one.
pub fn keep(cluster: Cluster, settings: Settings, parts: Parts) {
    let waiting = format!("Secret {}/{} holds no serving certificate yet", settings.namespace, settings.secret);
    parts.readiness.wait_for("certificate", &waiting);
    let local = watch_all(&cluster, &settings, &parts);
    let terms = Terms {
        names: service_names(&settings.service, &settings.namespace),
        authority: settings.authority_lifetime,
        serving: settings.serving_lifetime,
    };
    let lease = Lease::new(cluster.clone(), &settings.namespace, &settings.lease, &settings.replica);
    let secrets = Api::namespaced(cluster.clone(), &settings.namespace);
    let origin = format!("Secret {}/{}", settings.namespace, settings.secret);
    let keeper = Keeper {
        cluster,
        settings,
        terms,
        parts,
        lease,
        secrets,
        origin,
        trusted: Since::default(),
        served: Since::default(),
        waiting: Since::default(),
        telling: Throttle::new(TELL * 10),
        founded: None,
        failures: 0,
    };
    tokio::spawn(keeper.run(local));
}

/// Watches the Secret and every configuration, each by its name.
fn watch_all(cluster: &Cluster, settings: &Settings, parts: &Parts) -> watch::Receiver<Local> {
    let (sender, receiver) = watch::channel(Local::default());
    let sender = Arc::new(sender);
    for name in &settings.configurations {
        watch_hooks::<ValidatingWebhookConfiguration>(cluster, name, parts, &sender);
        watch_hooks::<MutatingWebhookConfiguration>(cluster, name, parts, &sender);
    }
    let api: Api<Secret> = Api::namespaced(cluster.clone(), &settings.namespace);
    let mut listed = false;
    tokio::spawn(follow(api, one(&settings.secret), "secrets", Arc::clone(&parts.observe), move |event| match single(
        event,
        &mut listed,
    ) {
        Known::Nothing => {}
        known => sender.send_modify(|local| local.secret = known),
    }));
    receiver
}

fn watch_hooks<K: Configuration>(cluster: &Cluster, name: &str, parts: &Parts, sender: &Arc<watch::Sender<Local>>) {
    let place: Place = (K::KIND, name.to_owned());
    sender.send_modify(|local| _ = local.unseen.insert(place.clone()));
    let (sender, mut listed) = (Arc::clone(sender), false);
    let api: Api<K> = Api::all(cluster.clone());
    tokio::spawn(follow(api, one(name), K::RESOURCE, Arc::clone(&parts.observe), move |event| {
        let found = match single(event, &mut listed) {
            Known::Nothing => return,
            Known::Absent => None,
            Known::Present(found) => Some(found),
        };
        sender.send_modify(|local| {
            local.unseen.remove(&place);
            match found {
                Some(found) => _ = local.hooks.insert(place.clone(), found.hooks()),
                None => _ = local.hooks.remove(&place),
            }
        });
    }));
}

/// What an event says of the one object that is watched.
fn single<K>(event: Event<K>, listed: &mut bool) -> Known<K> {
    match event {
        Event::Init => {
            *listed = false;
            Known::Nothing
        }
        Event::InitApply(object) => {
            *listed = true;
            Known::Present(object)
        }
        Event::InitDone if *listed => Known::Nothing,
        Event::InitDone | Event::Delete(_) => Known::Absent,
        Event::Apply(object) => Known::Present(object),
    }
}

/// For how long one thing has been so.
#[derive(Debug, Default)]
struct Since(Option<(String, Instant)>);

impl Since {
    /// It is so of `what` now; for how long it has been.
    fn is(&mut self, what: String) -> Duration {
        match &self.0 {
            Some((known, since)) if *known == what => since.elapsed(),
            Some(_) | None => {
                self.0 = Some((what, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// For how long it has been so of `what`, if it is.
    fn of(&self, what: &str) -> Option<Duration> {
        self.0.as_ref().filter(|(known, _)| known == what).map(|(_, since)| since.elapsed())
    }

    fn ends(&mut self) {
        self.0 = None;
    }
}

struct Keeper {
    cluster: Cluster,
    settings: Settings,
    terms: Terms,
    parts: Parts,
    lease: Lease,
    secrets: Api<Secret>,
    origin: String,
    /// Since when the configurations trust exactly the Secret's authorities.
    trusted: Since,
    /// Since when every replica shows the Secret's certificate.
    served: Since,
    /// Since when some replica has not shown it.
    waiting: Since,
    telling: Throttle,
    founded: Option<Instant>,
    failures: u32,
}

impl Keeper {
    async fn run(mut self, mut local: watch::Receiver<Local>) {
        loop {
            let seen = local.borrow_and_update().clone();
            let pause = self.pass(&seen).await;
            tokio::select! {
                changed = local.changed() => if changed.is_err() { return },
                () = sleep(pause) => {}
            }
        }
    }

    /// Serves what is there and does what is due; the time until the next look.
    async fn pass(&mut self, local: &Local) -> Duration {
        let data = match &local.secret {
            Known::Nothing => return LOOK,
            Known::Absent => held::Data::new(),
            Known::Present(secret) => secret::data(secret),
        };
        let held = Held::read(&data);
        self.serve(&data, &held);
        if !local.unseen.is_empty() {
            return LOOK;
        }
        match self.due(&held, &local.hooks) {
            Action::Wait(until) => {
                self.lease.release().await;
                pause_until(until)
            }
            Action::Found(_) | Action::Trust | Action::Issue | Action::Probe | Action::Retire => self.work().await,
        }
    }

    /// Puts the Secret's certificate in force; on an error the one in force stays.
    fn serve(&self, data: &held::Data, held: &Held) {
        let text = |key: &str| data.get(key).map(Vec::as_slice).unwrap_or_default();
        let (chain, key) = (text(CHAIN), text(CHAIN_KEY));
        // A new authority without a certificate yet: nothing is wrong, and nothing changes.
        if (!chain.is_empty() || !key.is_empty()) && replace_certificate(&self.parts, &self.origin, chain, key).is_ok()
        {
            self.parts.readiness.met("certificate");
        }
        if let Some(authority) = held.authorities.first() {
            let validity = authority.from.as_second()..authority.until.as_second();
            self.parts.observe.metrics().certificate_valid("authority", validity);
            let (until, count) = (authority.until, held.authorities.len());
            self.parts.readiness.show("certificate-authority", move || format!("valid until {until}, {count} trusted"));
        }
    }

    fn due(&mut self, held: &Held, hooks: &Hooks) -> Action {
        let trusted = Trusted::read(hooks.values().flatten());
        let trusted_for = if trusted.is_exactly(&held.authorities) {
            self.trusted.is(held.authorities.iter().map(crate::certificate::read::Certificate::fingerprint).collect())
        } else {
            self.trusted.ends();
            Duration::ZERO
        };
        let leaf = held.leaf.as_ref().map(|leaf| leaf.certificate.fingerprint());
        let served = match leaf.and_then(|leaf| self.served.of(&leaf)) {
            Some(time) => Served::Everywhere(time),
            None => Served::Unknown,
        };
        let now = Timestamp::now();
        let action = plan(now, &Seen { held, trusted: &trusted, trusted_for, served }, &self.terms);
        let rest = self.founded.and_then(|at| FOUNDED.min(self.terms.authority / 10).checked_sub(at.elapsed()));
        match (&action, rest) {
            (Action::Found(_), Some(rest)) => Action::Wait(now.checked_add(rest).unwrap_or(now)),
            _ => action,
        }
    }

    /// One step with the Lease in hand; the time until the next look.
    async fn work(&mut self) -> Duration {
        match self.step().await {
            Ok(pause) => {
                self.failures = 0;
                pause
            }
            Err(error) => {
                self.served.ends();
                // Somebody else wrote meanwhile: look again.
                if matches!(&error, StepError::Call(error) if error.is_conflict()) {
                    return STEP;
                }
                self.failures = self.failures.saturating_add(1);
                self.parts.observe.event(&Line::ActFailed { what: WHAT, error: &error.to_string() });
                (STEP * 2_u32.saturating_pow(self.failures.min(5))).min(PAUSE)
            }
        }
    }

    async fn step(&mut self) -> Result<Duration, StepError> {
        if let Some(taken) = self.lease.hold().await? {
            self.served.ends();
            return Ok(taken);
        }
        // What the watches told may be a moment old. What is done is decided by what is there now.
        let secret = self.secrets.get_opt(&self.settings.secret).call("read the Secret").await?;
        let hooks = configuration::read(&self.cluster, &self.settings.configurations).await?;
        let held = Held::read(&secret.as_ref().map(secret::data).unwrap_or_default());
        let now = Timestamp::now();
        match self.due(&held, &hooks) {
            Action::Wait(until) => {
                self.lease.release().await;
                return Ok(pause_until(until).max(STEP));
            }
            Action::Found(keep) => {
                let kept = keep.len();
                let authority = issue::authority(now, self.terms.authority)?;
                let founded = held.founded(authority, keep, now);
                self.write(secret, &founded).await?;
                self.founded = Some(Instant::now());
                self.done(&format!("made an authority {}; {kept} older are trusted for now", until(&founded)));
            }
            Action::Trust => {
                let names = &self.settings.configurations;
                let changed = configuration::trust(&self.cluster, names, &held.authorities).await?;
                let count = held.authorities.len();
                self.done(&format!("wrote {count} authorities into {changed} webhook configurations"));
            }
            Action::Issue => {
                let (authority, key) = held.signer(now).ok_or(StepError::Unbelieved)?;
                let leaf = issue::serving(authority, key, &self.terms.names, now, self.terms.serving)?;
                let issued = held.issued(&leaf);
                let leaf = issued.usable_leaf(&self.terms.names, now).ok_or(StepError::Unbelieved)?;
                let until = leaf.certificate.until;
                self.write(secret, &issued).await?;
                self.done(&format!("made a serving certificate valid until {until}"));
            }
            Action::Probe => self.ask_replicas(&held).await?,
            Action::Retire => {
                self.write(secret, &held.retired()).await?;
                self.done("every replica serves by the new authority; the old ones are no longer trusted");
            }
        }
        Ok(STEP.min(self.terms.settle() / 4))
    }

    async fn ask_replicas(&mut self, held: &Held) -> Result<(), StepError> {
        let Some(leaf) = &held.leaf else { return Ok(()) };
        let (namespace, service) = (&self.settings.namespace, &self.settings.service);
        let shown = replicas::ask(&self.cluster, namespace, service, &leaf.certificate).await?;
        if shown.right > 0 && shown.wrong.is_empty() {
            self.served.is(leaf.certificate.fingerprint());
            return Ok(());
        }
        self.served.ends();
        let why =
            if shown.wrong.is_empty() { "the Service has no endpoints".to_owned() } else { shown.wrong.join("; ") };
        // For a while that is how it should be; a minute later somebody should look.
        if self.waiting.is(leaf.certificate.fingerprint()) >= TELL && self.telling.pass().is_some() {
            let message = format!("older authorities stay trusted, as not every replica serves by the new one: {why}");
            self.parts.observe.event(&Line::Warning { message: &message });
        }
        Ok(())
    }

    async fn write(&self, before: Option<Secret>, held: &Held) -> Result<(), CallError> {
        secret::write(&self.secrets, &self.settings.secret, before, held.write()).await.map(|_| ())
    }

    fn done(&self, done: &str) {
        self.parts.observe.event(&Line::Acted { what: WHAT, done });
    }
}

fn until(held: &Held) -> String {
    held.authorities.first().map_or(String::new(), |authority| format!("valid until {}", authority.until))
}

/// The time from now to then, within reason: a clock may be set, and a computer may sleep.
fn pause_until(then: Timestamp) -> Duration {
    let left = Duration::try_from(then.duration_since(Timestamp::now())).unwrap_or_default();
    left.clamp(Duration::from_millis(100), LOOK)
}
