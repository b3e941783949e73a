//! Verdicts as text for people. The JSON forms are the reports' own, by serde.

pub mod text;
