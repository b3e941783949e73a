//! The decision, pure: no I/O, no async, no logging, no client; the one clock is the engine's time limit.

pub mod document;
pub mod guard;
pub mod json;
pub mod pattern;
pub mod rego;
pub mod review;
pub mod scope;
pub mod source;
pub mod workload;
