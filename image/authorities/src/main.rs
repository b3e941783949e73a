//! Prints the certificate authorities that Mozilla trusts for servers, as PEM: the image's, at the version that
//! `Cargo.lock` beside it pins. The authorities of the machine that builds would make another image on every machine.

use std::io::{self, Write as _};

use data_encoding::BASE64;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for certificate in TLS_SERVER_ROOT_CERTS {
        writeln!(out, "-----BEGIN CERTIFICATE-----")?;
        // RFC 7468: lines of 64 characters.
        for line in certificate.chunks(48) {
            writeln!(out, "{}", BASE64.encode(line))?;
        }
        writeln!(out, "-----END CERTIFICATE-----")?;
    }
    out.flush()
}
