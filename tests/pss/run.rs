//! The generated Pods of one run, shared out to threads.

use std::env::var;
use std::fmt::Display;
use std::str::FromStr;
use std::thread;

use serde_json::Value;

use super::generator;

/// Which Pods are made. `PORTCULLIS_PSS_SEED` and `PORTCULLIS_PSS_PODS` change it; whoever finds a difference needs the
/// seed to see it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) pods: u64,
}

/// How many threads share the work.
const THREADS: u64 = 2;

impl Run {
    /// So many Pods, unless the environment says otherwise.
    pub(super) fn of(pods: u64) -> Self {
        let run = Self { seed: setting("PORTCULLIS_PSS_SEED", 20_261_121), pods: setting("PORTCULLIS_PSS_PODS", pods) };
        println!("PORTCULLIS_PSS_SEED={} PORTCULLIS_PSS_PODS={}", run.seed, run.pods);
        run
    }

    /// Has each thread make something of its Pods, which come with their numbers.
    pub(super) fn share<T: Send>(self, work: impl Fn(&mut dyn Iterator<Item = (u64, Value)>) -> T + Sync) -> Vec<T> {
        thread::scope(|scope| {
            let work = &work;
            let of_thread = |first: u64| {
                let numbers = (first..self.pods).step_by(usize::try_from(THREADS).unwrap());
                scope.spawn(move || work(&mut numbers.map(|number| (number, generator::pod(self.seed, number)))))
            };
            let threads: Vec<_> = (0..THREADS).map(of_thread).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
}

fn setting<T: FromStr<Err: Display>>(name: &str, default: T) -> T {
    let Ok(text) = var(name) else { return default };
    text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}"))
}
