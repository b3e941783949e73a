//! A certificate that changes while the server runs.

use std::fs;

use crate::client::Client;
use crate::leaf::{leaf, shown};
use crate::pair::{Pair, pair, write};
use crate::process::Process;
use crate::review::named;
use crate::wait::eventually;

#[tokio::test]
async fn new_connections_see_the_new_pair_and_old_ones_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (pair(), pair());
    write(directory.path(), &first);
    let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let arguments = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let server = Process::start(&arguments).await;
    let mut open = Client::connect(&server).await;
    assert_eq!(shown(&server).await, leaf(&first));

    write(directory.path(), &second);
    let told = server.told("reloaded", 1).await;
    assert_eq!(
        (&told["what"], told["now"].as_str()),
        (&"certificate".into(), Some("valid until 4000-01-01T00:00:00Z"))
    );
    assert_eq!(shown(&server).await, leaf(&second));

    write(directory.path(), &Pair { chain: pair().chain, key: second.key });
    let error = server.told("reload_failed", 1).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("does not belong to") && error.contains("tls.key"), "{error}");
    assert_eq!(shown(&server).await, leaf(&Pair { chain: second.chain.clone(), key: String::new() }));
    fs::remove_file(&key).unwrap();
    eventually(|| server.about("reload_failed").iter().any(|line| line["error"].as_str().unwrap().contains("No such")))
        .await;
    assert_eq!(shown(&server).await, leaf(&Pair { chain: second.chain, key: String::new() }));
    let mut operations = Client::operations(&server).await;
    let readiness = operations.get("/readyz?verbose").await;
    assert!(readiness.status == 200 && readiness.text().contains("[-]reload failed: certificate: "));
    assert_eq!(open.post("/validate", named("still-here")).await.uid(), "still-here");
}
