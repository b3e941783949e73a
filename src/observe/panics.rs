//! Panics as log events. The message is left out: it may quote what a user sent.

use std::panic;
use std::sync::Arc;

use crate::observe::Observe;
use crate::observe::event::Event;

/// Replaces the process's panic hook by one that logs the place of a panic and nothing of its message.
pub fn log_places_only(observe: Arc<Observe>) {
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        observe.event(&Event::Panicked { place: place.as_deref().unwrap_or("unknown") });
    }));
}
