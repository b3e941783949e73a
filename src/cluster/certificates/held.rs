//! What the Secret holds: authorities, newest first, the newest one's key, the serving certificate and its key. Anything
//! may stand in a Secret; what cannot be used counts as absent.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::certificate::PrivateKey;
use crate::certificate::issue::Issued;
use crate::certificate::read::{Certificate, read_all, write_all};

/// The keys of the Secret; those of `kubernetes.io/tls` and cert-manager's, and one more.
pub(crate) const AUTHORITIES: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
pub(crate) const CHAIN: &str = "tls.crt";
pub(crate) const CHAIN_KEY: &str = "tls.key";

/// A Secret's data.
pub type Data = BTreeMap<String, Vec<u8>>;

/// A Secret as far as it can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Who is to be trusted, newest first. The first signs.
    pub authorities: Vec<Certificate>,
    /// The first authority's key, if it is that.
    pub authority_key: Option<PrivateKey>,
    /// The serving certificate.
    pub leaf: Option<Leaf>,
}

/// A serving certificate with its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

impl Held {
    /// Reads a Secret's data.
    pub fn read(data: &Data) -> Self {
        let text = |name: &str| data.get(name).map(Vec::as_slice).unwrap_or_default();
        let key = |name: &str| std::str::from_utf8(text(name)).ok().map(PrivateKey::new);
        let authorities = read_all(text(AUTHORITIES)).unwrap_or_default();
        let authority_key =
            key(AUTHORITY_KEY).filter(|key| authorities.first().is_some_and(|authority| authority.fits(key)));
        let leaf = read_all(text(CHAIN)).unwrap_or_default().into_iter().next();
        let leaf = leaf.zip(key(CHAIN_KEY)).map(|(certificate, key)| Leaf { certificate, key });
        Self { authorities, authority_key, leaf: leaf.filter(|leaf| leaf.certificate.fits(&leaf.key)) }
    }

    /// The Secret's data.
    pub fn write(&self) -> Data {
        let text = |key: &Option<PrivateKey>| key.as_ref().map(PrivateKey::pem).unwrap_or_default().as_bytes().to_vec();
        let (chain, key) = match &self.leaf {
            Some(leaf) => (leaf.certificate.pem(), leaf.key.pem()),
            None => (String::new(), ""),
        };
        BTreeMap::from([
            (AUTHORITIES.to_owned(), write_all(&self.authorities).into_bytes()),
            (AUTHORITY_KEY.to_owned(), text(&self.authority_key)),
            (CHAIN.to_owned(), chain.into_bytes()),
            (CHAIN_KEY.to_owned(), key.as_bytes().to_vec()),
        ])
    }

    /// The authority that can sign at `now`.
    pub fn signer(&self, now: Timestamp) -> Option<(&Certificate, &PrivateKey)> {
        let signer = self.authorities.first().zip(self.authority_key.as_ref())?;
        (signer.0.is_authority && signer.0.is_valid(now)).then_some(signer)
    }

    /// The serving certificate, if a client that trusts the authorities believes it at `now` under all of `names`.
    pub fn usable_leaf(&self, names: &[String], now: Timestamp) -> Option<&Leaf> {
        let believed =
            |leaf: &&Leaf| names.iter().all(|name| leaf.certificate.refused(&[], &self.authorities, name, now).is_ok());
        self.leaf.as_ref().filter(believed)
    }

    /// A new authority in front of those in `keep`. The serving certificate stays as long as one of them signed it.
    #[must_use]
    pub fn founded(&self, authority: Issued, keep: Vec<Certificate>, now: Timestamp) -> Self {
        let mut authorities = read_all(authority.certificate.as_bytes()).unwrap_or_default();
        let stays = |leaf: &Leaf| keep.iter().any(|old| leaf.certificate.is_issued_by(old, now));
        let leaf = self.leaf.clone().filter(stays);
        authorities.extend(keep);
        Self { authorities, authority_key: Some(authority.key), leaf }
    }

    /// The same with another serving certificate.
    #[must_use]
    pub fn issued(&self, leaf: &Issued) -> Self {
        let certificate = read_all(leaf.certificate.as_bytes()).unwrap_or_default().into_iter().next();
        let leaf = certificate.map(|certificate| Leaf { certificate, key: leaf.key.clone() });
        Self { leaf, ..self.clone() }
    }

    /// The same with the first authority only.
    #[must_use]
    pub fn retired(&self) -> Self {
        Self { authorities: self.authorities.iter().take(1).cloned().collect(), ..self.clone() }
    }
}
