//! Reads certificates and checks them against keys, authorities and times.

use std::fmt;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::PrivateKey;

/// What was read is no certificate.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A PEM section is broken.
    #[error("a PEM section is broken or cut off")]
    Pem,
    /// A section holds something else.
    #[error("a section holds no certificate: {0}")]
    Certificate(String),
}

/// A certificate, read and not believed.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    /// The subject, such as `CN=portcullis.platform.svc`.
    pub subject: String,
    /// The subject's common name, or nothing.
    pub common_name: String,
    /// The issuer.
    pub issuer: String,
    /// DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// The beginning of its validity.
    pub from: Timestamp,
    /// The end of its validity.
    pub until: Timestamp,
    /// Whether it may sign others.
    pub is_authority: bool,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} {} until {})", self.subject, self.fingerprint(), self.until)
    }
}

/// Every certificate of a PEM text, in its order. What is not a certificate is passed over.
pub fn read_all(pem: &[u8]) -> Result<Vec<Certificate>, ReadError> {
    let sections: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| ReadError::Pem)?;
    sections.into_iter().map(Certificate::read).collect()
}

/// Certificates as one PEM text.
pub fn write_all<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(Certificate::pem).collect()
}

/// The first private key of a PEM text, or nothing.
pub fn has_key(pem: &[u8]) -> bool {
    PrivateKeyDer::from_pem_slice(pem).is_ok()
}

impl Certificate {
    /// Reads a certificate from DER.
    pub fn read(der: CertificateDer<'static>) -> Result<Self, ReadError> {
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| ReadError::Certificate(error.to_string()))?;
        let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        let names = parsed.subject_alternative_name().ok().flatten();
        let certificate = Self {
            subject: parsed.subject().to_string(),
            common_name: parsed
                .subject()
                .iter_common_name()
                .next()
                .and_then(|name| name.as_str().ok())
                .unwrap_or_default()
                .to_owned(),
            issuer: parsed.issuer().to_string(),
            names: names.map(|names| names.value.general_names.iter().filter_map(name).collect()).unwrap_or_default(),
            from: time(parsed.validity().not_before.timestamp()),
            until: time(parsed.validity().not_after.timestamp()),
            is_authority: parsed.is_ca(),
            der: CertificateDer::from(Vec::new()),
        };
        Ok(Self { der, ..certificate })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        let text = BASE64.encode(&self.der);
        let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// The SHA-256 digest of the DER, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(&self.der))
    }

    /// Whether `at` lies within its validity.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// When two thirds of its life are over.
    pub fn due(&self) -> Timestamp {
        let third = self.until.as_second().saturating_sub(self.from.as_second()) / 3;
        Timestamp::from_second(self.until.as_second().saturating_sub(third)).unwrap_or(self.until)
    }

    /// Whether `key` is its private key.
    pub fn fits(&self, key: &PrivateKey) -> bool {
        let Ok(key) = PrivateKeyDer::from_pem_slice(key.pem().as_bytes()) else { return false };
        CertifiedKey::from_der(vec![self.der.clone()], key, &provider()).is_ok()
    }

    /// Why a client that trusts `authorities` would not believe it under `name` at `at`; `chain` stands behind it.
    pub fn refused(&self, chain: &[Self], authorities: &[Self], name: &str, at: Timestamp) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.der.clone()).map_err(|error| error.to_string())?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| error.to_string())?;
        let name = ServerName::try_from(name.to_owned()).map_err(|error| format!("{name:?}: {error}"))?;
        let between: Vec<CertificateDer<'_>> = chain.iter().map(|certificate| certificate.der.clone()).collect();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.as_second().unsigned_abs()));
        verifier.verify_server_cert(&self.der, &between, &name, &[], at).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Whether `authority` alone is enough to believe it at `at`, under one of its own names.
    pub fn is_issued_by(&self, authority: &Self, at: Timestamp) -> bool {
        let name = self.names.first().map_or("", String::as_str);
        self.refused(&[], std::slice::from_ref(authority), name, at).is_ok()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(four) => Some(std::net::IpAddr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(|sixteen| std::net::IpAddr::from(sixteen).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{issue, service_names};
    use super::*;

    const YEAR: Duration = Duration::from_hours(24 * 365);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_an_authority_signs_is_believed_under_each_name_and_no_other() {
        let now = at("2026-11-21T10:00:00Z");
        let made = issue::authority(now, YEAR * 10).unwrap();
        let authority = read_all(made.certificate.as_bytes()).unwrap().remove(0);
        let names = service_names("portcullis", "platform");
        let leaf = issue::serving(&authority, &made.key, &names, now, YEAR).unwrap();
        let certificate = read_all(leaf.certificate.as_bytes()).unwrap().remove(0);
        assert!(authority.is_authority && !certificate.is_authority);
        assert!(certificate.fits(&leaf.key) && !certificate.fits(&made.key) && authority.fits(&made.key));
        assert_eq!(certificate.names, names);
        let trusted = std::slice::from_ref(&authority);
        for name in &names {
            assert_eq!(certificate.refused(&[], trusted, name, now), Ok(()));
        }
        assert!(certificate.refused(&[], trusted, "other.platform.svc", now).is_err());
        assert!(certificate.refused(&[], trusted, "portcullis", now + Duration::from_hours(24 * 366)).is_err());
        // Somebody whose clock is half an hour behind.
        assert_eq!(certificate.refused(&[], trusted, "portcullis", now - Duration::from_mins(30)), Ok(()));
        let other = read_all(issue::authority(now, YEAR).unwrap().certificate.as_bytes()).unwrap().remove(0);
        assert!(!certificate.is_issued_by(&other, now));
    }

    #[test]
    fn a_certificate_does_not_outlive_its_authority() {
        let now = at("2026-11-21T10:00:00Z");
        let made = issue::authority(now, Duration::from_hours(10)).unwrap();
        let authority = read_all(made.certificate.as_bytes()).unwrap().remove(0);
        let leaf = issue::serving(&authority, &made.key, &service_names("a", "b"), now, YEAR).unwrap();
        assert_eq!(read_all(leaf.certificate.as_bytes()).unwrap()[0].until, authority.until);
    }

    #[test]
    fn a_certificate_is_due_after_two_thirds_of_its_life() {
        let now = at("2026-11-21T10:00:00Z");
        for (lifetime, until_due) in [(30, 19), (3600, 2280), (31_536_000, 21_022_800)] {
            let made = issue::authority(now, Duration::from_secs(lifetime)).unwrap();
            let due = read_all(made.certificate.as_bytes()).unwrap()[0].due();
            assert_eq!(due.duration_since(now).as_secs(), until_due, "of {lifetime} s");
        }
    }

    #[test]
    fn pem_survives_reading_and_writing() {
        let made = issue::authority(at("2026-11-21T10:00:00Z"), YEAR).unwrap().certificate;
        let twice = format!("{made}some words\n{made}");
        let read = read_all(twice.as_bytes()).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read_all(write_all(&read).as_bytes()).unwrap(), read);
        assert!(read_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
        assert!(read_all(b"-----BEGIN CERTIFICATE-----\nAAAA").is_err());
        assert_eq!(read_all(b"").unwrap(), []);
    }

    #[test]
    fn a_key_is_never_shown() {
        let made = issue::authority(at("2026-11-21T10:00:00Z"), YEAR).unwrap();
        let shown = format!("{made:?}");
        assert!(!shown.contains("PRIVATE") && shown.contains("hidden"), "{shown}");
    }
}
