//! A brake on log lines that anyone who reaches the port can cause.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets one event pass in each period and counts the others.
#[derive(Debug)]
pub struct Throttle {
    start: Instant,
    period: Duration,
    next: AtomicU64,
    suppressed: AtomicU64,
}

impl Throttle {
    /// One event in each `period`.
    pub fn new(period: Duration) -> Self {
        Self { start: Instant::now(), period, next: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// The number of events held back since the last that passed, if this one may pass.
    pub fn pass(&self) -> Option<u64> {
        let now = millis(self.start.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(millis(self.period));
        if now >= next && self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_first_and_counts_the_rest() {
        let throttle = Throttle::new(Duration::from_hours(1));
        assert_eq!(throttle.pass(), Some(0));
        assert_eq!(throttle.pass(), None);
        assert_eq!(throttle.pass(), None);
        throttle.next.store(0, Ordering::Relaxed);
        assert_eq!(throttle.pass(), Some(2));
    }
}
