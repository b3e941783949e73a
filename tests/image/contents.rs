//! What the image holds, and what it says of itself.

use std::fs;
use std::process::Command;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::layout::Image;

/// The most that a node fetches, and the most that it keeps.
const MOST_BYTES: u64 = 30_000_000;

#[test]
fn it_holds_the_binary_and_what_that_reads_and_nothing_else() {
    let Some(image) = Image::built() else { return };
    let mut tar = Command::new("tar");
    tar.args(["--list", "--verbose", "--numeric-owner", "--gzip", "--file"]).arg(image.layer());
    let listed = tar.output().unwrap();
    assert!(listed.status.success());
    let mut files = Vec::new();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        files.push(format!("{} {} {}", fields[0], fields[1], fields[5].trim_end_matches('/')));
    }
    files.sort_by(|a, b| a[15..].cmp(&b[15..]));
    assert_eq!(
        files,
        [
            "drwxr-xr-x 0/0 etc",
            "-rw-r--r-- 0/0 etc/nsswitch.conf",
            "drwxr-xr-x 0/0 etc/ssl",
            "drwxr-xr-x 0/0 etc/ssl/certs",
            "-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt",
            "-rwxr-xr-x 0/0 policy",
            "drwxr-xr-x 0/0 usr",
            "drwxr-xr-x 0/0 usr/share",
            "drwxr-xr-x 0/0 usr/share/sbom",
            "-rw-r--r-- 0/0 usr/share/sbom/portcullis.cdx.json",
        ]
    );
}

#[test]
fn it_is_small_packed_and_unpacked() {
    let Some(image) = Image::built() else { return };
    let root = tempfile::tempdir().unwrap();
    image.unpack(root.path());
    let files = ["policy", "etc/ssl/certs/ca-certificates.crt", "usr/share/sbom/portcullis.cdx.json"];
    let unpacked: u64 = files.iter().map(|file| fs::metadata(root.path().join(file)).unwrap().len()).sum();
    let packed = fs::metadata(image.beside("portcullis.tar")).unwrap().len();
    assert!(packed < unpacked && unpacked <= MOST_BYTES, "{packed} bytes, {unpacked} unpacked");
}

#[test]
fn it_says_what_it_is_and_runs_as_nobody_who_may_anything() {
    let Some(image) = Image::built() else { return };
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(image.texts("Entrypoint"), ["/policy"]);
    assert_eq!(image.texts("Cmd"), ["serve"]);
    assert_eq!(config["ExposedPorts"], serde_json::json!({"8443/tcp": {}, "9443/tcp": {}}));
    let environment = image.texts("Env");
    for setting in [
        "PORTCULLIS_ADDRESS=0.0.0.0:8443",
        "PORTCULLIS_OPERATIONS_ADDRESS=0.0.0.0:9443",
        "RUST_LIB_BACKTRACE=0",
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
    ] {
        assert!(environment.iter().any(|found| found == setting), "{environment:?}");
    }
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap();
    assert_eq!(label("title"), env!("CARGO_PKG_NAME"));
    assert_eq!(label("description"), env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    let revision = label("revision").trim_end_matches("-modified");
    assert!(revision.len() == 40 && revision.chars().all(|c| c.is_ascii_hexdigit()), "{revision}");
    assert_eq!(config["Labels"].as_object().unwrap().len(), 4, "{config:#}");
}

#[test]
fn every_blob_is_what_its_digest_says_and_the_archive_holds_the_same() {
    let Some(image) = Image::built() else { return };
    let digest = fs::read_to_string(image.beside("digest")).unwrap();
    let index = fs::read_to_string(image.beside("oci/index.json")).unwrap();
    assert!(digest.starts_with("sha256:") && index.contains(digest.trim()), "{digest} {index}");
    let blobs: Vec<_> =
        fs::read_dir(image.beside("oci/blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(blobs.len(), 3, "a manifest, a configuration and a layer");
    let packed = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(image.beside("portcullis.tar")).arg("--directory").arg(packed.path());
    assert!(tar.status().unwrap().success());
    for blob in blobs {
        let name = blob.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&blob).unwrap();
        assert_eq!(HEXLOWER.encode(&Sha256::digest(&bytes)), name);
        assert!(fs::read(packed.path().join("blobs/sha256").join(name)).unwrap() == bytes, "{name} differs");
    }
    assert_eq!(fs::read_to_string(packed.path().join("index.json")).unwrap(), index);
}

#[test]
fn nothing_tells_where_it_was_built() {
    let Some(image) = Image::built() else { return };
    let root = tempfile::tempdir().unwrap();
    image.unpack(root.path());
    let home = std::env::var("HOME").unwrap();
    for file in ["policy", "usr/share/sbom/portcullis.cdx.json"] {
        let bytes = fs::read(root.path().join(file)).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("portcullis"), "{file} is searched");
        for place in [env!("CARGO_MANIFEST_DIR"), &format!("{home}/"), ".cargo/registry"] {
            assert!(!holds(place), "{file} names {place}");
        }
    }
}

#[test]
fn the_dockerfile_builds_with_the_oldest_rust_that_will_do() {
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile")).unwrap();
    let base = format!("FROM docker.io/library/rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(dockerfile.lines().any(|line| line.starts_with(&base)), "{base} is not in {dockerfile}");
}
