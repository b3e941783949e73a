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

/// Who signs certificates.
pub(super) struct Authority {
    name: String,
    /// Its certificate, as PEM.
    pub(super) certificate: String,
    /// Its private key, as PEM.
    pub(super) key: String,
}

impl Authority {
    /// A new one.
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = Self::params(name).self_signed(&key).unwrap().pem();
        Self { name: name.to_owned(), certificate, key: key.serialize_pem() }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    /// A certificate for `names`, which may be addresses.
    pub(super) fn sign(&self, names: &[&str]) -> Pair {
        let issuer = Issuer::new(Self::params(&self.name), KeyPair::from_pem(&self.key).unwrap());
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.subject_alt_names = names.iter().map(|name| name_of(name)).collect();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        Pair { authority: self.certificate.clone(), certificate, key: key.serialize_pem() }
    }
}

/// A certificate for `names` by an authority of its own.
pub(super) fn pair(names: &[&str]) -> Pair {
    Authority::new("authority").sign(names)
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
