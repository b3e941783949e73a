//! The webhook server: sockets, TLS, limits, health and drain around [`crate::admission`].

pub mod timeout;
