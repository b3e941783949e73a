//! Who may call, when not everybody may.

use std::fs;
use std::path::Path;

use portcullis::server::clients::Clients;
use portcullis::server::reload_clients;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::harness::{Server, review, start};
use crate::client::{Hello, request, shake};
use crate::wait::within;

/// Somebody who signs for clients.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    /// A client called `common` and, besides, `alternative`.
    fn client(&self, common: &str, alternative: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![alternative.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

async fn server(file: &Path, names: &[&str]) -> Server {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let clients = Clients::load(file.to_owned(), names).unwrap();
    start(|config| config.clients = Some(clients)).await
}

/// Whether a review is answered.
async fn answers(server: &Server, identity: Option<&(String, String)>) -> bool {
    let identity = identity.map(|(chain, key)| (chain.as_str(), key.as_str()));
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let hello = Hello { versions, identity, ..Hello::default() };
        let Ok(mut stream) = within(shake(server.webhook, hello)).await else {
            return false;
        };
        // With TLS 1.3 a client learns that it was refused when it reads.
        let mut beginning = [0; 12];
        let exchange = async {
            stream.write_all(&request("/validate", "", review("u-1", "", 0))).await?;
            stream.read_exact(&mut beginning).await
        };
        if within(exchange).await.is_err() || &beginning != b"HTTP/1.1 200" {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_whom_the_authority_signed_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.crt");
    let (ours, other) = (Authority::new(), Authority::new());
    fs::write(&file, &ours.pem).unwrap();
    let server = server(&file, &[]).await;
    assert!(answers(&server, Some(&ours.client("kube-apiserver", "api.example"))).await);
    assert!(!answers(&server, Some(&other.client("kube-apiserver", "api.example"))).await);
    assert!(!answers(&server, None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_common_or_alternative_and_exact() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.crt");
    let ours = Authority::new();
    fs::write(&file, &ours.pem).unwrap();
    let server = server(&file, &["kube-apiserver", "api.example"]).await;
    for (common, alternative, expected) in [
        ("kube-apiserver", "x.example", true),
        ("someone", "api.example", true),
        ("someone", "x.example", false),
        ("kube-apiserver-2", "x.example", false),
        ("Kube-Apiserver", "sub.api.example", false),
    ] {
        assert_eq!(answers(&server, Some(&ours.client(common, alternative))).await, expected, "{common} {alternative}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_authorities_are_in_force_once_their_file_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.crt");
    let (old, new) = (Authority::new(), Authority::new());
    let (before, after) = (old.client("a", "a.example"), new.client("a", "a.example"));
    fs::write(&file, &old.pem).unwrap();
    let clients = Clients::load(file.clone(), Vec::new()).unwrap();
    let server = start(|config| config.clients = Some(clients.clone())).await;
    for broken in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        fs::write(&file, broken).unwrap();
        reload_clients(&server.parts, &clients);
        assert!(server.parts.readiness.report().lines.contains("[-]reload failed: client authorities: "), "{broken}");
        assert!(answers(&server, Some(&before)).await, "{broken:?} locks nobody out");
    }
    fs::write(&file, &new.pem).unwrap();
    reload_clients(&server.parts, &clients);
    assert!(server.parts.readiness.report().lines.contains("[+]reload ok"));
    assert!(answers(&server, Some(&after)).await);
    assert!(!answers(&server, Some(&before)).await);
}
