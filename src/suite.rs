//! Test cases and their outcomes: manifests as a person keeps them, and the unit tests of policies.

pub mod verify;

pub mod cases;
pub mod coverage;
pub mod explain;
pub mod judge;
pub mod manifest;
pub mod resource;
pub mod review;
pub mod unit;
