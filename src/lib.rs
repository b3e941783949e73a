//! Portcullis decides admission to a Kubernetes cluster by Rego policies: the same pure function answers the API
//! server's webhook calls and judges manifests in CI.
//!
//! Read [`engine`] first: it holds the decision and nothing that touches the world. [`admission`] is the act built on
//! it; everything else brings that act its inputs or carries its answer away.

pub mod admission;
pub mod certificate;
pub mod engine;

pub mod cli;
pub mod cluster;
pub mod server;
pub mod suite;

pub mod observe;
pub mod report;
pub mod schema;
pub mod source;
