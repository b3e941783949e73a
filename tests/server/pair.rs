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

/// The key inside a PKCS#8 key, under `label`: PKCS#1 for RSA, SEC1 for ECDSA.
pub(crate) fn unwrapped(key: &KeyPair, label: &str) -> String {
    // PKCS#8 is a sequence of version, algorithm and an octet string with the key.
    let inner = fields(contents(key.serialized_der())).nth(2).unwrap();
    let text: Vec<_> = base64(contents(inner)).as_bytes().chunks(64).map(<[u8]>::to_vec).collect();
    let lines = String::from_utf8(text.join(&b'\n')).unwrap();
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

/// Writes the pair and says where.
pub(crate) fn write(directory: &Path, pair: &Pair) -> Source {
    let (certificate, key) = (directory.join("tls.crt"), directory.join("tls.key"));
    fs::write(&certificate, &pair.chain).unwrap();
    fs::write(&key, &pair.key).unwrap();
    Source::Files { certificate, key }
}

/// How long the header of a DER value is and how long its contents.
fn lengths(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let digits = usize::from(long & 0x7f);
            (2 + digits, der[2..2 + digits].iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
        }
    }
}

fn contents(der: &[u8]) -> &[u8] {
    let (header, length) = lengths(der);
    &der[header..header + length]
}

fn fields(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let (header, length) = lengths(rest);
            let (field, after) = rest.split_at(header + length);
            rest = after;
            field
        })
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().enumerate().fold(0_u32, |bits, (place, byte)| bits | u32::from(*byte) << (16 - 8 * place));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
