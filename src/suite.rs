//! Test cases and their outcomes: manifests as a person keeps them, and the unit tests of policies.

pub mod base;
pub mod judge;
pub mod manifest;
pub mod namespaces;
pub mod resource;
pub mod review;
pub mod stream;
pub mod unit;
