//! What `policy serve` does in a cluster: Namespaces are watched, and certificates kept in a Secret if asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::admission::{FactSource, NoCluster};
use crate::certificate::service_names;
use crate::cluster::certificates::{Settings, keep};
use crate::cluster::events;
use crate::cluster::namespaces::{Namespaces, RESOURCE};
use crate::cluster::{Cluster, connect};
use crate::observe::Observe;
use crate::server::Parts;
use crate::server::certificate::Source;
use crate::server::clients::Clients;
use crate::server::readiness::Readiness;

/// How long readiness waits for the first list of Namespaces. A server without one answers all the same: what depends
/// on a label that is not known follows the policy's fail mode.
const FIRST_LIST: Duration = Duration::from_secs(30);

/// Where the certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CertificateKind {
    /// From the files of --tls-cert and --tls-key: provided by you, or by cert-manager.
    Files,
    /// Made at start and kept in memory, for trying out.
    Ephemeral,
    /// Made and renewed by the replicas themselves, in a Secret that they share; needs --cluster.
    SelfManaged,
}

/// What is done in a cluster.
#[derive(Args, Debug)]
pub(super) struct ClusterArgs {
    /// Connect to the API server, by the Pod's service account or KUBECONFIG, and watch Namespaces, so that policies
    /// and exemptions may depend on their labels.
    #[arg(long, env = "PORTCULLIS_CLUSTER")]
    cluster: bool,

    /// Where the certificate comes from: files if --tls-cert is given, ephemeral otherwise.
    #[arg(long, value_enum, value_name = "KIND", env = "PORTCULLIS_CERTIFICATES")]
    certificates: Option<CertificateKind>,

    /// The namespace of this server.
    #[arg(long, value_name = "NAME", env = "PORTCULLIS_NAMESPACE")]
    namespace: Option<String>,

    /// The Service that the API server calls, in that namespace: the certificate is for its names.
    #[arg(long, value_name = "NAME", default_value = "portcullis", env = "PORTCULLIS_SERVICE")]
    service: String,

    /// The Secret that self-managed certificates are kept in, in that namespace: ca.crt, ca.key, tls.crt, tls.key.
    #[arg(long, value_name = "NAME", default_value = "portcullis-tls", env = "PORTCULLIS_TLS_SECRET")]
    tls_secret: String,

    /// The Lease that a replica holds while it renews certificates, in that namespace.
    #[arg(long, value_name = "NAME", default_value = "portcullis-certificates", env = "PORTCULLIS_LEASE")]
    lease: String,

    /// The webhook configuration, validating and mutating, whose caBundle follows the Secret; may be given several times.
    #[arg(long, value_name = "NAME", value_delimiter = ',', env = "PORTCULLIS_WEBHOOK_CONFIGURATION")]
    webhook_configuration: Vec<String>,

    /// Write an Event into the namespace of each workload that is refused, about its controller or itself; needs
    /// --cluster. Equal ones are counted into one, and many are written slowly.
    #[arg(long, env = "PORTCULLIS_EVENTS")]
    events: bool,

    /// This replica's name, which the Lease and Events show.
    #[arg(long, value_name = "NAME", env = "PORTCULLIS_POD_NAME")]
    pod_name: Option<String>,

    /// How long a self-managed serving certificate is valid; it is renewed at two thirds. A number and s, m, h, d or y.
    #[arg(long, value_name = "TIME", default_value = "1y", env = "PORTCULLIS_CERTIFICATE_LIFETIME", value_parser = lifetime)]
    certificate_lifetime: Duration,

    /// How long a self-managed authority is valid; it is replaced at two thirds, without a moment of distrust.
    #[arg(long, value_name = "TIME", default_value = "10y", env = "PORTCULLIS_CA_LIFETIME", value_parser = lifetime)]
    ca_lifetime: Duration,

    /// PEM file with the authorities that sign for clients; without it anybody who reaches the port may ask.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CLIENT_CA")]
    client_ca: Option<PathBuf>,

    /// Name that a client's certificate has to carry, as its common name or an alternative name; may be given several
    /// times, any name if left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "client_ca", env = "PORTCULLIS_CLIENT_NAME")]
    client_name: Vec<String>,
}

/// A connection, what is known by it and what is to be done by it.
pub(super) struct Connected {
    cluster: Cluster,
    namespaces: Arc<Namespaces>,
    certificates: Option<Settings>,
    /// In whose name to write Events, if they are asked for.
    events: Option<String>,
}

impl ClusterArgs {
    /// Whether refusals become Events.
    pub(super) fn writes_events(&self) -> bool {
        self.events
    }

    /// Where the certificate comes from, given the files that were named.
    pub(super) fn certificate_source(&self, files: Option<(PathBuf, PathBuf)>) -> anyhow::Result<Source> {
        let kind = match (self.certificates, &files) {
            (Some(kind), _) => kind,
            (None, Some(_)) => CertificateKind::Files,
            (None, None) => CertificateKind::Ephemeral,
        };
        match (kind, files) {
            (CertificateKind::Files, Some((certificate, key))) => Ok(Source::Files { certificate, key }),
            (CertificateKind::Files, None) => bail!("--certificates files needs --tls-cert and --tls-key"),
            (CertificateKind::Ephemeral | CertificateKind::SelfManaged, Some(_)) => {
                bail!("--tls-cert and --tls-key are for --certificates files")
            }
            (CertificateKind::Ephemeral, None) => Ok(Source::Ephemeral { names: Vec::new() }),
            // Until the Secret's is there, and no request is sent before.
            (CertificateKind::SelfManaged, None) => {
                let names = self.namespace.as_deref().map(|namespace| service_names(&self.service, namespace));
                Ok(Source::Ephemeral { names: names.unwrap_or_default() })
            }
        }
    }

    /// Who may call, if not anybody.
    pub(super) fn clients(&self) -> anyhow::Result<Option<Arc<Clients>>> {
        let clients = self.client_ca.clone().map(|file| Clients::load(file, self.client_name.clone()));
        Ok(clients.transpose()?)
    }

    /// Connects, if that is asked for. Needs a tokio runtime.
    pub(super) async fn connect(&self, observe: &Arc<Observe>) -> anyhow::Result<Option<Connected>> {
        let certificates = self.settings()?;
        if !self.cluster {
            if self.events {
                bail!("--events needs --cluster: Events are written by the API server");
            }
            return Ok(None);
        }
        let cluster = connect().await?;
        let namespaces = Namespaces::watch(&cluster, Arc::clone(observe));
        let events = self.events.then(|| self.replica());
        Ok(Some(Connected { cluster, namespaces, certificates, events }))
    }

    fn replica(&self) -> String {
        self.pod_name.clone().unwrap_or_else(|| format!("policy-{}", std::process::id()))
    }

    fn settings(&self) -> anyhow::Result<Option<Settings>> {
        if self.certificates != Some(CertificateKind::SelfManaged) {
            return Ok(None);
        }
        if !self.cluster {
            bail!("--certificates self-managed needs --cluster: certificates are kept in a Secret");
        }
        let namespace = self.namespace.clone().context("--certificates self-managed needs --namespace")?;
        Ok(Some(Settings {
            namespace,
            service: self.service.clone(),
            secret: self.tls_secret.clone(),
            lease: self.lease.clone(),
            configurations: self.webhook_configuration.clone(),
            replica: self.replica(),
            authority_lifetime: self.ca_lifetime,
            serving_lifetime: self.certificate_lifetime,
        }))
    }
}

/// The facts that decisions are made by.
pub(super) fn facts(connected: Option<&Connected>) -> Box<dyn FactSource> {
    match connected {
        Some(connected) => Box::new(Arc::clone(&connected.namespaces)),
        None => Box::new(NoCluster),
    }
}

impl Connected {
    /// Goes to work beside the server.
    pub(super) fn start(self, parts: &Parts) {
        show_namespaces(&parts.readiness, &self.namespaces, Arc::clone(&parts.observe));
        let (readiness, namespaces) = (Arc::clone(&parts.readiness), self.namespaces);
        readiness.wait_for(RESOURCE, "not listed yet");
        tokio::spawn(async move {
            let _ = tokio::time::timeout(FIRST_LIST, namespaces.listed()).await;
            readiness.met(RESOURCE);
        });
        if let Some(replica) = &self.events {
            events::tell(&self.cluster, replica, &parts.observe);
        }
        if let Some(settings) = self.certificates {
            keep(self.cluster, settings, parts.clone());
        }
    }
}

/// How many are known, and how old that is.
fn show_namespaces(readiness: &Readiness, namespaces: &Arc<Namespaces>, observe: Arc<Observe>) {
    let namespaces = Arc::clone(namespaces);
    readiness.show("namespaces-cache", move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        match observe.metrics().cluster().in_step(RESOURCE) {
            Some(at) => format!("{} known, in step {:.0} s ago", namespaces.count(), (now - at).max(0.0)),
            None => "none known, the API server has not answered yet".to_owned(),
        }
    });
}

/// A time such as `1y`, `30d` or `90s`.
pub(crate) fn lifetime(text: &str) -> Result<Duration, String> {
    let wanted = || format!("{text:?} is no time from 10s to 100y: give a number and s, m, h, d or y, such as 1y");
    let unit = text.chars().next_back().ok_or_else(wanted)?;
    let number: u64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(wanted)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'y' => YEAR,
        _ => return Err(wanted()),
    };
    let total = number.checked_mul(seconds).filter(|total| (10..=100 * YEAR).contains(total)).ok_or_else(wanted)?;
    Ok(Duration::from_secs(total))
}

const YEAR: u64 = 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_and_a_unit() {
        for (text, seconds) in [("10s", 10), ("90m", 5_400), ("1d", 86_400), ("10y", 10 * YEAR)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in ["", "10", "y", "9s", "-1y", "1.5y", "101y", "1w", "1é", "18446744073709551615y"] {
            assert!(lifetime(wrong).unwrap_err().contains("10s to 100y"), "{wrong}");
        }
    }
}
