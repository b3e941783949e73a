//! What operators see: metrics and the log. One [`Observe`] is shared by everything that serves.

use std::sync::Arc;

use crate::admission::Record;

pub mod event;
pub mod log;
pub mod metrics;
pub mod panics;
pub mod policies;
pub mod throttle;
pub mod trace;

use event::Event;
use log::Log;
use metrics::Metrics;
use trace::TraceId;

/// Where counts and log lines go.
#[derive(Debug)]
pub struct Observe {
    metrics: Metrics,
    log: Log,
}

impl Observe {
    /// Metrics of its own registry beside `log`. Fails only if two metrics carried one name.
    pub fn new(log: Log) -> Result<Arc<Self>, metrics::MetricsError> {
        Ok(Arc::new(Self { metrics: Metrics::new()?, log }))
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

    /// Counts and logs one decision; `trace` is the caller's trace, if it named a valid one.
    pub fn admitted(&self, record: &Record, trace: Option<TraceId>) {
        self.metrics.admitted(record);
        self.event(&Event::Decision(event::Decision::new(record, trace)));
    }
}
