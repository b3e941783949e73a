//! Private keys in the forms older tools write.

use rcgen::KeyPair;

/// The key inside a PKCS#8 key, under `label`: PKCS#1 for RSA, SEC1 for ECDSA.
pub(crate) fn unwrapped(key: &KeyPair, label: &str) -> String {
    // PKCS#8 is a sequence of version, algorithm and an octet string with the key.
    let inner = fields(contents(key.serialized_der())).nth(2).unwrap();
    let text: Vec<_> = base64(contents(inner)).as_bytes().chunks(64).map(<[u8]>::to_vec).collect();
    let lines = String::from_utf8(text.join(&b'\n')).unwrap();
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
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
