//! Work done on several threads, its results handed over in the order of the work, with little of either in memory.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

/// How many bytes of work may be under way; a single piece of work may be larger.
const WINDOW_BYTES: usize = 4 << 20;

/// What a piece of work counts at least, so that no more than some hundreds are under way.
const LEAST_BYTES: usize = 8 << 10;

/// Does work on so many threads. `produce` makes it, on a thread of its own, and says how many bytes each piece is
/// large; it is held up while too much is under way. `act` does it, and must not panic. `take` gets the results, on
/// this thread.
pub(super) fn run<W: Send, R: Send>(
    threads: NonZeroUsize,
    produce: impl FnOnce(&mut dyn FnMut(W, usize)) + Send,
    act: impl Fn(W) -> R + Sync,
    mut take: impl FnMut(R),
) {
    let belt = Belt::default();
    let (results, done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            // However the producer ends, nobody waits for more.
            let _end = End { belt: &belt, is_abandoned: false };
            produce(&mut |work, bytes| belt.put(work, bytes));
        });
        for _ in 0..threads.get() {
            let (belt, act, results) = (&belt, &act, results.clone());
            scope.spawn(move || {
                while let Some(work) = belt.get() {
                    let result = act(work.work);
                    if results.send((work.number, work.bytes, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        // However this thread ends, nobody waits for it.
        let _end = End { belt: &belt, is_abandoned: true };
        let mut early = BTreeMap::new();
        let mut next = 0_u64;
        for (number, bytes, result) in done {
            early.insert(number, (bytes, result));
            while let Some((bytes, result)) = early.remove(&next) {
                take(result);
                belt.release(bytes);
                next = next.saturating_add(1);
            }
        }
    });
}

/// A piece of work on its way.
struct Numbered<W> {
    number: u64,
    bytes: usize,
    work: W,
}

/// What waits to be done.
struct Belt<W> {
    state: Mutex<State<W>>,
    /// There is work, or there will be none.
    filled: Condvar,
    /// There is room.
    freed: Condvar,
}

struct State<W> {
    waiting: VecDeque<Numbered<W>>,
    made: u64,
    /// Bytes of all that has been made and not been handed over.
    under_way: usize,
    /// No more will be made.
    is_over: bool,
    /// Nobody takes the results.
    is_abandoned: bool,
}

/// Ends the work with itself.
struct End<'a, W> {
    belt: &'a Belt<W>,
    is_abandoned: bool,
}

impl<W> Default for Belt<W> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), made: 0, under_way: 0, is_over: false, is_abandoned: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), freed: Condvar::new() }
    }
}

impl<W> Belt<W> {
    /// Nothing is left half done under the lock, so a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, work: W, bytes: usize) {
        let bytes = bytes.max(LEAST_BYTES);
        let is_full = |state: &mut State<W>| {
            state.under_way > 0 && state.under_way.saturating_add(bytes) > WINDOW_BYTES && !state.is_abandoned
        };
        let mut state = self.freed.wait_while(self.state(), is_full).unwrap_or_else(PoisonError::into_inner);
        if state.is_abandoned {
            return;
        }
        state.under_way = state.under_way.saturating_add(bytes);
        let number = state.made;
        state.made = number.saturating_add(1);
        state.waiting.push_back(Numbered { number, bytes, work });
        drop(state);
        self.filled.notify_one();
    }

    /// The next piece of work; none if there will be none.
    fn get(&self) -> Option<Numbered<W>> {
        let is_idle = |state: &mut State<W>| state.waiting.is_empty() && !state.is_over;
        let mut state = self.filled.wait_while(self.state(), is_idle).unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(bytes);
        drop(state);
        self.freed.notify_one();
    }
}

impl<W> Drop for End<'_, W> {
    fn drop(&mut self) {
        let mut state = self.belt.state();
        state.is_over = true;
        if self.is_abandoned {
            state.is_abandoned = true;
            state.waiting.clear();
        }
        drop(state);
        self.belt.filled.notify_all();
        self.belt.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_work() {
        for count in [1, 2, 7] {
            let mut taken = Vec::new();
            let produce = |put: &mut dyn FnMut(u64, usize)| (0..500).for_each(|number| put(number, 0));
            let act = |number: u64| {
                // The first of ten is the last to be done.
                thread::sleep(Duration::from_micros(if number.is_multiple_of(10) { 500 } else { 0 }));
                number * 2
            };
            run(threads(count), produce, act, |result| taken.push(result));
            assert_eq!(taken, (0..500).map(|number| number * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_more_is_under_way_than_the_window_holds() {
        let (alive, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let produce = |put: &mut dyn FnMut((), usize)| {
            for _ in 0..100 {
                put((), WINDOW_BYTES / 4);
                // What is put has been let in.
                most.fetch_max(alive.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            }
        };
        run(
            threads(2),
            produce,
            |()| thread::sleep(Duration::from_micros(100)),
            |()| {
                alive.fetch_sub(1, Ordering::SeqCst);
            },
        );
        // One more than fits: it is let in before it is counted.
        assert!((2..=5).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    }

    #[test]
    fn what_is_larger_than_the_window_goes_alone() {
        let mut taken = 0;
        let produce = |put: &mut dyn FnMut((), usize)| (0..3).for_each(|_| put((), WINDOW_BYTES * 2));
        run(threads(2), produce, |()| (), |()| taken += 1);
        assert_eq!(taken, 3);
    }

    #[test]
    fn whoever_takes_the_results_may_fail() {
        let produce = |put: &mut dyn FnMut((), usize)| (0..1000).for_each(|_| put((), WINDOW_BYTES));
        let failed = std::panic::catch_unwind(|| run(threads(2), produce, |()| (), |()| panic!("no room")));
        assert!(failed.is_err());
    }

    #[test]
    fn nothing_to_do_ends_at_once() {
        run(threads(2), |_: &mut dyn FnMut((), usize)| {}, |()| (), |()| unreachable!());
    }
}
