//! Who may call: clients whose certificate an authority of ours signed, and among them those of certain names. The
//! authorities are read from a file and again when it changes.
//!
//! An API server shows a certificate only if its configuration says so
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers>).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use thiserror::Error;

use crate::certificate::read::{Certificate, ReadError, read_all};

/// Nobody could be told from anybody.
#[derive(Debug, Error)]
pub enum ClientsError {
    /// The file cannot be read.
    #[error("read {}: {why}; check that it exists and is readable by this user", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// It holds something else.
    #[error("{} holds no readable certificate: {why}; give the authorities in PEM", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ReadError,
    },
    /// It holds nobody whom one could trust.
    #[error("{} holds no authority: {why}; give the authorities in PEM", path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Who may call.
pub struct Clients {
    file: PathBuf,
    names: Vec<String>,
    current: ArcSwap<Authorities>,
}

struct Authorities {
    certificates: Vec<Certificate>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("file", &self.file).field("names", &self.names).finish_non_exhaustive()
    }
}

impl Clients {
    /// Those whose certificate is signed by an authority in `file` and carries one of `names`, as its common name or
    /// among its alternative names; any name if there are none.
    pub fn load(file: PathBuf, names: Vec<String>) -> Result<Arc<Self>, ClientsError> {
        let current = ArcSwap::from_pointee(read(&file)?);
        Ok(Arc::new(Self { file, names, current }))
    }

    /// Reads the file again; whether others are in force now. On an error those in force stay.
    pub fn reload(&self) -> Result<bool, ClientsError> {
        let read = read(&self.file)?;
        let changed = read.certificates != self.current.load().certificates;
        if changed {
            self.current.store(Arc::new(read));
        }
        Ok(changed)
    }

    /// The file to watch.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn may_call(&self, certificate: &CertificateDer<'_>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let Ok(certificate) = Certificate::read(certificate.clone().into_owned()) else { return false };
        let is_one = |name: &String| *name == certificate.common_name || certificate.names.contains(name);
        self.names.iter().any(is_one)
    }
}

fn read(file: &Path) -> Result<Authorities, ClientsError> {
    let text = fs::read(file).map_err(|why| ClientsError::Read { path: file.to_owned(), why })?;
    let certificates = read_all(&text).map_err(|why| ClientsError::Broken { path: file.to_owned(), why })?;
    let nobody = |why: String| ClientsError::Nobody { path: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.der().clone()).map_err(|error| nobody(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| nobody(error.to_string()))?;
    Ok(Authorities { certificates, verifier })
}

impl ClientCertVerifier for Clients {
    /// No hints: they could change between two handshakes, and the API server has one certificate for us at most.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.current.load().verifier.verify_client_cert(leaf, between, now)?;
        if self.may_call(leaf) { Ok(verified) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().verifier.supported_verify_schemes()
    }
}
