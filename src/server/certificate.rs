//! The serving certificate: read, checked before it is believed, and swapped atomically while connections go on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// PEM files: the chain, leaf first, and its private key (PKCS#8, SEC1 or PKCS#1).
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Made at start and kept in memory only, for `localhost`, the loopback addresses and these names.
    Ephemeral {
        /// More DNS names or IP addresses.
        names: Vec<String>,
    },
}

/// A certificate that will not be served.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("read {}: {why}; check that it exists and is readable by this user", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The chain's file holds no certificate, or a broken one.
    #[error("{origin} holds no readable certificate: {why}; give a PEM chain, leaf first")]
    NoCertificate {
        /// Where the chain came from.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The key's file holds no private key that can be used. What it holds instead is never quoted.
    #[error("{origin} holds no usable private key: {why}; give an unencrypted PEM key: PKCS#8, SEC1 or PKCS#1")]
    NoKey {
        /// Where the key came from.
        origin: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Key and certificate are not a pair.
    #[error("the key in {key} does not belong to the certificate in {certificate}; replace both together")]
    Mismatch {
        /// Where the chain came from.
        certificate: String,
        /// Where the key came from.
        key: String,
    },
    /// The certificate's time is over.
    #[error("the certificate in {origin} expired at {at}; renew it")]
    Expired {
        /// Where the chain came from.
        origin: String,
        /// The end of its validity.
        at: Timestamp,
    },
    /// The certificate's time has not begun.
    #[error("the certificate in {origin} is not valid before {from}; check the clock or wait")]
    NotYetValid {
        /// Where the chain came from.
        origin: String,
        /// The beginning of its validity.
        from: Timestamp,
    },
    /// The ephemeral certificate could not be made.
    #[error("make an ephemeral certificate for {names:?}: {why}; check the names")]
    Ephemeral {
        /// The names asked for.
        names: Vec<String>,
        /// What is wrong with them.
        why: rcgen::Error,
    },
}

/// What is known of a certificate in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
}

/// The certificate in force, shared by every handshake.
///
/// **Invariant:** what is stored was parsed, paired with its key and within its validity when it was stored.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

impl Certificates {
    /// Loads the certificate for the first time.
    pub fn load(source: Source) -> Result<Arc<Self>, CertificateError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let current = match &source {
            Source::Files { certificate, key } => read_pair(certificate, key, &provider)?,
            Source::Ephemeral { names } => ephemeral(names, &provider)?,
        };
        Ok(Arc::new(Self { source, provider, current: ArcSwap::from_pointee(current) }))
    }

    /// Reads the files again and swaps the pair in if it is sound: its validity if it is another one than before. On
    /// an error the pair in force stays. Ephemeral certificates do not change.
    pub fn reload(&self) -> Result<Option<Validity>, CertificateError> {
        match &self.source {
            Source::Files { certificate, key } => {
                let read = read_pair(certificate, key, &self.provider)?;
                Ok(self.swap(read))
            }
            Source::Ephemeral { .. } => Ok(None),
        }
    }

    /// Puts a pair in force that does not come from files; `origin` names it in errors.
    pub fn replace(&self, origin: &str, chain: &[u8], key: &[u8]) -> Result<Option<Validity>, CertificateError> {
        let pair = Pair { chain, chain_origin: origin, key, key_origin: origin };
        let read = pair.check(&self.provider)?;
        Ok(self.swap(read))
    }

    /// The files to watch for changes.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.source {
            Source::Files { certificate, key } => vec![certificate.clone(), key.clone()],
            Source::Ephemeral { .. } => Vec::new(),
        }
    }

    /// The validity of the certificate in force.
    pub fn validity(&self) -> Validity {
        self.current.load().validity
    }

    /// The leaf in force, in DER.
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.current.load().key.cert.first().cloned()
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    /// Swaps `new` in; its validity if it is another certificate than before.
    fn swap(&self, new: Current) -> Option<Validity> {
        let new = Arc::new(new);
        let before = self.current.swap(Arc::clone(&new));
        (before.key.cert != new.key.cert).then_some(new.validity)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // One certificate whatever name is asked for: the API server checks the name, and some clients send none.
        Some(Arc::clone(&self.current.load().key))
    }
}

fn read_pair(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Current, CertificateError> {
    let read = |path: &Path| fs::read(path).map_err(|why| CertificateError::Read { path: path.to_owned(), why });
    let pair = Pair {
        chain: &read(certificate)?,
        chain_origin: &certificate.display().to_string(),
        key: &read(key)?,
        key_origin: &key.display().to_string(),
    };
    pair.check(provider)
}

/// PEM as read, not believed yet.
struct Pair<'a> {
    chain: &'a [u8],
    chain_origin: &'a str,
    key: &'a [u8],
    key_origin: &'a str,
}

impl Pair<'_> {
    fn check(&self, provider: &CryptoProvider) -> Result<Current, CertificateError> {
        let chain = self.parse_chain()?;
        let validity = self.validity(&chain)?;
        let key = PrivateKeyDer::from_pem_slice(self.key)
            .map_err(|_| self.no_key("it is empty, cut off, encrypted or something else"))?;
        match CertifiedKey::from_der(chain, key, provider) {
            Ok(key) => Ok(Current { key: Arc::new(key), validity }),
            Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::Mismatch {
                certificate: self.chain_origin.to_owned(),
                key: self.key_origin.to_owned(),
            }),
            Err(rustls::Error::InvalidCertificate(why)) => Err(self.no_certificate(format!("{why:?}"))),
            Err(_) => Err(self.no_key("it is not of RSA (2048 bits or more), ECDSA (P-256, P-384, P-521) or Ed25519")),
        }
    }

    fn parse_chain(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        CertificateDer::pem_slice_iter(self.chain)
            .collect::<Result<_, _>>()
            .map_err(|_| self.no_certificate("a PEM section is broken or cut off".to_owned()))
    }

    /// The validity of the leaf, if it is now: an old root may well stand behind it, and clients bring their own.
    fn validity(&self, chain: &[CertificateDer<'_>]) -> Result<Validity, CertificateError> {
        let leaf = chain.first().ok_or_else(|| self.no_certificate("no CERTIFICATE section".to_owned()))?;
        let (_, leaf) = X509Certificate::from_der(leaf).map_err(|why| self.no_certificate(why.to_string()))?;
        let seconds = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        let validity = Validity {
            from: seconds(leaf.validity().not_before.timestamp()),
            until: seconds(leaf.validity().not_after.timestamp()),
        };
        let now = Timestamp::now();
        let origin = || self.chain_origin.to_owned();
        if validity.until <= now {
            return Err(CertificateError::Expired { origin: origin(), at: validity.until });
        }
        if validity.from > now {
            return Err(CertificateError::NotYetValid { origin: origin(), from: validity.from });
        }
        Ok(validity)
    }

    fn no_certificate(&self, why: String) -> CertificateError {
        CertificateError::NoCertificate { origin: self.chain_origin.to_owned(), why }
    }

    fn no_key(&self, why: &'static str) -> CertificateError {
        CertificateError::NoKey { origin: self.key_origin.to_owned(), why }
    }
}

/// A self-signed ECDSA P-256 certificate: its handshake costs a quarter of an RSA-2048 one.
fn ephemeral(names: &[String], provider: &CryptoProvider) -> Result<Current, CertificateError> {
    let failed = |why| CertificateError::Ephemeral { names: names.to_vec(), why };
    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    all.extend(names.iter().filter(|name| !["localhost", "127.0.0.1", "::1"].contains(&name.as_str())).cloned());
    let mut params = rcgen::CertificateParams::new(all).map_err(failed)?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "portcullis ephemeral");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    // A day back for the clocks of others, and longer ahead than any local run.
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let midnight =
        |date: Date| rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    params.not_before = midnight(today.saturating_sub(Span::new().days(1)));
    params.not_after = midnight(today.saturating_add(Span::new().years(1)));
    let key = rcgen::KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let (chain, key) = (certificate.pem(), key.serialize_pem());
    let origin = "the ephemeral certificate";
    Pair { chain: chain.as_bytes(), chain_origin: origin, key: key.as_bytes(), key_origin: origin }.check(provider)
}
