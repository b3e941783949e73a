//! The Rego engine behind one door: no other file names the crate.

pub use regorus::Value;
