//! Certificates and keys as PEM, good and bad.

use std::fs;
use std::path::Path;

use portcullis::server::certificate::Source;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A chain and its key.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// A fresh pair, valid now.
pub(crate) fn pair() -> Pair {
    issue(&KeyPair::generate().unwrap(), 1975, 4000)
}

/// A pair of `key`, valid from one year to another.
pub(crate) fn issue(key: &KeyPair, from: i32, until: i32) -> Pair {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    Pair { chain: params.self_signed(key).unwrap().pem(), key: key.serialize_pem() }
}

/// Writes the pair and says where.
pub(crate) fn write(directory: &Path, pair: &Pair) -> Source {
    let (certificate, key) = (directory.join("tls.crt"), directory.join("tls.key"));
    fs::write(&certificate, &pair.chain).unwrap();
    fs::write(&key, &pair.key).unwrap();
    Source::Files { certificate, key }
}
