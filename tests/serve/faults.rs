//! Policies that cannot be evaluated on a review: never a pass, unless they say so themselves.

use std::fs;

use serde_json::Value;

use crate::client::Client;
use crate::policies::policy_text;
use crate::process::Process;
use crate::review::named;

/// Rules that break for some names only, so that they load.
const ODD: &str = r#"deny contains {"message": "no msg"} if input.request.name == "odd"

deny contains c if {
	input.request.name == "slow"
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	c := a * b
	c < 0
}

deny contains sprintf("%d", [to_number(input.request.name)]) if startswith(input.request.name, "word")"#;

/// A server with one policy, and what it says about Pods of these names.
async fn judge(custom: &[&str], config: &str, names: &[&str]) -> (Process, Vec<Value>) {
    let directory = tempfile::tempdir().unwrap();
    let (policies, file) = (directory.path().join("policies"), directory.path().join("config.yaml"));
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("odd.rego"), policy_text("odd", custom, ODD)).unwrap();
    fs::write(&file, format!("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n{config}")).unwrap();
    let arguments = ["--policies", policies.to_str().unwrap(), "--config", file.to_str().unwrap()];
    let server = Process::start(&arguments).await;
    let mut client = Client::connect(&server).await;
    let mut responses = Vec::new();
    for name in names {
        responses.push(client.post("/validate", named(name)).await.json()["response"].take());
    }
    server.told("decision", names.len()).await;
    (server, responses)
}

async fn metrics(server: &Process) -> String {
    Client::operations(server).await.get("/metrics").await.text().to_owned()
}

#[tokio::test]
async fn a_policy_that_breaks_denies_and_is_counted_as_an_error() {
    let (server, responses) = judge(&[], "", &["odd", "slow", "word", "plain"]).await;
    for (response, why) in responses.iter().zip([
        "odd could not be evaluated: deny yields an object with the keys \"message\"; a violation is a string or an object",
        "odd could not be evaluated: time budget of 50 ms exceeded",
        "odd could not be evaluated: ",
    ]) {
        assert_eq!((&response["allowed"], &response["auditAnnotations"]["errors"]), (&false.into(), &"odd".into()));
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.starts_with(why) && message.ends_with("; refused because on_error is deny"), "{message}");
    }
    assert_eq!(responses[3]["allowed"], true);
    let outcomes: Vec<_> = server.about("decision").iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["error", "error", "error", "allow"]);
    let metrics = metrics(&server).await;
    for line in [
        r#"portcullis_admission_requests_total{operation="CREATE",outcome="error",webhook="validate"} 3"#,
        r#"portcullis_policy_decisions_total{enforcement="deny",outcome="error",policy="odd"} 3"#,
        r#"portcullis_policy_decisions_total{enforcement="deny",outcome="pass",policy="odd"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains(r#"outcome="violation""#), "an error is no violation\n{metrics}");
}

#[tokio::test]
async fn a_policy_that_breaks_lets_pass_where_it_says_so() {
    let (server, responses) = judge(&["on_error: warn"], "", &["odd"]).await;
    assert_eq!(responses[0]["allowed"], true);
    let warning = responses[0]["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("odd could not be evaluated: deny yields an object"), "{warning}");
    assert_eq!(server.about("decision")[0]["policies"][0]["finding"], "error");
    assert!(metrics(&server).await.contains(r#"outcome="error",policy="odd"} 1"#));
}

#[tokio::test]
async fn a_missing_fact_denies_and_is_counted_as_unavailable() {
    let config =
        "overrides:\n- where: {namespaceSelector: {matchLabels: {tier: sandbox}}}\n  set: {enforcement: warn}\n";
    let (server, responses) = judge(&[], config, &["plain"]).await;
    assert_eq!(responses[0]["allowed"], false);
    let message = responses[0]["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("odd could not be evaluated, a fact is missing: the labels of namespace"), "{message}");
    assert_eq!(server.about("decision")[0]["outcome"], "unavailable");
    let metrics = metrics(&server).await;
    assert!(metrics.contains(r#"outcome="unavailable",webhook="validate"} 1"#), "{metrics}");
    assert!(metrics.contains(r#"outcome="unavailable",policy="odd"} 1"#), "{metrics}");
}
