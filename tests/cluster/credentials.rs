//! Keys, certificates and tokens of the control plane, made anew for each.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// What a server is known by: names and addresses.
pub(super) struct Pair {
    /// The authority that signed the certificate, as PEM.
    pub(super) authority: String,
    /// The certificate, as PEM.
    pub(super) certificate: String,
    /// Its private key, as PEM.
    pub(super) key: String,
}

/// A certificate for `names`, which may be addresses, by an authority of its own.
pub(super) fn pair(names: &[&str]) -> Pair {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority");
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, names[0]);
    params.subject_alt_names = names.iter().map(|name| name_of(name)).collect();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Pair { authority: authority_certificate.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

fn name_of(name: &str) -> SanType {
    name.parse::<IpAddr>().map_or_else(|_| SanType::DnsName(name.try_into().unwrap()), SanType::IpAddress)
}

/// Who may do everything.
pub(super) const ADMIN_TOKEN: &str = "admin";

/// Writes what the control plane reads: `ca.crt`, `tls.crt`, `tls.key`, `accounts.key`, `accounts.pub`, `tokens.csv`,
/// `kubeconfig`.
pub(super) fn write(home: &Path, address: &str) {
    let pair = pair(&[address, "10.96.0.1", "127.0.0.1", "kubernetes.default.svc", "kubernetes.default", "localhost"]);
    let accounts = KeyPair::generate().unwrap();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters:\n- name: here\n  cluster: {{server: 'https://{address}:6443', certificate-authority: '{}'}}\n\
         users:\n- name: admin\n  user: {{token: {ADMIN_TOKEN}}}\n\
         contexts:\n- name: here\n  context: {{cluster: here, user: admin}}\n",
        home.join("ca.crt").display()
    );
    let files = [
        ("ca.crt", pair.authority),
        ("tls.crt", pair.certificate),
        ("tls.key", pair.key),
        ("accounts.key", accounts.serialize_pem()),
        ("accounts.pub", accounts.public_key_pem()),
        ("tokens.csv", format!("{ADMIN_TOKEN},admin,admin,\"system:masters\"\n")),
        ("kubeconfig", kubeconfig),
    ];
    for (name, text) in files {
        fs::write(home.join(name), text).unwrap();
    }
}
