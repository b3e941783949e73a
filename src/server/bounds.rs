//! What a flood may take: memory for bodies, requests in flight, processors for large reviews.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Memory for request bodies, counted in KiB.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Semaphore>);

/// A part of [`Memory`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// `bytes` in all.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(kibibytes(bytes).min(Semaphore::MAX_PERMITS))))
    }

    /// Nothing yet.
    pub(crate) fn reserve(&self) -> Reservation {
        Reservation { memory: Arc::clone(&self.0), held: None }
    }
}

impl Reservation {
    /// Grows to `bytes` in all; false if there is no room.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = kibibytes(bytes).saturating_sub(held);
        let Ok(missing) = u32::try_from(missing) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.memory).try_acquire_many_owned(missing) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Shrinks to `bytes` in all.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            drop(held.split(held.num_permits().saturating_sub(kibibytes(bytes))));
        }
    }
}

fn kibibytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

/// Bodies up to this size are decided where they were read: handing one over costs more than parsing it.
const INLINE: usize = 32 * 1024;

/// A decision that held an I/O worker for longer than this sends all others to the pool for a while.
const SLOW: Duration = Duration::from_millis(20);
const SLOW_FOR: Duration = Duration::from_secs(10);

/// Processors for reviews that must not hold up the I/O workers.
#[derive(Debug)]
pub(crate) struct Pool {
    processors: Arc<Semaphore>,
    opened: Instant,
    /// Milliseconds from `opened` until small bodies are decided inline again.
    slow_until: AtomicU64,
}

/// Where a body is to be decided.
#[derive(Debug)]
pub(crate) enum Place {
    /// Here and now.
    Inline,
    /// On another thread, which holds this permit meanwhile.
    Aside(OwnedSemaphorePermit),
    /// Nowhere in time: its time ran out in the queue.
    Late,
}

impl Pool {
    /// `processors` at a time.
    pub(crate) fn new(processors: usize) -> Self {
        Self {
            processors: Arc::new(Semaphore::new(processors.clamp(1, Semaphore::MAX_PERMITS))),
            opened: Instant::now(),
            slow_until: AtomicU64::new(0),
        }
    }

    /// Where a body of `bytes` is decided; waits for a processor until `deadline`.
    pub(crate) async fn place(&self, bytes: usize, deadline: Instant) -> Place {
        if bytes <= INLINE && self.now() >= self.slow_until.load(Ordering::Relaxed) {
            return Place::Inline;
        }
        match timeout_at(deadline, Arc::clone(&self.processors).acquire_owned()).await {
            Ok(Ok(permit)) => Place::Aside(permit),
            Ok(Err(_)) | Err(_) => Place::Late,
        }
    }

    /// Takes note of how long an inline decision held its worker.
    pub(crate) fn took(&self, duration: Duration) {
        if duration > SLOW {
            let until = self.now().saturating_add(millis(SLOW_FOR));
            self.slow_until.fetch_max(until, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        millis(self.opened.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back() {
        let memory = Memory::new(8 * 1024);
        let mut first = memory.reserve();
        assert!(first.grow_to(3 * 1024) && first.grow_to(6 * 1024));
        assert!(!memory.reserve().grow_to(3 * 1024));
        first.shrink_to(1024);
        assert!(memory.reserve().grow_to(7 * 1024));
        drop(first);
        assert!(memory.reserve().grow_to(8 * 1024));
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_stay_until_one_was_slow() {
        let pool = Pool::new(1);
        let soon = Instant::now() + Duration::from_secs(1);
        assert!(matches!(pool.place(INLINE, soon).await, Place::Inline));
        let aside = pool.place(INLINE + 1, soon).await;
        assert!(matches!(aside, Place::Aside(_)));
        assert!(matches!(pool.place(INLINE + 1, soon).await, Place::Late));
        drop(aside);
        pool.took(Duration::from_millis(21));
        let later = Instant::now() + Duration::from_secs(1);
        assert!(matches!(pool.place(1, later).await, Place::Aside(_)));
        tokio::time::advance(SLOW_FOR).await;
        assert!(matches!(pool.place(1, later).await, Place::Inline));
    }
}
