//! Handshakes that have not ended: bounded in time and in number. When there are too many the oldest is cut, since an
//! honest one takes milliseconds; so silent peers cannot keep the others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// The handshakes under way, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Handshakes {
    most: usize,
    pending: Arc<Mutex<Pending>>,
}

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    cut: BTreeMap<u64, oneshot::Sender<()>>,
}

/// One handshake's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    pending: Arc<Mutex<Pending>>,
    cut: oneshot::Receiver<()>,
}

impl Handshakes {
    /// At most `most` at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, pending: Arc::default() }
    }

    /// A place for one more, at the expense of the oldest if need be.
    pub(crate) fn begin(&self) -> Place {
        let (sender, cut) = oneshot::channel();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.cut.len() >= self.most {
            pending.cut.pop_first();
        }
        let number = pending.next;
        pending.next = number.wrapping_add(1);
        pending.cut.insert(number, sender);
        Place { number, pending: Arc::clone(&self.pending), cut }
    }
}

impl Place {
    /// Returns when this handshake has to make room.
    pub(crate) async fn lost(&mut self) {
        // The sender is dropped, never used.
        let _ = (&mut self.cut).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).cut.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let handshakes = Handshakes::new(2);
        let (mut first, second, _third) = (handshakes.begin(), handshakes.begin(), handshakes.begin());
        first.lost().await;
        drop(second);
        let _fourth = handshakes.begin();
        assert_eq!(handshakes.pending.lock().unwrap().cut.len(), 2);
    }
}
