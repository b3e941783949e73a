//! What is counted of which traffic.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::promtool;
use super::scrape::Scrape;
use crate::client::{Client, request};
use crate::policies::{against_all, policy_text};
use crate::process::Process;
use crate::review::{EXAMPLE, named, review};

const CONFIG: &str = "apiVersion: portcullis.dev/v1alpha1
kind: Config
overrides:
- select: {policies: [needy]}
  where: {namespaceSelector: {matchLabels: {tier: sandbox}}}
  set: {enforcement: warn}
exemptions:
- policies: [picky]
  match: {names: [exempt-*]}
  owner: team
  reason: \"a \\\"quoted\\\" reason\"
  expires: 2999-12-31
";

/// A server with a policy for each finding, which Pods choose by their names.
async fn start(directory: &Path) -> Process {
    start_with(directory, &[]).await
}

/// The same with further policies, by name.
pub(super) async fn start_with(directory: &Path, more: &[(&str, String)]) -> Process {
    let policies = directory.join("policies");
    fs::create_dir(&policies).unwrap();
    let named = |name: &str| format!("if startswith(input.request.name, \"{name}\")");
    let picky = format!("deny contains \"no\" {}\n\ndeny contains \"no\" {}", named("denied"), named("exempt"));
    let broken = format!("deny contains {{\"message\": \"no\"}} {}", named("broken"));
    // It concerns the namespace of its own only, as its settings are never known.
    let needy = policy_text("needy", &["match: {namespaces: [needy]}"], "deny contains \"no\" if false");
    fs::write(policies.join("picky.rego"), policy_text("picky", &[], &picky)).unwrap();
    fs::write(policies.join("broken.rego"), policy_text("broken", &[], &broken)).unwrap();
    fs::write(policies.join("needy.rego"), needy).unwrap();
    for (name, text) in more {
        fs::write(policies.join(name).with_extension("rego"), text).unwrap();
    }
    let config = directory.join("config.yaml");
    fs::write(&config, CONFIG).unwrap();
    let paths = [policies.to_str().unwrap(), config.to_str().unwrap()];
    Process::start(&["--policies", paths[0], "--config", paths[1], "--body-limit", "1"]).await
}

/// Two Pods of each outcome, and one body of each kind that is none.
pub(super) async fn traffic(server: &Process) {
    let mut client = Client::connect(server).await;
    let needy = review(|review| review["request"]["namespace"] = "needy".into());
    for body in [named("plain"), named("denied"), named("exempt-1"), named("broken"), needy] {
        for _ in 0..2 {
            assert_eq!(client.post("/validate", &body).await.status, 200);
        }
    }
    let deletion = review(|review| {
        review["request"]["operation"] = "DELETE".into();
        review["request"]["oldObject"] = review["request"]["object"].take();
    });
    for body in [named("plain"), named("denied"), deletion] {
        assert_eq!(client.post("/mutate", body).await.status, 200);
    }
    let large = [EXAMPLE, &" ".repeat(1 << 20)].concat();
    let oversize = client.post("/validate", large).await;
    assert_eq!((oversize.status, oversize.uid().as_str()), (200, "705ab4f5-6393-11e8-b7cc-42010a800002"));
    assert_eq!(oversize.json()["response"]["allowed"], false);
    assert_eq!(client.post("/validate", "}").await.status, 400);
    assert_eq!(client.post("/validate", "").await.status, 400);
    let whole = request("/validate", "Content-Encoding: gzip\r\n", "x");
    client.send(whole).await;
    assert_eq!(client.answer().await.status, 415);
    let whole = request("/validate?timeout=1s", "", named("slow"));
    client.send(&whole[..whole.len() - 1]).await;
    assert_eq!(client.answer().await.status, 408);
    client.closed().await;
}

#[tokio::test]
async fn counts_what_the_traffic_was_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    traffic(&server).await;
    server.told("decision", 14).await;
    let scrape = Scrape::of(&server).await;
    promtool::check(&scrape.text);
    for (series, value) in [
        (r#"portcullis_admission_requests_total{operation="CREATE",outcome="allow",webhook="validate"}"#, 4.0),
        (r#"portcullis_admission_requests_total{operation="CREATE",outcome="deny",webhook="validate"}"#, 2.0),
        (r#"portcullis_admission_requests_total{operation="CREATE",outcome="error",webhook="validate"}"#, 2.0),
        (r#"portcullis_admission_requests_total{operation="CREATE",outcome="unavailable",webhook="validate"}"#, 2.0),
        (r#"portcullis_admission_requests_total{operation="CREATE",outcome="allow",webhook="mutate"}"#, 2.0),
        (r#"portcullis_admission_requests_total{operation="DELETE",outcome="allow",webhook="mutate"}"#, 1.0),
        // Too large to be read: which operation it was is not known.
        (r#"portcullis_admission_requests_total{operation="",outcome="deny",webhook="validate"}"#, 1.0),
        (r#"portcullis_admission_duration_seconds_count{webhook="validate"}"#, 11.0),
        (r#"portcullis_admission_duration_seconds_count{webhook="mutate"}"#, 3.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="pass",policy="picky"}"#, 6.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="violation",policy="picky"}"#, 2.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="exempt",policy="picky"}"#, 2.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="error",policy="broken"}"#, 2.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="pass",policy="broken"}"#, 8.0),
        (r#"portcullis_policy_decisions_total{enforcement="deny",outcome="unavailable",policy="needy"}"#, 2.0),
        (r#"portcullis_policy_duration_seconds_count{policy="picky"}"#, 10.0),
        (r#"portcullis_requests_rejected_total{reason="oversize"}"#, 1.0),
        (r#"portcullis_requests_rejected_total{reason="malformed"}"#, 1.0),
        (r#"portcullis_requests_rejected_total{reason="empty"}"#, 1.0),
        (r#"portcullis_requests_rejected_total{reason="media_type"}"#, 1.0),
        (r#"portcullis_requests_rejected_total{reason="slow_body"}"#, 1.0),
        ("portcullis_requests_in_flight", 0.0),
        ("portcullis_requests_shed_total", 0.0),
        ("portcullis_panics_total", 0.0),
        ("portcullis_log_lines_lost_total", 0.0),
        ("portcullis_tls_handshake_failures_total", 0.0),
        (r#"portcullis_policy_set_reloads_total{result="success"}"#, 1.0),
        (r#"portcullis_policy_set_reloads_total{result="failure"}"#, 0.0),
        ("portcullis_policy_set_reload_failing", 0.0),
    ] {
        assert!((scrape.value(series) - value).abs() < 0.5, "{series} is {} in\n{}", scrape.value(series), scrape.text);
    }
    for single in [
        "portcullis_policy_set_info",
        "portcullis_certificate_not_before_timestamp_seconds",
        "portcullis_certificate_expiry_timestamp_seconds",
        "portcullis_build_info",
    ] {
        assert_eq!(scrape.series(single).len(), 1, "{single}");
    }
    // The end of 2999-12-31.
    let expiry = scrape.series("portcullis_exemption_expiry_timestamp_seconds");
    assert!(expiry.len() == 1 && (scrape.value(expiry[0]) - 32_503_680_000.0).abs() < 0.5, "{expiry:?}");
}

#[tokio::test]
async fn no_review_can_make_a_label() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut client = Client::connect(&server).await;
    for number in 0..50 {
        let name = format!("made-up-{number}");
        let body = review(|review| {
            review["request"]["namespace"] = name.as_str().into();
            review["request"]["kind"]["kind"] = name.as_str().into();
            review["request"]["userInfo"]["username"] = name.as_str().into();
            review["request"]["name"] = name.as_str().into();
        });
        assert_eq!(client.post("/validate", body).await.status, 200);
        let strange = review(|review| review["request"]["operation"] = name.as_str().into());
        client.post("/validate", strange).await;
        assert_eq!(client.post(&format!("/validate?{name}"), named(&name)).await.status, 200);
    }
    let scrape = Scrape::of(&server).await;
    assert!(!scrape.text.contains("made-up"), "{}", scrape.text);
    let words = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
    assert!(scrape.label("operation").is_subset(&words(&["CREATE", "UPDATE", "DELETE", "CONNECT", ""])));
    assert!(scrape.label("webhook").is_subset(&words(&["validate", "mutate"])));
    assert!(scrape.label("policy").is_subset(&words(&["picky", "broken", "needy"])));
    assert!(scrape.label("enforcement").is_subset(&words(&["deny", "warn", "audit"])));
    let outcomes = words(&["allow", "deny", "error", "unavailable", "pass", "violation", "exempt"]);
    assert!(scrape.label("outcome").is_subset(&outcomes), "{:?}", scrape.label("outcome"));
}

#[tokio::test]
async fn a_policy_that_is_gone_leaves_no_series_and_the_others_keep_theirs() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["gone", "kept"] {
        fs::write(directory.path().join(name).with_extension("rego"), against_all(name, "no")).unwrap();
    }
    let server = Process::start(&["--policies", directory.path().to_str().unwrap()]).await;
    Client::connect(&server).await.post("/validate", EXAMPLE).await;
    assert_eq!(Scrape::of(&server).await.label("policy"), BTreeSet::from(["gone", "kept"]));
    fs::remove_file(directory.path().join("gone.rego")).unwrap();
    server.told("reloaded", 1).await;
    let scrape = Scrape::of(&server).await;
    promtool::check(&scrape.text);
    assert_eq!(scrape.label("policy"), BTreeSet::from(["kept"]));
    let violations = r#"portcullis_policy_decisions_total{enforcement="deny",outcome="violation",policy="kept"}"#;
    assert!((scrape.value(violations) - 1.0).abs() < 0.5);
}
