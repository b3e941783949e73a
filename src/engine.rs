//! The decision, pure: no I/O, no async, no logging, no client; the one clock is the engine's time limit.
//!
//! A [`review`] comes in; [`scope`] tells which policies of the [`policy_set`] concern it; [`workload`] finds the Pod
//! and its containers in it; [`decide`] has each [`policy`] judge it; [`answer`] says the outcome to the API server,
//! [`explain`] the reasons to a person. [`mutate`] has policies change the object first, and says so in a [`patch`].

pub mod decide;
pub mod explain;
pub mod inspected;
pub mod mutate;

pub mod answer;
pub mod mask;
pub mod patch;
pub mod review;
pub mod scope;
pub mod violation;
pub mod workload;

pub mod bundle;
pub mod config;
pub mod guard;
pub mod metadata;
pub mod policy;
pub mod policy_set;
pub mod rego;
pub mod source;

pub mod budget;
pub mod document;
pub mod json;
pub mod lint;
pub mod path;
pub mod pattern;
