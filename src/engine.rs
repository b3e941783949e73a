//! The decision, pure: no I/O, no async, no logging, no client; the one clock is the engine's time limit.

pub mod document;
pub mod path;
pub mod rego;
