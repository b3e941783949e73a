//! Health, readiness and metrics.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::harness::{review, start};
use crate::client::Client;
use crate::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn lives_at_once_and_is_ready_with_policies_and_tls() {
    let server = start(|_| {}).await;
    let mut client = Client::operations(&server).await;
    assert_eq!(client.get("/healthz").await.status, 200);
    let answer = client.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("[-]policies failed: no policy set is loaded and proven yet\n"));
    server.parts.readiness.policies_ready("abc");
    eventually(|| server.parts.readiness.report().ready).await;
    let answer = client.get("/readyz").await;
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    let answer = client.get("/readyz?verbose").await;
    let until = server.parts.certificates.validity().until;
    assert_eq!(
        answer.text(),
        format!(
            "[+]policies ok: revision abc\n[+]tls ok\n[+]certificate-serving ok: valid until {until}\n\
             [+]draining ok\n[+]reload ok\nreadyz check passed\n"
        )
    );
    for (line, status) in [("GET /", 404), ("GET /validate", 404), ("POST /healthz", 405)] {
        client.send(format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answers_while_every_worker_is_held_by_a_decision() {
    let server = start(|_| {}).await;
    let mut busy = Client::connect(&server).await;
    let mut kubelet = Client::operations(&server).await;
    // Small enough to be decided on the worker itself, of which there is one; so the kubelet asks from a thread.
    let gate = server.gate.clone();
    let address = server.operations;
    let asked = std::thread::spawn(move || {
        while gate.arrived() == 0 {
            std::thread::yield_now();
        }
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let answer = std::io::read_to_string(stream);
        gate.open();
        answer.unwrap()
    });
    assert_eq!(busy.post("/validate", review("u-1", "wait", 0)).await.uid(), "u-1");
    assert!(asked.join().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(kubelet.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_metrics_that_promtool_accepts() {
    let server = start(|_| {}).await;
    let metrics = server.parts.observe.metrics();
    metrics.policy_set_loaded("abc", ["require_probes"], Duration::from_secs(1_800_000_001));
    metrics.policy_set_refused();
    metrics.exemptions_expire([("require_probes/batch", 1_800_000_000)]);
    Client::connect(&server).await.post("/validate", review("u", "", 0)).await;
    Client::connect(&server).await.post("/mutate", "").await;
    let answer = Client::operations(&server).await.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for name in [
        r#"portcullis_admission_requests_total{operation="CREATE",outcome="allow",webhook="validate"} 1"#,
        r#"portcullis_admission_duration_seconds_count{webhook="validate"} 1"#,
        r#"portcullis_policy_set_info{revision="abc"} 1"#,
        r#"portcullis_policy_set_reloads_total{result="failure"} 1"#,
        r#"portcullis_certificate_expiry_timestamp_seconds{certificate="serving"} "#,
        r#"portcullis_exemption_expiry_timestamp_seconds{exemption="require_probes/batch"} 1800000000"#,
        "portcullis_build_info{version=",
        "portcullis_requests_in_flight 0",
        "portcullis_requests_shed_total 0",
    ] {
        assert!(answer.text().contains(name), "{name} is not in\n{}", answer.text());
    }
    if let Some(promtool) = promtool() {
        let mut check = Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(&answer.body).unwrap();
        let checked = check.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && said.is_empty(), "{said}");
    }
}

/// Prometheus' own checker: `$PORTCULLIS_PROMTOOL`, or where `tests/tools/install` puts it.
fn promtool() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PORTCULLIS_PROMTOOL") {
        return Some(PathBuf::from(named));
    }
    let versions = PathBuf::from(std::env::var_os("HOME")?).join(".cache/portcullis/tools/promtool");
    let versions = std::fs::read_dir(versions).ok()?;
    versions.flatten().map(|version| version.path().join("promtool")).find(|path| path.is_file())
}
