//! Asks a server which certificate it shows, without believing it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::read::{Certificate, ReadError};

/// A server showed no certificate.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// It cannot be reached, or what answers does not speak TLS.
    #[error("shake hands with {address}: {why}")]
    Handshake {
        /// The address.
        address: String,
        /// What went wrong.
        why: io::Error,
    },
    /// It took too long.
    #[error("shake hands with {address}: no answer in {} ms", within.as_millis())]
    Late {
        /// The address.
        address: String,
        /// The time it had.
        within: Duration,
    },
    /// It showed something that is no certificate.
    #[error("read the certificate of {address}: {why}")]
    Certificate {
        /// The address.
        address: String,
        /// What is wrong.
        why: ReadError,
    },
}

/// The chain that `address`, a `host:port`, shows to a client that asks for `name`, leaf first.
pub async fn shown(address: &str, name: &str, within: Duration) -> Result<Vec<Certificate>, ProbeError> {
    let failed = |why| ProbeError::Handshake { address: address.to_owned(), why };
    let kept = Arc::new(Kept::new());
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(io::Error::other(error)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&kept) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let handshake = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(|_| ())
    };
    let Ok(shaken) = timeout(within, handshake).await else {
        return Err(ProbeError::Late { address: address.to_owned(), within });
    };
    let chain = kept.take();
    // A server that wants to know its client has shown its certificate before it refuses us.
    if let (true, Err(why)) = (chain.is_empty(), shaken) {
        return Err(failed(why));
    }
    let read = chain.into_iter().map(Certificate::read).collect::<Result<_, _>>();
    read.map_err(|why| ProbeError::Certificate { address: address.to_owned(), why })
}

/// Keeps what is shown. Signatures are checked, so that whoever shows a certificate has its key.
#[derive(Debug)]
struct Kept {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Kept {
    fn new() -> Self {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        Self { chain: Mutex::default(), algorithms }
    }

    fn take(&self) -> Vec<CertificateDer<'static>> {
        std::mem::take(&mut self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, chain: Vec<CertificateDer<'static>>) {
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
    }

    /// What was shown is forgotten if the signature is another's.
    fn owned(
        &self,
        signed: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if signed.is_err() {
            self.keep(Vec::new());
        }
        signed
    }
}

impl ServerCertVerifier for Kept {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.keep(std::iter::once(leaf).chain(between).map(|der| der.clone().into_owned()).collect());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.owned(verify_tls12_signature(message, certificate, signature, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.owned(verify_tls13_signature(message, certificate, signature, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
