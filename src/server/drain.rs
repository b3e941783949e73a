//! How the server ends: first it says so and goes on serving, then it stops accepting, then it is over.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Where in its life the server is. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving.
    Serving,
    /// Asked to stop: not ready, yet accepting and serving, so that endpoints can be taken out of the Service first.
    Draining,
    /// No longer accepting; what is in flight is finished.
    Stopping,
    /// Asked a second time: what is in flight has only a moment left.
    Hurrying,
    /// Over; what is still in flight is cut.
    Ended,
}

/// The server's life, shared by everything that must know when it ends.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<watch::Sender<Phase>>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Serving)))
    }
}

impl Lifecycle {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Asks the server to stop. Asked a second time, it cuts what does not end by itself at once.
    pub fn stop(&self) {
        self.advance(match self.phase() {
            Phase::Serving => Phase::Draining,
            Phase::Draining | Phase::Stopping => Phase::Hurrying,
            Phase::Hurrying | Phase::Ended => Phase::Ended,
        });
    }

    /// Moves on to `phase`, never back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }

    /// Waits until `phase` or a later one.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives as long as `self`, so the wait ends in no other way.
        let _ = self.0.subscribe().wait_for(|current| *current >= phase).await;
    }

    /// Calls [`Lifecycle::stop`] on each SIGTERM and SIGINT from now on.
    pub fn stop_on_signals(&self) -> io::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let lifecycle = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                lifecycle.stop();
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_request_to_stop_hurries_and_the_third_ends_it() {
        let lifecycle = Lifecycle::default();
        for phase in [Phase::Draining, Phase::Hurrying, Phase::Ended, Phase::Ended] {
            lifecycle.stop();
            assert_eq!(lifecycle.phase(), phase);
        }
    }

    #[tokio::test]
    async fn life_never_goes_back() {
        let lifecycle = Lifecycle::default();
        lifecycle.advance(Phase::Stopping);
        lifecycle.advance(Phase::Draining);
        assert_eq!(lifecycle.phase(), Phase::Stopping);
        lifecycle.reached(Phase::Draining).await;
    }
}
