//! `policy verify --watch`: runs again whenever a file of the directory changes.

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::Work;
use crate::cli::{CLEAN, output};
use crate::source::watch::{Change, Pace, watch};

/// Runs until interrupted. What cannot be loaded is complained of, and watched on.
pub(super) fn run(work: &Work) -> anyhow::Result<u8> {
    let paths = work.location.paths();
    if paths.is_empty() {
        bail!("--watch needs a directory, for the shipped policies do not change: policy verify --watch DIR");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        // Watched before the first run, so that no change between the two is missed.
        let (_guard, mut changes) = watch(&paths, Pace::default())?;
        loop {
            output::hint(&format!("--- {:.0} ---", Timestamp::now()));
            let once = work.clone();
            let running = tokio::task::spawn_blocking(move || once.run());
            tokio::select! {
                result = &mut interrupted => return result.context("wait for an interrupt"),
                done = running => match done {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => output::complain(&error),
                    Err(panic) => output::complain(&anyhow::Error::new(panic)),
                },
            }
            loop {
                tokio::select! {
                    result = &mut interrupted => return result.context("wait for an interrupt"),
                    change = changes.recv() => match change {
                        Some(Change::Noticed) => break,
                        // Nothing is said where nothing is known to have changed.
                        Some(Change::Tick) => {}
                        None => bail!("files are no longer watched"),
                    },
                }
            }
        }
    });
    // A run that was interrupted is not waited for: its tests may take long.
    runtime.shutdown_background();
    ended.map(|()| CLEAN)
}
