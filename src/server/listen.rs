//! The sockets, bound before anything is served, so that the ports are known and a taken one is said early.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};

use crate::server::config::Config;

/// Connections the system holds until we accept them: a restart brings hundreds at once.
const BACKLOG: u32 = 4096;

/// Descriptors kept for everything but connections.
const SPARE_FILES: usize = 128;

/// An address cannot be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another process has it.
    #[error("listen on {address} for {purpose}: the port is in use; stop what uses it or choose another address")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// `reviews` or `health and metrics`.
        purpose: &'static str,
    },
    /// Anything else.
    #[error("listen on {address} for {purpose}: {why}; choose an address of this machine and a port this user may use")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// `reviews` or `health and metrics`.
        purpose: &'static str,
        /// What the system said.
        why: io::Error,
    },
}

/// Both sockets, bound and not yet served.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) webhook: TcpListener,
    pub(crate) operations: StdListener,
    webhook_address: SocketAddr,
    operations_address: SocketAddr,
}

impl Listeners {
    /// Binds both. Needs a tokio runtime.
    pub fn bind(config: &Config) -> Result<Self, BindError> {
        let (webhook, webhook_address) = bind(config.webhook_address, "reviews", Ok)?;
        let (operations, operations_address) =
            bind(config.operations_address, "health and metrics", TcpListener::into_std)?;
        Ok(Self { webhook, operations, webhook_address, operations_address })
    }

    /// Where reviews are answered.
    pub fn webhook_address(&self) -> SocketAddr {
        self.webhook_address
    }

    /// Where health and metrics are answered.
    pub fn operations_address(&self) -> SocketAddr {
        self.operations_address
    }
}

fn bind<L>(
    address: SocketAddr,
    purpose: &'static str,
    finish: impl FnOnce(TcpListener) -> io::Result<L>,
) -> Result<(L, SocketAddr), BindError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restarted server takes its port back although old connections linger.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let bound = listener.local_addr()?;
        Ok((finish(listener)?, bound))
    };
    listen().map_err(|why: io::Error| match why.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, purpose },
        _ => BindError::Refused { address, purpose, why },
    })
}

/// How many of `wanted` connections the limit on open files allows; without Linux's `/proc`, all.
pub(crate) fn affordable(wanted: usize) -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    soft_file_limit(&limits).map_or(wanted, |files| wanted.min(files.saturating_sub(SPARE_FILES)).max(1))
}

fn soft_file_limit(limits: &str) -> Option<usize> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_soft_limit_on_open_files() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_file_limit(limits), Some(1024));
        assert_eq!(soft_file_limit("Max open files            unlimited            unlimited            files"), None);
        assert_eq!(soft_file_limit(""), None);
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_a_remedy() {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config { webhook_address: free, operations_address: free, ..Config::default() };
        let first = Listeners::bind(&config).unwrap();
        let taken = Config { operations_address: first.webhook_address(), ..config };
        let error = Listeners::bind(&taken).unwrap_err();
        assert!(matches!(error, BindError::InUse { address, .. } if address == first.webhook_address()), "{error}");
    }
}
