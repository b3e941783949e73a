//! Makes certificates: an authority, and what it signs. ECDSA P-256 throughout, since a handshake with it costs a
//! quarter of one with RSA and every client knows it.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use thiserror::Error;

use super::PrivateKey;
use super::read::Certificate;

/// For how long before it was made a certificate is valid, at most: clocks of others are behind.
const BACKDATED: Duration = Duration::from_hours(1);

/// A certificate that could not be made.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The names or the time cannot be written into a certificate.
    #[error("make a certificate for {subject}: {why}")]
    Certificate {
        /// Whom it would have been for.
        subject: String,
        /// What is wrong.
        why: rcgen::Error,
    },
    /// The authority's key is none.
    #[error("read the authority's private key: it is no ECDSA, RSA or Ed25519 key in PEM")]
    AuthorityKey,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate in PEM.
    pub certificate: String,
    /// Its key.
    pub key: PrivateKey,
}

/// Makes an authority that signs serving certificates and nothing else.
pub fn authority(now: Timestamp, lifetime: Duration) -> Result<Issued, IssueError> {
    // A name of its own: two authorities of one name in a bundle are told apart by their keys only.
    let subject = format!("portcullis authority {now:.0}");
    let failed = |why| IssueError::Certificate { subject: subject.clone(), why };
    let mut params = params(&subject, Vec::new(), now, lifetime).map_err(failed)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Issued { certificate: certificate.pem(), key: PrivateKey::new(key.serialize_pem()) })
}

/// Makes a serving certificate for `names`, signed by `authority`. It does not outlive its authority.
pub fn serving(
    authority: &Certificate,
    authority_key: &PrivateKey,
    names: &[String],
    now: Timestamp,
    lifetime: Duration,
) -> Result<Issued, IssueError> {
    let subject = names.get(2).or_else(|| names.first()).map_or("portcullis", String::as_str);
    let failed = |why| IssueError::Certificate { subject: subject.to_owned(), why };
    let left = Duration::try_from(authority.until.duration_since(now)).unwrap_or_default();
    let mut params = params(subject, names.to_vec(), now, lifetime.min(left)).map_err(failed)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.signed_by(&key, &issuer(authority, authority_key)?).map_err(failed)?;
    Ok(Issued { certificate: certificate.pem(), key: PrivateKey::new(key.serialize_pem()) })
}

/// What the signature says of the authority: its name and its key. An authority of other making may differ in more;
/// who signs by it checks what came out.
fn issuer(authority: &Certificate, key: &PrivateKey) -> Result<Issuer<'static, KeyPair>, IssueError> {
    let key = KeyPair::from_pem(key.pem()).map_err(|_| IssueError::AuthorityKey)?;
    let mut named = CertificateParams::default();
    named.distinguished_name = rcgen::DistinguishedName::new();
    named.distinguished_name.push(DnType::CommonName, authority.common_name.as_str());
    named.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(Issuer::new(named, key))
}

fn params(
    subject: &str,
    names: Vec<String>,
    now: Timestamp,
    lifetime: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    let second = Duration::from_secs(now.as_second().unsigned_abs());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    // No more than a tenth, so that a short life is still a life and its second third ends in the future.
    params.not_before = epoch + second.saturating_sub(BACKDATED.min(lifetime / 10));
    params.not_after = epoch + second.saturating_add(lifetime);
    Ok(params)
}
