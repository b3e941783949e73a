//! Certificates from files: which are served, which are refused, and how one follows another.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis::server::certificate::{CertificateError, Certificates, Source};
use portcullis::server::{Parts, reload_certificate};
use portcullis::source::watch::{Pace, watch};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};

use super::der::unwrapped;
use super::harness::{review, start_with};
use crate::client::Client;
use crate::leaf::{leaf, shown};
use crate::mount::mount;
use crate::pair::{Pair, issue, pair, write};
use crate::wait::{eventually, within};

#[tokio::test(flavor = "multi_thread")]
async fn serves_every_kind_of_key() {
    let directory = tempfile::tempdir().unwrap();
    let p256 = KeyPair::generate().unwrap();
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    for (key, pem) in [
        (&p256, p256.serialize_pem()),
        (&p256, unwrapped(&p256, "EC PRIVATE KEY")),
        (&p384, p384.serialize_pem()),
        (&ed25519, ed25519.serialize_pem()),
        (&rsa, rsa.serialize_pem()),
        (&rsa, unwrapped(&rsa, "RSA PRIVATE KEY")),
    ] {
        let pair = Pair { key: pem, ..issue(key, 1975, 4000) };
        let server = start_with(write(directory.path(), &pair), |_| {}).await;
        assert_eq!(Client::connect(&server).await.post("/validate", review("u", "", 0)).await.status, 200);
        assert_eq!(shown(&server).await, leaf(&pair));
    }
}

#[track_caller]
fn refused(pair: &Pair) -> CertificateError {
    let directory = tempfile::tempdir().unwrap();
    let error = Certificates::load(write(directory.path(), pair)).unwrap_err();
    assert!(error.to_string().contains(directory.path().to_str().unwrap()), "names the file: {error}");
    assert!(
        !pair.key.lines().any(|line| !line.is_empty() && error.to_string().contains(line)),
        "quotes no key: {error}"
    );
    error
}

#[test]
fn refuses_what_cannot_be_served_and_says_why() {
    let key = KeyPair::generate().unwrap();
    let good = issue(&key, 1975, 4000);
    let with_key = |key: String| Pair { chain: good.chain.clone(), key };
    let with_chain = |chain: String| Pair { chain, key: good.key.clone() };
    let half = |text: &str| text[..text.len() / 2].to_owned();

    assert!(matches!(refused(&issue(&key, 1975, 2001)), CertificateError::Expired { .. }));
    assert!(matches!(refused(&issue(&key, 3999, 4000)), CertificateError::NotYetValid { .. }));
    assert!(matches!(refused(&with_key(pair().key)), CertificateError::Mismatch { .. }));
    assert!(matches!(refused(&with_key(String::new())), CertificateError::NoKey { .. }));
    assert!(matches!(refused(&with_key(half(&good.key))), CertificateError::NoKey { .. }));
    assert!(matches!(refused(&with_key(good.chain.clone())), CertificateError::NoKey { .. }));
    assert!(matches!(refused(&with_chain(String::new())), CertificateError::NoCertificate { .. }));
    assert!(matches!(refused(&with_chain(half(&good.chain))), CertificateError::NoCertificate { .. }));
    assert!(matches!(refused(&with_chain(good.key.clone())), CertificateError::NoCertificate { .. }));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    assert!(matches!(refused(&with_chain(garbage)), CertificateError::NoCertificate { .. }));
}

#[test]
fn names_a_file_that_is_not_there() {
    let source = Source::Files { certificate: "/nonexistent/tls.crt".into(), key: "/nonexistent/tls.key".into() };
    let error = Certificates::load(source).unwrap_err();
    assert!(matches!(&error, CertificateError::Read { .. }) && error.to_string().contains("/nonexistent/tls.crt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_old_pair_until_a_sound_one_comes() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (pair(), pair());
    let server = start_with(write(directory.path(), &first), |_| {}).await;
    let reload = || reload_certificate(&server.parts);
    server.parts.readiness.policies_ready("abc");

    // As it goes when files are written one after the other: the certificate first, then half a key, then all of it.
    fs::write(directory.path().join("tls.crt"), &second.chain).unwrap();
    assert!(matches!(reload().unwrap_err(), CertificateError::Mismatch { .. }));
    assert_eq!(shown(&server).await, leaf(&first));
    assert!(server.parts.readiness.report().lines.contains("[-]reload failed: certificate: "));
    fs::write(directory.path().join("tls.key"), &second.key[..100]).unwrap();
    assert!(matches!(reload().unwrap_err(), CertificateError::NoKey { .. }));
    assert_eq!(shown(&server).await, leaf(&first));
    fs::write(directory.path().join("tls.key"), &second.key).unwrap();
    reload().unwrap();
    assert_eq!(shown(&server).await, leaf(&second));
    assert!(server.parts.readiness.report().lines.contains("[+]reload ok"));
    assert_eq!(server.log.about("reload_failed").len(), 2);
    assert_eq!(server.log.about("reloaded").len(), 1);

    // Unchanged files are no event.
    reload().unwrap();
    assert_eq!(server.log.about("reloaded").len(), 1);
    write(directory.path(), &issue(&KeyPair::generate().unwrap(), 1975, 2001));
    assert!(matches!(reload().unwrap_err(), CertificateError::Expired { .. }));
    fs::remove_file(directory.path().join("tls.key")).unwrap();
    assert!(matches!(reload().unwrap_err(), CertificateError::Read { .. }));
    assert_eq!(shown(&server).await, leaf(&second));
}

/// Reloads whenever the files may have changed, as `policy serve` does.
fn follow(parts: &Parts) -> tokio::task::JoinHandle<()> {
    let pace = Pace { settle: Duration::from_millis(20), tick: Duration::from_hours(1), ..Pace::default() };
    let (guard, mut changes) = watch(&parts.certificates.files(), pace).unwrap();
    let parts = parts.clone();
    tokio::spawn(async move {
        let _guard = guard;
        while changes.recv().await.is_some() {
            let _ = reload_certificate(&parts);
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_a_mounted_secret_under_load_without_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let put = |version: &str, pair: &Pair| {
        mount(directory.path(), version, &[("tls.crt", &pair.chain), ("tls.key", &pair.key)]);
    };
    put("..1", &pair());
    let source = Source::Files { certificate: directory.path().join("tls.crt"), key: directory.path().join("tls.key") };
    let server = Arc::new(start_with(source, |_| {}).await);
    let following = follow(&server.parts);
    let done = Arc::new(AtomicBool::new(false));
    let mut load = tokio::task::JoinSet::new();
    for keeps_alive in [true, true, false, false] {
        let (server, done) = (Arc::clone(&server), Arc::clone(&done));
        load.spawn(async move {
            let mut client = Client::connect(&*server).await;
            let mut answered = 0;
            while !done.load(Ordering::Relaxed) {
                if !keeps_alive {
                    client = Client::connect(&*server).await;
                }
                assert_eq!(client.post("/validate", review("u", "", 0)).await.status, 200);
                answered += 1;
            }
            answered
        });
    }
    for version in 2..6 {
        let next = pair();
        put(&format!("..{version}"), &next);
        eventually(|| server.parts.certificates.leaf() == Some(leaf(&next))).await;
        assert_eq!(shown(&*server).await, leaf(&next));
    }
    done.store(true, Ordering::Relaxed);
    while let Some(answered) = within(load.join_next()).await {
        assert!(answered.unwrap() > 0);
    }
    following.abort();
    assert_eq!(server.log.about("reload_failed").len(), 0);
}
