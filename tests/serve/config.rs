//! A configuration that changes while the server runs.

use std::fs;

use serde_json::Value;

use super::replace::replace;
use crate::client::Client;
use crate::process::Process;
use crate::review::EXAMPLE;

fn config(enforcement: &str) -> String {
    format!(
        "apiVersion: portcullis.dev/v1alpha1\nkind: Config\noverrides:\n\
         - select: {{policies: [\"*\"]}}\n  set: {{enforcement: off}}\n\
         - select: {{policies: [require_non_root, require_probes, require_resources]}}\n  \
         set: {{enforcement: {enforcement}}}\n"
    )
}

async fn response(server: &Process) -> Value {
    Client::connect(server).await.post("/validate", EXAMPLE).await.json()["response"].take()
}

#[tokio::test]
async fn an_override_is_in_force_soon_and_a_bad_one_never() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.yaml");
    fs::write(&file, config("deny")).unwrap();
    let server = Process::start(&["--config", file.to_str().unwrap()]).await;
    assert_eq!(response(&server).await["allowed"], false);

    replace(&file, &config("warn"));
    let now = server.told("reloaded", 1).await["now"].clone();
    let warned = response(&server).await;
    assert_eq!((&warned["allowed"], &warned["auditAnnotations"]["revision"]), (&true.into(), &now));
    let warnings = warned["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().unwrap().starts_with("require_non_root: container \"web\""), "{warnings:?}");

    replace(&file, &config("wran"));
    let error = server.told("reload_failed", 1).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("config.yaml:7:") && error.contains("did you mean `warn`?"), "{error}");
    assert_eq!(response(&server).await, warned);
    fs::remove_file(&file).unwrap();
    server.told("reload_failed", 2).await;
    assert_eq!(response(&server).await, warned);

    fs::write(&file, config("audit")).unwrap();
    server.told("reloaded", 2).await;
    let audited = response(&server).await;
    assert_eq!((&audited["allowed"], audited.get("warnings")), (&true.into(), None));
    assert_eq!(audited["auditAnnotations"]["audited-by"], "require_non_root,require_probes,require_resources");
}
