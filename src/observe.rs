//! What operators see: metrics and the log. One [`Observe`] is shared by everything that serves.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use crate::admission::Record;
use crate::observe::cluster::Told;

pub mod cluster;
pub mod denials;
pub mod event;
pub mod log;
pub mod metrics;
pub mod otlp;
pub mod panics;
pub mod policies;
pub mod spans;
pub mod throttle;
pub mod trace;

use denials::Denial;
use event::Event;
use log::Log;
use metrics::Metrics;
use spans::{Spans, Timing};
use trace::Caller;

/// Where counts and log lines go.
#[derive(Debug)]
pub struct Observe {
    metrics: Metrics,
    log: Log,
    /// Absent unless traces are asked for.
    spans: OnceLock<Spans>,
    /// Absent unless somebody tells of refusals.
    denials: OnceLock<mpsc::Sender<Denial>>,
}

impl Observe {
    /// Metrics of its own registry beside `log`. Fails only if two metrics carried one name.
    pub fn new(log: Log) -> Result<Arc<Self>, metrics::MetricsError> {
        Ok(Arc::new(Self { metrics: Metrics::new()?, log, spans: OnceLock::new(), denials: OnceLock::new() }))
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Writes `event` to the log; never fails, a lost line is counted.
    pub fn event(&self, event: &Event<'_>) {
        if !self.log.write(event) {
            self.metrics.log_line_lost();
        }
    }

    /// From now on decisions are traced as well. Only the first call counts.
    pub fn trace(&self, spans: Spans) {
        let _ = self.spans.set(spans);
    }

    /// The spans of decisions, if they are traced.
    pub fn spans(&self) -> Option<&Spans> {
        self.spans.get()
    }

    /// From now on refusals go to this queue as well, or are counted as lost when it is full. Only the first call counts.
    pub fn tell_denials(&self, queue: mpsc::Sender<Denial>) {
        let _ = self.denials.set(queue);
    }

    /// Counts, logs and traces one decision; `caller` is who asked for it, if it named a valid trace.
    pub fn admitted(&self, record: &Record, caller: Option<Caller>, timing: Timing) {
        self.metrics.admitted(record);
        self.event(&Event::Decision(event::Decision::new(record, caller.map(|caller| caller.trace))));
        if let Some(spans) = &self.spans.get() {
            spans.admitted(record, caller, timing);
        }
        if let Some(queue) = self.denials.get()
            && let Some(denial) = Denial::of(record)
            && queue.try_send(denial).is_err()
        {
            self.metrics.cluster().told(Told::Dropped);
        }
    }
}
