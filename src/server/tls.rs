//! TLS as the server speaks it, and one handshake with itself that proves it before anyone else tries.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme, SupportedProtocolVersion,
    version,
};
use tokio::io::AsyncWriteExt;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::server::certificate::Certificates;
use crate::server::clients::Clients;

/// The oldest protocol version that is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinimumVersion {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

static FROM_TLS_12: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
static FROM_TLS_13: [&SupportedProtocolVersion; 1] = [&version::TLS13];

impl MinimumVersion {
    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => &FROM_TLS_12,
            Self::Tls13 => &FROM_TLS_13,
        }
    }
}

/// The server's side of TLS: `certificates` decides per handshake which certificate is in force, and `clients` who may
/// call.
pub(crate) fn server_config(
    certificates: Arc<Certificates>,
    minimum: MinimumVersion,
    clients: Option<Arc<Clients>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder =
        ServerConfig::builder_with_provider(certificates.provider()).with_protocol_versions(minimum.versions())?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificates);
    // The API server speaks HTTP/1.1 to services and keeps no session cache: tickets would only cost.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Shakes hands with the server in memory and checks that the certificate in force is served and its key signs.
///
/// The first handshake of a process takes aws-lc-rs some 30 ms; done here, no caller waits for it.
pub(crate) async fn prove(server: Arc<ServerConfig>, certificates: &Certificates) -> io::Result<()> {
    let provider = certificates.provider();
    let verifier = Pinned { leaf: certificates.leaf(), algorithms: provider.signature_verification_algorithms };
    let client = client_config(provider, verifier).map_err(io::Error::other)?;
    let (near, far) = tokio::io::duplex(16 * 1024);
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connect = TlsConnector::from(Arc::new(client)).connect(name, near);
    let accept = TlsAcceptor::from(server).accept(far);
    let (mut near, _far) = tokio::try_join!(connect, accept)?;
    near.shutdown().await
}

fn client_config(provider: Arc<CryptoProvider>, verifier: Pinned) -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Believes one certificate and no other: the one that is in force in this process.
#[derive(Debug)]
struct Pinned {
    leaf: Option<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.leaf.as_ref() == Some(end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::certificate::Source;

    #[tokio::test]
    async fn proves_an_ephemeral_certificate() {
        let certificates = Certificates::load(Source::Ephemeral { names: vec!["svc.ns.svc".to_owned()] }).unwrap();
        for minimum in [MinimumVersion::Tls12, MinimumVersion::Tls13] {
            let config = server_config(Arc::clone(&certificates), minimum, None).unwrap();
            prove(config, &certificates).await.unwrap();
        }
    }
}
