//! What the log says of decisions, and what it never says.

use serde_json::json;

use crate::client::{Client, request};
use crate::policies::policy_text;
use crate::process::Process;
use crate::review::{EXAMPLE, review};
use crate::wait::eventually;

#[tokio::test]
async fn a_decision_is_one_line_with_everything_to_find_it_again() {
    let server = Process::start(&[]).await;
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let mut client = Client::connect(&server).await;
    client.send(request("/validate", trace, EXAMPLE)).await;
    let revision = client.answer().await.json()["response"]["auditAnnotations"]["revision"].clone();
    let line = server.told("decision", 1).await;
    for (key, value) in [
        ("uid", json!("705ab4f5-6393-11e8-b7cc-42010a800002")),
        ("webhook", json!("validate")),
        ("kind", json!("v1/Pod")),
        ("namespace", json!("default")),
        ("name", json!("web")),
        ("operation", json!("CREATE")),
        ("user", json!("alice")),
        ("outcome", json!("deny")),
        ("revision", revision),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("level", json!("info")),
    ] {
        assert_eq!(line[key], value, "{key} of {line}");
    }
    assert!(line["microseconds"].as_u64().unwrap() > 0);
    let policies = line["policies"].as_array().unwrap();
    assert!(line["evaluated"].as_u64().unwrap() >= 3, "{line}");
    let names: Vec<_> = policies.iter().map(|policy| policy["policy"].as_str().unwrap()).collect();
    assert!(["require_non_root", "require_probes"].iter().all(|name| names.contains(name)), "{names:?}");
    for policy in policies {
        let expected = if policy["policy"] == "require_probes" { "warn" } else { "deny" };
        if ["require_non_root", "require_probes"].contains(&policy["policy"].as_str().unwrap()) {
            assert_eq!(policy["enforcement"], expected, "{policy}");
        }
        assert_eq!(policy["finding"], "violation");
        assert!(!policy["messages"].as_array().unwrap().is_empty());
    }
    assert_eq!(server.about("decision").len(), 1);
}

/// Rules that quote what they should not.
const TELLTALE: &str = "deny contains sprintf(\"env is %s\", [e.value]) if { some c in input.containers; some e in c.spec.env }\n\
                        deny contains sprintf(\"data is %s\", [v]) if some v in input.request.object.data\n\
                        deny contains sprintf(\"string is %s\", [v]) if some v in input.request.object.stringData";

#[tokio::test]
async fn no_value_of_an_environment_or_a_secret_is_logged() {
    let directory = tempfile::tempdir().unwrap();
    let policy = policy_text("telltale", &["match: {kinds: [Pod, Secret]}"], TELLTALE);
    std::fs::write(directory.path().join("telltale.rego"), policy).unwrap();
    let server = Process::start(&["--policies", directory.path().to_str().unwrap()]).await;
    let mut client = Client::connect(&server).await;
    let pod = review(|review| {
        review["request"]["object"]["spec"]["containers"][0]["env"] =
            json!([{"name": "TOKEN", "value": "environment-hunter2"}]);
    });
    let secret = review(|review| {
        review["request"]["kind"]["kind"] = "Secret".into();
        review["request"]["resource"]["resource"] = "secrets".into();
        review["request"]["object"] = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web", "namespace": "default"},
            "data": {"a": "aHVudGVyMi1kYXRh"}, "stringData": {"b": "string-hunter2"},
        });
    });
    assert!(!allowed(&mut client, &pod).await);
    assert!(!allowed(&mut client, &secret).await);
    let malformed = [pod.as_slice(), b"}"].concat();
    assert_eq!(client.post("/validate", malformed).await.status, 400);
    server.told("decision", 2).await;
    let log = server.lines().join("\n");
    for value in ["hunter2", "aHVudGVyMi1kYXRh"] {
        assert!(!log.contains(value), "{value} is in {log}");
    }
    assert!(log.contains("env is ") && log.contains("data is "), "{log}");
}

async fn allowed<S>(client: &mut Client<S>, body: &[u8]) -> bool
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    client.post("/validate", body).await.json()["response"]["allowed"].as_bool().unwrap()
}

#[tokio::test]
async fn people_can_have_it_as_text() {
    let server = Process::start(&["--log-format", "text"]).await;
    Client::connect(&server).await.post("/validate", EXAMPLE).await;
    eventually(|| server.lines().len() >= 2).await;
    let lines = server.lines();
    assert!(lines[0].contains("Z info  started version=") && lines[0].contains(" policies="), "{}", lines[0]);
    assert!(
        lines[1].contains("Z info  decision uid=") && lines[1].contains(" user=alice outcome=deny "),
        "{}",
        lines[1]
    );
}
