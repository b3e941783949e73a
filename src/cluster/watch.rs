//! Follows objects of one kind for as long as the process runs, whatever becomes of the API server, and says how
//! fresh what was learnt is. One more kind is one more call of [`follow`].

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::chain;
use crate::observe::Observe;
use crate::observe::event::Event as Line;

/// How long one watch lasts, in seconds, before it is asked for anew from where it stood: a connection that died
/// without a word is noticed that late.
const WATCH: u32 = 60;

/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// An error that nothing follows for so long was mended: a watch that goes on from where it stood says nothing when
/// nothing changes, while one that fails does so within [`super::CONNECT`].
const MENDED: Duration = Duration::from_secs(8);

/// How often the time of a healthy watch is told.
const TICK: Duration = Duration::from_secs(2);

/// Failures of one watch after another are told once in this time.
const TELL: Duration = Duration::from_mins(1);

/// The watch of the object called `name`.
pub(super) fn one(name: &str) -> watcher::Config {
    all().fields(&format!("metadata.name={name}"))
}

/// The watch of every object. The first list may be the API server's own copy, as that of any controller's: reading
/// from etcd what every replica asks for after a restart would be a storm.
pub(super) fn all() -> watcher::Config {
    watcher::Config::default().any_semantic().timeout(WATCH)
}

/// Tells `take` of every event of a watch, for ever. What cannot be watched is tried again, and counted, logged and
/// told by the time of `resource` standing still.
pub(super) async fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    resource: &'static str,
    observe: Arc<Observe>,
    mut take: impl FnMut(Event<K>),
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = pin!(watcher(api.clone(), config.clone()));
    let mut health = Health { resource, observe, listed: false, failed: None, told: None, pause: PAUSE.0 };
    loop {
        match timeout(TICK, events.next()).await {
            Err(_) => health.quiet(),
            Ok(Some(Ok(event))) => {
                health.heard(&event);
                take(event);
            }
            Ok(Some(Err(error))) => {
                let pause = health.lost(&error);
                if is_gone(&error) {
                    events.set(watcher(api.clone(), config.clone()));
                }
                sleep(pause).await;
            }
            // It never ends by itself.
            Ok(None) => return,
        }
    }
}

/// Whether the API server has forgotten the place to go on from and says so by status, which the client takes for a
/// failure to try again; told by an event, the client lists anew by itself.
fn is_gone(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// How a watch does.
struct Health {
    resource: &'static str,
    observe: Arc<Observe>,
    listed: bool,
    failed: Option<Instant>,
    told: Option<Instant>,
    pause: Duration,
}

impl Health {
    fn heard<K>(&mut self, event: &Event<K>) {
        self.listed |= matches!(event, Event::InitDone);
        if !matches!(event, Event::Init) {
            self.mended();
        }
    }

    fn quiet(&mut self) {
        if self.failed.is_none_or(|failed| failed.elapsed() >= MENDED) {
            self.mended();
        }
    }

    fn mended(&mut self) {
        if !self.listed {
            return;
        }
        self.pause = PAUSE.0;
        if self.failed.take().is_some() && self.told.take().is_some() {
            self.observe.event(&Line::WatchRestored { resource: self.resource });
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.observe.metrics().cluster().watch_in_step(self.resource, now);
    }

    /// Takes note of a failure; the pause before the next try.
    fn lost(&mut self, error: &watcher::Error) -> Duration {
        self.observe.metrics().cluster().watch_failed(self.resource);
        self.failed = Some(Instant::now());
        if self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            self.observe.event(&Line::WatchLost { resource: self.resource, error: &chain(error) });
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE.1);
        pause
    }
}
