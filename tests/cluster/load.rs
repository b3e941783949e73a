//! Creates at a steady rate, whatever becomes of those before: Pods of which it is known what must become of them.
//!
//! They are dry runs, which the API server admits as any other and does not store. On a machine that cannot keep up,
//! some wait: a queue without end would be a failure of the machine, not of the product.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep};

use super::api::{Cluster, collection};
use super::release::{fine, privileged};

/// Creates a second.
const RATE: u32 = 50;

/// Creates under way at a time, a second's worth.
const MOST: usize = 50;

/// Time after which a controller would try again what failed.
const RETRY: Duration = Duration::from_secs(1);

/// What must become of a Pod.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Admission,
    Denial,
    /// Either, as what holds is being changed; but no failure.
    Verdict,
}

/// Creates that go on until they are finished.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    creating: JoinHandle<Tally>,
}

/// What became of them.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) creates: usize,
    pub(super) admitted: usize,
    pub(super) denied: usize,
    /// Neither admitted nor denied, or denied and fine: what was answered, and how long after the start.
    pub(super) failed: Vec<(Duration, String)>,
    /// How many failed again when tried again.
    pub(super) lost: usize,
    /// Admitted, though policy denies them.
    pub(super) slipped: usize,
    latencies: Vec<Duration>,
    took: Duration,
}

impl Load {
    /// Starts with a Pod that is fine and one that is denied by turns, and with `changing` as every third, if given.
    pub(super) fn start(cluster: &Cluster, changing: Option<Value>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut pods = vec![(Due::Admission, fine("load-fine")), (Due::Denial, privileged("load-privileged"))];
        for (_, pod) in &mut pods {
            pod["metadata"]["annotations"] = json!({"example.com/team": "shop"});
        }
        pods.extend(changing.map(|pod| (Due::Verdict, pod)));
        let creating = tokio::spawn(create(cluster.clone(), pods, Arc::clone(&stop)));
        Self { stop, creating }
    }

    /// Stops, waits for what is under way, and prints what became of all.
    pub(super) async fn finish(self, during: &str) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let tally = self.creating.await.unwrap();
        println!("{during}: {tally}");
        for (when, failure) in tally.failed.iter().take(5) {
            println!("  failed after {when:.1?}: {failure}");
        }
        assert!(tally.creates > 50 && tally.admitted > 10 && tally.denied > 10, "hardly any load");
        tally
    }
}

impl Tally {
    /// Nothing failed, and nothing was admitted that policy denies.
    #[track_caller]
    pub(super) fn is_clean(&self) {
        assert_eq!((self.failed.len(), self.slipped), (0, 0), "failed, and admitted against policy");
    }

    fn percentile(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} creates in {:.1?}, {} admitted, {} denied, {} failed, {} lost, {} admitted against policy; p50 {:.1?}, p99 {:.1?}, max {:.1?}",
            self.creates,
            self.took,
            self.admitted,
            self.denied,
            self.failed.len(),
            self.lost,
            self.slipped,
            self.percentile(50),
            self.percentile(99),
            self.percentile(100),
        )
    }
}

/// What became of one.
enum Fate {
    Admitted,
    Denied,
    Failed(String),
    Slipped,
}

async fn create(cluster: Cluster, pods: Vec<(Due, Value)>, stop: Arc<AtomicBool>) -> Tally {
    let started = Instant::now();
    let pods: Arc<[(Due, Value)]> = pods.into();
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let places = Arc::new(Semaphore::new(MOST));
    let mut running = JoinSet::new();
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        ticks.tick().await;
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (cluster, pods) = (cluster.clone(), Arc::clone(&pods));
        running.spawn(async move {
            let (due, pod) = &pods[turn % pods.len()];
            let began = Instant::now();
            let fate = ask(&cluster, *due, pod).await;
            let latency = began.elapsed();
            let mut lost = false;
            if matches!(fate, Fate::Failed(_)) {
                sleep(RETRY).await;
                lost = matches!(ask(&cluster, *due, pod).await, Fate::Failed(_));
            }
            drop(place);
            (began - started, latency, fate, lost)
        });
    }
    let mut tally = Tally { took: started.elapsed(), ..Tally::default() };
    for (when, latency, fate, lost) in running.join_all().await {
        tally.creates += 1;
        tally.lost += usize::from(lost);
        tally.latencies.push(latency);
        match fate {
            Fate::Admitted => tally.admitted += 1,
            Fate::Denied => tally.denied += 1,
            Fate::Failed(why) => tally.failed.push((when, why)),
            Fate::Slipped => tally.slipped += 1,
        }
    }
    tally.latencies.sort_unstable();
    tally.failed.sort_by_key(|(when, _)| *when);
    tally
}

async fn ask(cluster: &Cluster, due: Due, pod: &Value) -> Fate {
    let path = format!("{}?dryRun=All", collection(pod));
    match cluster.try_send(Method::POST, &path, Some(pod)).await {
        Ok(answer) if answer.status == 201 && due == Due::Denial => Fate::Slipped,
        Ok(answer) if answer.status == 201 => Fate::Admitted,
        Ok(answer) if answer.is_denied() && due != Due::Admission => Fate::Denied,
        Ok(answer) => Fate::Failed(format!("{}: {}", answer.status, answer.message())),
        Err(error) => Fate::Failed(error),
    }
}
