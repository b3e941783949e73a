//! Tells those who own a refused workload, where they look first: by an Event in its namespace, about the object or
//! the controller that wanted it. `kubectl describe` shows it.
//!
//! Off the path of requests, and never at the price of the API server: `series` says what may be written when. What
//! fails is logged and forgotten.

mod series;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::series::{Series, Write};
use super::namespaces::is_name;
use super::{Call as _, CallError, Cluster};
use crate::observe::Observe;
use crate::observe::cluster::Told;
use crate::observe::denials::Denial;
use crate::observe::event::Event as Line;
use crate::observe::throttle::Throttle;

/// Refusals that wait to be looked at.
const QUEUE: usize = 512;

/// How often to look whether a series is to be brought up to date.
const TICK: Duration = Duration::from_secs(1);

/// One line about failures in this time.
const TELL: Duration = Duration::from_secs(10);

/// The longest name of an instance that Kubernetes takes, in bytes.
const INSTANCE: usize = 128;

/// Who reports.
const CONTROLLER: &str = "portcullis.dev/webhook";

/// What the names of Events begin with; the API server makes the rest.
const NAME: &str = "portcullis-";

/// Writes an Event for each refusal from now on, in the name of `instance`, for as long as the runtime lives.
pub fn tell(cluster: &Cluster, instance: &str, observe: &Arc<Observe>) {
    let (queue, denials) = mpsc::channel(QUEUE);
    observe.metrics().cluster().tells();
    observe.tell_denials(queue);
    let writer = Writer {
        cluster: cluster.clone(),
        instance: instance.get(..instance.floor_char_boundary(INSTANCE)).unwrap_or_default().to_owned(),
        observe: Arc::clone(observe),
        series: Series::new(Instant::now()),
        failures: Throttle::new(TELL),
    };
    tokio::spawn(writer.run(denials));
}

struct Writer {
    cluster: Cluster,
    instance: String,
    observe: Arc<Observe>,
    series: Series,
    failures: Throttle,
}

impl Writer {
    async fn run(mut self, mut denials: mpsc::Receiver<Denial>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                denial = denials.recv() => match denial {
                    Some(denial) => self.take(denial),
                    None => return,
                },
                _ = ticks.tick() => {}
            }
            // A slow API server makes the queue long: all of it is counted before the next write.
            while let Some(write) = self.series.next(Instant::now()) {
                self.write(write).await;
                while let Ok(denial) = denials.try_recv() {
                    self.take(denial);
                }
            }
        }
    }

    fn take(&mut self, denial: Denial) {
        // Who reaches the port may ask about a namespace of any name, which becomes part of a path.
        if !is_name(&denial.namespace) || !self.series.take(denial, Instant::now()) {
            self.observe.metrics().cluster().told(Told::Dropped);
        }
    }

    async fn write(&mut self, write: Write) {
        let api: Api<Event> = Api::namespaced(self.cluster.clone(), &write.denial.namespace);
        let told = match &write.event {
            None => match self.create(&api, &write).await {
                Ok(name) => {
                    self.series.written(&write.key, name);
                    Ok(Told::Written)
                }
                Err(error) => Err(error),
            },
            Some(name) => grow(&api, name, &write).await.map(|()| Told::Counted),
        };
        let told = told.unwrap_or_else(|error| {
            self.series.failed(&write.key);
            self.failed(&write.denial.namespace, &error);
            Told::Failed
        });
        self.observe.metrics().cluster().told(told);
    }

    async fn create(&self, api: &Api<Event>, write: &Write) -> Result<String, CallError> {
        let made = api.create(&PostParams::default(), &event(write, &self.instance)).call("write an Event").await?;
        Ok(made.metadata.name.unwrap_or_default())
    }

    fn failed(&self, namespace: &str, error: &CallError) {
        if let Some(suppressed) = self.failures.pass() {
            let message = format!(
                "a refusal in namespace {namespace:?} is told by no Event: {error} ({suppressed} others since)"
            );
            self.observe.event(&Line::Warning { message: &message });
        }
    }
}

/// Writes how many there have been, and when the last was: nothing else of an Event may change.
async fn grow(api: &Api<Event>, name: &str, write: &Write) -> Result<(), CallError> {
    let patch = Patch::Merge(json!({"series": series(write)}));
    api.patch(name, &PatchParams::default(), &patch).call("count into an Event").await.map(|_| ())
}

fn series(write: &Write) -> EventSeries {
    EventSeries { count: write.count, last_observed_time: MicroTime(write.denial.at) }
}

fn event(write: &Write, instance: &str) -> Event {
    let Denial { namespace, subject, note, at, .. } = &write.denial;
    let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Event {
        metadata: ObjectMeta {
            generate_name: Some(NAME.to_owned()),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(*at)),
        type_: Some("Warning".to_owned()),
        reason: Some("PolicyDenied".to_owned()),
        action: Some("Admission".to_owned()),
        note: known(note),
        regarding: Some(ObjectReference {
            api_version: known(&subject.api_version),
            kind: known(&subject.kind),
            name: known(&subject.name),
            namespace: Some(namespace.clone()),
            uid: known(&subject.uid),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        series: (write.count > 1).then(|| series(write)),
        ..Event::default()
    }
}
