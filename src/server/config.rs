//! What can be set about the server, and what it is unless set.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::server::clients::Clients;
use crate::server::tls::MinimumVersion;

/// Addresses, limits and times of the server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where reviews are answered over TLS; port 0 takes a free one.
    pub webhook_address: SocketAddr,
    /// Where health and metrics are answered in the clear; port 0 takes a free one.
    pub operations_address: SocketAddr,
    /// The oldest TLS version answered.
    pub minimum_tls: MinimumVersion,
    /// Who may call; anybody if absent.
    pub clients: Option<Arc<Clients>>,
    /// The longest time for one answer, if the request asks for no shorter one.
    pub timeout: Duration,
    /// The largest body decided, in bytes. The API server escapes `<`, `>` and `&` to six bytes each, so an object of
    /// 1.5 MB, etcd's limit, can arrive in 9 MB and its update in 18.
    pub body_limit: usize,
    /// Memory for all bodies together, in bytes.
    pub body_memory: usize,
    /// Requests read or decided at a time.
    pub requests: usize,
    /// Connections open at a time, some 25 KiB each; as many as the limit on open files allows, if that is less.
    pub connections: usize,
    /// Handshakes under way at a time.
    pub handshakes: usize,
    /// Reviews of more than 32 KiB decided at a time.
    pub processors: usize,
    /// The longest handshake.
    pub handshake_timeout: Duration,
    /// From the first to the last byte of a request's head.
    pub head_timeout: Duration,
    /// How long a connection may be idle. The API server's client keeps idle connections for 90 s and loses requests
    /// if the server closes first.
    pub idle_timeout: Duration,
    /// How long to accept and serve after being asked to stop, while endpoints are taken out of the Service.
    pub drain_delay: Duration,
    /// How long to wait after that for what is in flight.
    pub drain_grace: Duration,
}

const MIB: usize = 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            webhook_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            operations_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9443)),
            minimum_tls: MinimumVersion::default(),
            clients: None,
            timeout: Duration::from_secs(10),
            body_limit: 12 * MIB,
            body_memory: 256 * MIB,
            requests: 2_048,
            connections: 10_240,
            handshakes: 4_096,
            processors: available_parallelism().map_or(1, usize::from),
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(5),
            drain_delay: Duration::from_secs(10),
            drain_grace: Duration::from_secs(15),
        }
    }
}
