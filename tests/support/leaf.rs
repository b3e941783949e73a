//! Which certificate is served.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::client::{Hello, Serves, shake};
use crate::pair::Pair;
use crate::wait::within;

/// The leaf that a new connection is shown.
pub(crate) async fn shown(server: &impl Serves) -> CertificateDer<'static> {
    let stream = within(shake(server.webhook(), Hello::default())).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The leaf of a pair.
pub(crate) fn leaf(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()
}
