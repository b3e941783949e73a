//! X.509 as the cluster and the command line need it: authorities and serving certificates are made, read and checked
//! here, with nothing remembered. What the server serves by is [`crate::server::certificate`].

pub mod issue;
pub mod probe;
pub mod read;

use std::fmt;

/// A private key in PEM, which no log and no error ever shows.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(String);

impl PrivateKey {
    /// A key from PEM; nothing is checked.
    pub fn new(pem: impl Into<String>) -> Self {
        Self(pem.into())
    }

    /// The PEM, for a file of mode 0600 or a Secret.
    pub fn pem(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(hidden)")
    }
}

/// The names under which a Service is called; the API server uses the third.
pub fn service_names(service: &str, namespace: &str) -> Vec<String> {
    vec![
        service.to_owned(),
        format!("{service}.{namespace}"),
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
    ]
}
