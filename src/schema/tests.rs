//! Schemas and readers agree: what a reader takes fulfils the schema, what it refuses for its shape does not.

use std::sync::Arc;

use serde_json::Value;

use super::Document;
use crate::engine::bundle::Bundle;
use crate::engine::document::yaml;
use crate::engine::policy::Policy;
use crate::engine::source::Source;
use crate::engine::{config, metadata};
use crate::suite::cases;

fn fulfils(document: Document, yaml: &str) -> bool {
    let node = yaml::parse_one(yaml).unwrap();
    let instance: Value = serde_json::from_str(&node.to_json()).unwrap();
    jsonschema::validator_for(&document.schema()).unwrap().is_valid(&instance)
}

fn policies() -> Vec<Arc<Policy>> {
    let rego = "# METADATA\n# title: T\n# custom:\n#   controls: [cis/1]\n#   parameters: {a: 1}\npackage policies.one\n\
        deny contains \"no\" if input.x\n";
    Bundle::read("", vec![Source::new("one.rego", rego)]).unwrap().policies
}

#[track_caller]
fn check_config(body: &str, good: bool) {
    let text = format!("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n{body}\n");
    let read = config::read(&Source::new("config.yaml", text.as_str()), &policies());
    assert_eq!(read.is_ok(), good, "the reader: {read:?}: {body}");
    assert_eq!(fulfils(Document::Config, &text), good, "the schema: {body}");
}

#[track_caller]
fn check_metadata(yaml: &str, good: bool) {
    let block = format!("# METADATA\n# {}\npackage p\n", yaml.replace('\n', "\n# "));
    let read = metadata::read(&Source::new("p.rego", block));
    assert_eq!(read.is_ok(), good, "the reader: {read:?}: {yaml}");
    assert_eq!(fulfils(Document::Metadata, yaml), good, "the schema: {yaml}");
}

#[track_caller]
fn check_suite(fields: &str, good: bool) {
    let text = format!("apiVersion: portcullis.dev/v1alpha1\nkind: Suite\n{fields}\n");
    let bundle = Bundle { policies: policies(), ..Bundle::default() };
    let pod = |_: &Source, _: &str| Ok(Source::new("pod.yaml", "apiVersion: v1\nkind: Pod\n"));
    let read = cases::read(&Source::new("suite.yaml", text.as_str()), &bundle, &pod);
    assert_eq!(read.is_ok(), good, "the reader: {read:?}: {fields}");
    assert_eq!(fulfils(Document::Suite, &text), good, "the schema: {fields}");
}

#[test]
fn configurations() {
    for good in [
        "",
        "trustLabels: true",
        "overrides:\n- set: {enforcement: off}",
        "overrides:\n- select: {policies: [o*], controls: [cis/*], severities: [high]}\n\
        \x20 where: {namespaces: [a-*], namespaceSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: Exists}]}}\n\
        \x20 set: {enforcement: warn, onError: allow, parameters: {a: 2}}",
        "exemptions:\n- policies: [one]\n  match: {kinds: [Pod, apps/v1/Deployment], names: [a], images: [b], users: [c],\n\
        \x20   groups: [d], labels: {matchLabels: {a: b}}}\n  owner: a\n  reason: b\n  expires: \"2027-01-31\"",
    ] {
        check_config(good, true);
    }
    for bad in [
        "override: []",
        "trustLabels: \"yes\"",
        "overrides: {}",
        "overrides:\n- {}",
        "overrides:\n- set: {enforcement: refuse}",
        "overrides:\n- set: {enforcements: deny}",
        "overrides:\n- select: {policy: [one]}\n  set: {enforcement: deny}",
        "overrides:\n- select: {severities: [dire]}\n  set: {enforcement: deny}",
        "overrides:\n- where: {namespaces: team}\n  set: {enforcement: deny}",
        "overrides:\n- where: {namespaceSelector: {matchLabels: {a: 1}}}\n  set: {enforcement: deny}",
        "overrides:\n- where: {namespaceSelector: {matchExpressions: [{key: a, operator: Is}]}}\n  set: {enforcement: deny}",
        "overrides:\n- set: {parameters: [a]}",
        "exemptions:\n- policies: [one]",
        "exemptions:\n- match: {names: [a]}",
        "exemptions:\n- policies: [one]\n  match: {kinds: [a/b/c/d]}",
        "exemptions:\n- policies: [one]\n  match: {}\n  until: 2027-01-31",
    ] {
        check_config(bad, false);
    }
}

#[test]
fn what_policies_say_of_themselves() {
    for good in [
        "title: T",
        "title: T\ndescription: D\nrelated_resources: [https://example.com, {ref: https://example.com}]\nscope: package",
        "title: T\ncustom:\n  severity: high\n  enforcement: audit\n  needs: [namespace]\n  on_error: warn\n\
        \x20 parameters: {a: 1}\n  schema: {type: object}\n  controls: [cis/1]\n\
        \x20 lint: {ignore: {untested: tested elsewhere}}\n\
        \x20 match: {kinds: [Pod], operations: [CONNECT], subresources: [exec], namespaces: [a], users: [b], groups: [c],\n\
        \x20   namespaceSelector: {matchLabels: {a: b}}}",
    ] {
        check_metadata(good, true);
    }
    for bad in [
        "description: none",
        "title: T\nseverity: high",
        "title: T\ncustom: {severity: hihg}",
        "title: T\ncustom: {enforcement: off}",
        "title: T\ncustom: {needs: [weather]}",
        "title: T\ncustom: {parameters: [a]}",
        "title: T\ncustom: {lint: {ignore: [untested]}}",
        "title: T\ncustom: {lint: {ignore: {untested: 3}}}",
        "title: T\ncustom: {lint: {ignored: {untested: x}}}",
        "title: T\ncustom: {match: {kind: [Pod]}}",
        "title: T\ncustom: {match: {operations: [PATCH]}}",
        "title: T\ncustom: {match: {kinds: [a/b/c/d]}}",
    ] {
        check_metadata(bad, false);
    }
}

#[test]
fn suites() {
    for good in [
        "cases: [{name: a, object: pod.yaml, expect: {outcome: allow}}]",
        "policy: one\ndefaults: {operation: UPDATE, user: a, groups: [b], namespace: c, parameters: {a: 2}, enforcement: warn}\n\
         cases:\n- name: a\n  object: {apiVersion: v1, kind: Pod, spec: {}}\n  oldObject: pod.yaml\n\
        \x20 namespace: {name: a, labels: {b: c}, annotations: {}}\n\
        \x20 expect:\n    outcome: deny\n    exact: false\n    violations:\n    - no reason\n    - {}\n\
        \x20   - {policy: a, message: b, field: c, remedy: d, severity: high, enforcement: audit, count: 1000}",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: error, error: /a/}}]",
    ] {
        check_suite(good, true);
    }
    for bad in [
        "cases: []",
        "policy: [one]\ncases: [{name: a, object: pod.yaml, expect: {outcome: allow}}]",
        "defaults: {name: a}\ncases: [{name: a, object: pod.yaml, expect: {outcome: allow}}]",
        "cases: [{object: pod.yaml, expect: {outcome: allow}}]",
        "cases: [{name: a, expect: {outcome: allow}}]",
        "cases: [{name: a, object: pod.yaml}]",
        "cases: [{name: '', object: pod.yaml, expect: {outcome: allow}}]",
        "cases: [{name: a, object: {kind: Pod}, expect: {outcome: allow}}]",
        "cases: [{name: a, object: 1, expect: {outcome: allow}}]",
        "cases: [{name: a, object: pod.yaml, operation: PATCH, expect: {outcome: allow}}]",
        "cases: [{name: a, object: pod.yaml, namespace: {labels: {a: 1}}, expect: {outcome: allow}}]",
        "cases: [{name: a, object: pod.yaml, enforcement: off, expect: {outcome: allow}}]",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: denied}}]",
        "cases: [{name: a, object: pod.yaml, expect: {violations: []}}]",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: deny, violations: [{msg: a}]}}]",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: deny, violations: [{count: -1}]}}]",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: deny, violations: [{count: 1001}]}}]",
        "cases: [{name: a, object: pod.yaml, expect: {outcome: deny, violations: [{severity: dire}]}}]",
    ] {
        check_suite(bad, false);
    }
}
