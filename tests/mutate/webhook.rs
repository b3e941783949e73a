//! What `/mutate` answers, and what is remembered of it.

use data_encoding::BASE64;
use portcullis::admission::{Admit, Finding, Gate, NoCluster, Reply, Webhook};
use portcullis::observe::metrics::Metrics;
use serde_json::{Value, json};

use super::subject::{BUDGET, mutator, set};

/// A gate whose one policy gives every container a terminal, every object a label.
fn gate(custom: &str, config: &str) -> Gate {
    let rules = r#"mutate contains {"op": "set", "path": ["metadata", "labels", "seen"], "value": "yes"} if true
mutate contains {"op": "set", "path": [c.path, "tty"], "value": true} if some c in input.containers"#;
    Gate::new(set(vec![mutator("marks", custom, rules)], config), Box::new(NoCluster), BUDGET)
}

fn pod() -> Value {
    json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "i"}]}})
}

/// A review of a Pod after a change of the request.
fn review(change: impl FnOnce(&mut Value)) -> Value {
    let mut review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "shop",
            "operation": "CREATE", "userInfo": {"username": "ann"}, "object": pod(), "oldObject": null,
        }
    });
    change(&mut review["request"]);
    review
}

fn asked(gate: &Gate, review: &Value) -> (Reply, Value) {
    let reply = gate.admit(Webhook::Mutate, review.to_string().as_bytes(), BUDGET);
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    (reply, answer["response"].clone())
}

fn patch(response: &Value) -> Value {
    let text = response["patch"].as_str().unwrap_or_else(|| panic!("no patch: {response}"));
    serde_json::from_slice(&BASE64.decode(text.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_patch_comes_with_its_type_and_its_authors() {
    let (reply, response) = asked(&gate("", ""), &review(|_| {}));
    assert_eq!((&response["allowed"], &response["patchType"]), (&json!(true), &json!("JSONPatch")));
    let expected = json!([
        {"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}},
        {"op": "add", "path": "/spec/containers/0/tty", "value": true},
    ]);
    assert_eq!(patch(&response), expected);
    assert_eq!(response["auditAnnotations"]["mutated-by"], "marks");
    let record = reply.record.unwrap();
    let findings: Vec<(&str, Finding)> =
        record.policies.iter().map(|policy| (policy.policy.as_ref(), policy.finding)).collect();
    assert_eq!(findings, [("marks", Finding::Mutated)]);
}

#[test]
fn an_object_names_its_mutators_if_asked_to() {
    let annotated = |config: &str| {
        let (_, response) = asked(&gate("", config), &review(|_| {}));
        patch(&response)[0].clone()
    };
    let expected =
        json!({"op": "add", "path": "/metadata/annotations", "value": {"portcullis.dev/mutated-by": "marks"}});
    assert_eq!(annotated("annotateMutations: true"), expected);
    assert_eq!(annotated("")["path"], "/metadata/labels");
}

/// Asks for a review that nothing may come of, from a policy that wants all it can get.
#[track_caller]
fn check_untouched(why: &str, change: impl FnOnce(&mut Value)) {
    let custom = "match: {kinds: [Pod], operations: [CREATE, UPDATE, DELETE, CONNECT]}";
    let (_, response) = asked(&gate(custom, "annotateMutations: true"), &review(change));
    assert_eq!(response["allowed"], true, "{why}: {response}");
    assert!(response.get("patch").is_none() && response.get("patchType").is_none(), "{why}: {response}");
    assert!(response["auditAnnotations"].get("mutated-by").is_none(), "{why}: {response}");
}

#[test]
fn what_must_not_be_patched_is_not() {
    check_untouched("deletion", |request| {
        request["operation"] = "DELETE".into();
        request["oldObject"] = request["object"].take();
    });
    check_untouched("connection", |request| {
        request["operation"] = "CONNECT".into();
        request["subResource"] = "exec".into();
        request["object"] = json!({"kind": "PodExecOptions", "apiVersion": "v1", "command": ["sh"]});
    });
    for sub_resource in ["ephemeralcontainers", "status", "resize", "binding", "eviction"] {
        check_untouched(sub_resource, |request| {
            request["subResource"] = sub_resource.into();
            request["operation"] = "UPDATE".into();
            request["oldObject"] = request["object"].clone();
            request["object"]["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox"}]);
        });
    }
    check_untouched("a mirror Pod of the node that writes it", |request| {
        request["object"]["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        request["object"]["spec"]["nodeName"] = "n1".into();
        request["userInfo"] = json!({"username": "system:node:n1", "groups": ["system:nodes"]});
    });
    check_untouched("what is being deleted", |request| {
        request["operation"] = "UPDATE".into();
        request["object"]["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z".into();
        request["oldObject"] = request["object"].clone();
    });
    check_untouched("a template", |request| {
        request["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
        request["object"] = json!({"metadata": {"name": "d"}, "spec": {"template": pod()}});
    });
}

#[test]
fn a_forged_mirror_is_patched_like_any_pod() {
    let forged = review(|request| {
        request["object"]["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        request["object"]["spec"]["nodeName"] = "n1".into();
        request["userInfo"] = json!({"username": "system:node:n2", "groups": ["system:nodes"]});
    });
    let (_, response) = asked(&gate("", ""), &forged);
    assert_eq!(patch(&response).as_array().unwrap().len(), 2);
}

#[test]
fn on_update_of_a_pod_only_what_may_change_is_patched() {
    let update = review(|request| {
        request["operation"] = "UPDATE".into();
        request["oldObject"] = request["object"].clone();
    });
    let (_, response) = asked(&gate("match: {kinds: [Pod], operations: [UPDATE]}", ""), &update);
    assert_eq!(patch(&response), json!([{"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]));
    let (_, response) = asked(&gate("", ""), &update);
    assert!(response.get("patch").is_none(), "{response}");
}

#[test]
fn a_conflict_refuses_and_names_both_and_patches_nothing() {
    let wants = |name: &str, value: u8| {
        let rule =
            format!(r#"mutate contains {{"op": "set", "path": ["spec", "priority"], "value": {value}}} if true"#);
        mutator(name, "", &rule)
    };
    let gate = Gate::new(set(vec![wants("a", 1), wants("b", 2)], ""), Box::new(NoCluster), BUDGET);
    let (reply, response) = asked(&gate, &review(|_| {}));
    assert_eq!(response["allowed"], false);
    assert!(response.get("patch").is_none(), "{response}");
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains("spec.priority"), "{message}");
    assert_eq!(response["auditAnnotations"]["errors"], "a,b");
    let record = reply.record.unwrap();
    assert!(record.policies.iter().all(|policy| policy.finding == Finding::Conflict), "{record:?}");
}

#[test]
fn mutations_and_conflicts_are_counted() {
    let metrics = Metrics::new().unwrap();
    metrics.policy_set_loaded("r", ["marks"], BUDGET);
    let (reply, _) = asked(&gate("", ""), &review(|_| {}));
    let mut record = reply.record.unwrap();
    metrics.admitted(&record);
    metrics.admitted(&record);
    record.policies[0].finding = Finding::Conflict;
    metrics.admitted(&record);
    let text = metrics.render().unwrap();
    for line in
        ["portcullis_mutations_total{policy=\"marks\"} 2", "portcullis_mutation_conflicts_total{policy=\"marks\"} 1"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}
