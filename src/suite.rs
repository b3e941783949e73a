//! Test cases and their outcomes: manifests as a person keeps them, and the unit tests of policies.

pub mod base;
mod class;
mod conveyor;
mod cut;
mod document;
pub mod verify;

pub mod cases;
pub mod coverage;
pub mod explain;
pub mod judge;
pub mod manifest;
pub mod mutation;
pub mod namespaces;
mod piece;
pub mod resource;
pub mod review;
pub mod rewrite;
pub mod spool;
pub mod stream;
pub mod unit;
mod values;
mod walk;
