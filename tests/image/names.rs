//! Names and authorities in a static binary with nothing around it: a C library linked statically might want shared
//! parts to resolve a name, and an image from scratch brings no authorities but its own. Traces go out by both.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::bundle::Settings;
use super::collector::Collector;
use super::container::{Container, runnable};
use super::layout::Image;
use super::resolver::Resolver;
use crate::client::{Client, request};
use crate::pair::{pair, write};
use crate::review::named;

/// Settings that send traces to `url`, from a Pod of the namespace `observability` with the test's own name server.
fn settings(directory: &Path, url: &str, server: IpAddr) -> Settings {
    let search = "observability.svc.cluster.local svc.cluster.local cluster.local";
    fs::write(directory.join("resolv.conf"), format!("search {search}\nnameserver {server}\noptions ndots:5\n"))
        .unwrap();
    fs::write(directory.join("hosts"), "127.0.0.1 localhost\n127.0.0.1 only-in-hosts\n").unwrap();
    Settings {
        environment: vec![("PORTCULLIS_OTLP_ENDPOINT", url.to_owned())],
        mounts: vec![(directory.join("resolv.conf"), "/etc/resolv.conf"), (directory.join("hosts"), "/etc/hosts")],
    }
}

/// Runs a server that sends traces to `url`, has it send one, and ends it.
async fn trace(image: &Image, name: &str, settings: &Settings) {
    let mut container = Container::start(image, name, settings).await;
    let header = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let mut client = Client::connect(&container).await;
    client.send(request("/validate", header, named("traced"))).await;
    assert_eq!(client.answer().await.status, 200);
    drop(client);
    container.terminate();
    assert_eq!(container.ended().await, Some(0), "{:?}", container.lines());
}

#[tokio::test]
async fn a_service_is_found_by_its_short_name() {
    let Some(image) = runnable() else { return };
    let directory = tempfile::tempdir().unwrap();
    let resolver = Resolver::start("collector.observability.svc.cluster.local").await;
    let collector = Collector::start(None).await;
    let url = format!("http://collector:{}", collector.address.port());
    trace(&image, "service", &settings(directory.path(), &url, resolver.address)).await;
    assert_eq!(collector.visits().first().map(String::as_str), Some("POST /v1/traces HTTP/1.1"));
    assert_eq!(resolver.asked()[0], "collector.observability.svc.cluster.local");
}

#[tokio::test]
async fn the_hosts_file_comes_before_the_name_server() {
    let Some(image) = runnable() else { return };
    let directory = tempfile::tempdir().unwrap();
    let resolver = Resolver::start("collector.observability.svc.cluster.local").await;
    let collector = Collector::start(None).await;
    let url = format!("http://only-in-hosts:{}", collector.address.port());
    trace(&image, "hosts", &settings(directory.path(), &url, resolver.address)).await;
    assert_eq!(collector.visits().first().map(String::as_str), Some("POST /v1/traces HTTP/1.1"));
    assert_eq!(resolver.asked(), [""; 0]);
}

#[tokio::test]
async fn an_authority_of_ones_own_takes_the_place_of_the_images() {
    let Some(image) = runnable() else { return };
    let directory = tempfile::tempdir().unwrap();
    let pair = pair();
    write(directory.path(), &pair);
    let resolver = Resolver::start("nothing").await;
    let collector = Collector::start(Some(&pair)).await;
    let url = format!("https://localhost:{}", collector.address.port());

    let mut settings = settings(directory.path(), &url, resolver.address);
    trace(&image, "foreign", &settings).await;
    let refused = collector.visits();
    assert!(refused.iter().all(|note| note.starts_with("no handshake: received fatal alert: ")), "{refused:?}");
    assert!(refused.first().is_some_and(|note| note.contains("UnknownCA")), "{refused:?}");

    let authorities = "/etc/portcullis/authorities.pem";
    settings.environment.push(("SSL_CERT_FILE", authorities.to_owned()));
    settings.mounts.push((directory.path().join("tls.crt"), authorities));
    trace(&image, "own", &settings).await;
    assert_eq!(collector.visits()[refused.len()], "POST /v1/traces HTTP/1.1");
}

#[tokio::test]
async fn the_image_brings_the_authorities_that_it_trusts() {
    let Some(image) = runnable() else { return };
    let root = tempfile::tempdir().unwrap();
    image.unpack(root.path());
    let authorities = fs::read(root.path().join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(&authorities).collect::<Result<_, _>>().unwrap();
    let mut store = RootCertStore::empty();
    let (added, ignored) = store.add_parsable_certificates(authorities);
    assert!(added > 50 && ignored == 0, "{added} authorities and {ignored} that are none");

    // Without them no server starts that needs them, so that the others' starts say that they were read.
    let settings = Settings {
        environment: vec![
            ("PORTCULLIS_OTLP_ENDPOINT", "https://localhost:1".to_owned()),
            ("SSL_CERT_FILE", "/nowhere".to_owned()),
        ],
        mounts: Vec::new(),
    };
    let mut container = Container::run(&image, "rootless", &settings);
    assert_eq!(container.ended().await, Some(2), "{:?}", container.lines());
    assert!(container.lines().iter().any(|line| line.contains("certificate authorities")), "{:?}", container.lines());
}
