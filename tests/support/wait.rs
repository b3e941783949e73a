//! Waiting, never for longer than a test may take.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Fails the test if `act` takes longer than any test may.
#[track_caller]
pub(crate) fn within<F: Future>(act: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move { timeout(Duration::from_mins(1), act).await.unwrap_or_else(|_| panic!("took too long: {caller}")) }
}

/// Waits until `claim` holds.
#[track_caller]
pub(crate) fn eventually(mut claim: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !claim() {
            assert!(Instant::now() < deadline, "never came true: {caller}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}
