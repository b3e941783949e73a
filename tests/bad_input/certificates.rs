//! Certificates that cannot be served.

use std::fs;

use rcgen::KeyPair;

use super::run::{Ran, refused, run, says};
use crate::pair::{Pair, issue, pair, write};

#[track_caller]
fn check(pair: &Pair, expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), pair);
    let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let arguments = ["serve", "--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    refused(&arguments, expected);
    let secret: Vec<_> = pair.key.lines().filter(|line| line.len() > 40).collect();
    let said = run(&arguments).stderr;
    assert!(!secret.iter().any(|line| said.contains(line)), "quotes the key: {said}");
}

#[test]
fn pairs_that_are_none() {
    let key = KeyPair::generate().unwrap();
    let good = issue(&key, 1975, 4000);
    let with_chain = |chain: &str| Pair { chain: chain.to_owned(), key: good.key.clone() };
    let with_key = |key: &str| Pair { chain: good.chain.clone(), key: key.to_owned() };
    check(
        &with_key(&pair().key),
        &["tls.key does not belong to the certificate in ", "tls.crt; replace both together"],
    );
    check(&issue(&key, 1975, 2001), &["tls.crt expired at 2001-01-01T00:00:00Z; renew it"]);
    check(&issue(&key, 3999, 4000), &["tls.crt is not valid before 3999-01-01T00:00:00Z; check the clock or wait"]);
    check(&with_chain("no PEM"), &["tls.crt holds no readable certificate: ", "; give a PEM chain, leaf first"]);
    check(&with_chain(&good.chain[..100]), &["tls.crt holds no readable certificate: ", "; give a PEM chain"]);
    check(&with_key("no PEM"), &["tls.key holds no usable private key: ", "; give an unencrypted PEM key"]);
    check(&with_key(&good.chain), &["tls.key holds no usable private key: ", "; give an unencrypted PEM key"]);
}

#[test]
fn files_that_are_absent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tls.crt");
    let absent = path.to_str().unwrap();
    let Ran { code, stderr, .. } = run(&["serve", "--tls-cert", absent, "--tls-key", absent]);
    assert_eq!(code, Some(2));
    says(&stderr, &["policy: read ", "/tls.crt: No such file or directory", "; check that it exists and is readable"]);
    assert_eq!(stderr.matches("No such file").count(), 1, "says it once: {stderr}");
}

#[test]
fn half_a_pair() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let path = directory.path().join("file");
    for (given, missing) in [("--tls-cert", "--tls-key <FILE>"), ("--tls-key", "--tls-cert <FILE>")] {
        let Ran { code, stderr, .. } = run(&["serve", given, path.to_str().unwrap()]);
        assert_eq!(code, Some(2));
        says(&stderr, &["error: the following required arguments were not provided:", missing, "Usage: policy serve"]);
    }
}
