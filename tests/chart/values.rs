//! What the chart refuses, and with what words: a wrong value must not become a half-right release.

use std::fs;

use portcullis::engine::document::yaml;
use serde_json::Value;

use crate::render::{Release, directory};

/// Values that make no sense, and what the person who wrote them is told.
const REFUSED: &[(&str, &str)] = &[
    ("replica=3", "additional properties 'replica' not allowed"),
    ("server.timeout=3", "at '/server': additional properties 'timeout' not allowed"),
    ("webhooks.validating.objectSelector={}", "additional properties 'objectSelector' not allowed"),
    ("replicas=0", "at '/replicas': minimum: got 0, want 1"),
    (r#"replicas="2""#, "at '/replicas': got string, want null or integer"),
    (r#"image.tag="latest""#, "image.tag: latest says not what runs: name a version"),
    (r#"image.digest="abc""#, "at '/image/digest': 'abc' does not match pattern"),
    (r#"image.repository="registry.example.com/portcullis:1.0@sha256:00""#, "at '/image/repository'"),
    (r#"image.pullPolicy="Sometimes""#, "value must be one of 'Always', 'IfNotPresent', 'Never'"),
    (
        r#"resources={"requests":{"cpu":"1"},"limits":{"memory":null}}"#,
        "at '/resources/limits': missing property 'memory'",
    ),
    ("webhooks.validating.timeoutSeconds=10", "maximum: got 10, want 5"),
    ("webhooks.mutating.timeoutSeconds=0", "minimum: got 0, want 1"),
    (r#"webhooks.validating.failurePolicy="Open""#, "value must be one of 'Fail', 'Ignore'"),
    (r#"webhooks.excludedNamespaces=["cni"]"#, "at '/webhooks/excludedNamespaces': no items match contains schema"),
    (r#"webhooks.excludedNamespaces=["kube-system","team-*"]"#, "'team-*' does not match pattern"),
    ("webhooks.validating.rules=[]", "minItems: got 0, want 1"),
    (
        r#"webhooks.validating.rules=[{"apiGroups":[""],"apiVersions":["v1"],"operations":["*"],"resources":["pods"]}]"#,
        "at '/webhooks/validating/rules/0/operations/0': value must be one of",
    ),
    (
        r#"webhooks.validating.rules=[{"apiGroups":[""],"apiVersions":["v1"],"operations":["UPDATE"],"resources":["pods/status"]}]"#,
        "'pods/status' does not match pattern",
    ),
    (
        r#"webhooks.validating.rules=[{"apiGroups":["*"],"apiVersions":["*"],"operations":["CREATE"],"resources":["*"]}]"#,
        "'*' does not match pattern",
    ),
    ("cluster.enabled=false", "cluster.enabled: self-managed certificates are kept in the cluster"),
    (r#"certificates.source="vault""#, "value must be one of 'self-managed', 'cert-manager', 'provided'"),
    (r#"certificates.source="provided""#, "certificates.provided.secretName: name the Secret with tls.crt and tls.key"),
    (r#"certificates.provided.caBundle="-----BEGIN PRIVATE KEY-----""#, "at '/certificates/provided/caBundle'"),
    (r#"certificates.certManager.lifetime="90 days""#, "'90 days' does not match pattern"),
    (r#"policies.profile="audit-only""#, "audit-only denies nothing, so the probe would fail"),
    (
        r#"policies={"files":{"a.rego":"package a"},"existingConfigMap":"b"}"#,
        "policies: give files or existingConfigMap, not both",
    ),
    (r"policies.replace=true", "policies.replace: give files or existingConfigMap"),
    (
        r#"cluster.enabled=false,events.enabled=true,certificates={"source":"provided","provided":{"secretName":"t"}}"#,
        "Events are written by the API server",
    ),
    (r#"policies.files={"../a.rego":"package a"}"#, "additional properties '../a.rego' not allowed"),
    (r#"probe.namespace="kube-system""#, "probe.namespace: namespace kube-system is excluded from judgement"),
    (
        r#"probe.namespace="portcullis-system""#,
        "probe.namespace: namespace portcullis-system is excluded from judgement",
    ),
    (r#"traces.endpoint="collector:4318""#, "'collector:4318' does not match pattern"),
    (r#"traces.endpoint="http://user:secret@collector:4318""#, "at '/traces/endpoint'"),
    ("traces.ratio=2", "at '/traces/ratio': maximum: got 2, want 1"),
    (r#"traces.to=[{"namespace":"monitoring"}]"#, "at '/traces/to/0': additional properties 'namespace' not allowed"),
    (r#"autoscaling={"enabled":true,"minReplicas":5,"maxReplicas":3}"#, "minReplicas 5 is more than maxReplicas 3"),
    ("autoscaling.minReplicas=1", "minimum: got 1, want 2"),
    ("serviceAccount.create=false", "serviceAccount.name: name the account to use"),
    (
        r#"server.extraEnv=[{"name":"PORTCULLIS_ADDRESS","value":"x"}]"#,
        "server.extraEnv: PORTCULLIS_ADDRESS is set by the chart",
    ),
    (r#"server.listen="127.0.0.1""#, "value must be one of '0.0.0.0', '[::]'"),
    (r#"configuration={"overides":[]}"#, "at '/configuration': additional properties 'overides' not allowed"),
    (
        r#"configuration={"overrides":[{"set":{"enforcement":"block"}}]}"#,
        "value must be one of 'deny', 'warn', 'audit', 'off'",
    ),
    (r#"configuration={"exemptions":[{"policies":["a"]}]}"#, "at '/configuration/exemptions/0': missing"),
    (r#"networkPolicy.apiServerCIDRs=["10.0.0.1"]"#, "'10.0.0.1' does not match pattern"),
    (r#"metrics.prometheusRule.disabled=["Down"]"#, "'Down' does not match pattern"),
    (r#"fullnameOverride="Portcullis""#, "'Portcullis' does not match pattern"),
    (r#"clientAuthentication.names=["kube-apiserver"]"#, "clientAuthentication.caConfigMap: name the ConfigMap"),
    ("service.port=9443", "service: port and operationsPort are both 9443: change one"),
    (r#"resources.requests.cpu="plenty""#, "at '/resources/requests/cpu': 'plenty' does not match pattern"),
    (r#"resources.requests.memory="128MiB""#, "at '/resources/requests/memory': '128MiB' does not match pattern"),
    (r#"resources.limits.memory="-1Gi""#, "at '/resources/limits/memory': '-1Gi' does not match pattern"),
    ("resources.requests.cpu=-1", "at '/resources/requests/cpu': minimum: got -1, want 0"),
    (r#"policies.profile="strict""#, "policies.profile: the shipped policies have no profile strict: name one of"),
    (r#"policies={"profile":"strict","existingConfigMap":"ours"}"#, "the shipped policies have no profile strict"),
    (
        r#"metrics.prometheusRule.disabled=["PortcullisAsleep"]"#,
        "metrics.prometheusRule.disabled: there is no alert PortcullisAsleep in files/alerts.yaml",
    ),
    (r#"podLabels={"app.kubernetes.io/instance":"a"}"#, "podLabels: app.kubernetes.io/instance is set by the chart"),
    (r#"podLabels={"app.kubernetes.io/component":"a"}"#, "podLabels: app.kubernetes.io/component is set by the chart"),
    (r#"podLabels={"sidecar.istio.io/inject":"true"}"#, "podLabels: sidecar.istio.io/inject is set by the chart"),
    (r#"commonLabels={"team":"a"},podLabels={"team":"b"}"#, "podLabels: team is set by the chart"),
    (r#"commonLabels={"app.kubernetes.io/component":"a"}"#, "commonLabels: app.kubernetes.io/component is set by"),
    (
        r#"server.extraEnv=[{"name":"PORTCULLIS_TLS_MIN","value":"1.3"}]"#,
        "server.extraEnv: PORTCULLIS_TLS_MIN is set by the chart",
    ),
    (r#"server.extraEnv=[{"name":"A","value":"1"},{"name":"A","value":"2"}]"#, "server.extraEnv: A is there twice"),
    (
        r#"webhooks.matchConditions=[{"name":"not-by-a-node","expression":"true"}]"#,
        "webhooks.matchConditions: not-by-a-node is set by the chart",
    ),
    (
        r#"webhooks.matchConditions=[{"name":"a","expression":"true"},{"name":"a","expression":"false"}]"#,
        "webhooks.matchConditions: a is there twice",
    ),
    (
        r#"webhooks.namespaceSelector={"matchExpressions":[{"key":"a","operator":"NotIn"}]}"#,
        "at '/webhooks/namespaceSelector/matchExpressions/0': missing property 'values'",
    ),
    (
        r#"webhooks.namespaceSelector={"matchExpressions":[{"key":"a","operator":"In","values":[]}]}"#,
        "at '/webhooks/namespaceSelector/matchExpressions/0/values': minItems: got 0, want 1",
    ),
    (
        r#"webhooks.namespaceSelector={"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}"#,
        "at '/webhooks/namespaceSelector/matchExpressions/0/values': maxItems: got 1, want 0",
    ),
    (
        r#"webhooks.namespaceSelector={"matchLabels":{"policy-set":"green"}}"#,
        "probe.namespace: webhooks.namespaceSelector asks for the label policy-set: name a namespace that bears it",
    ),
    (
        r#"webhooks.namespaceSelector={"matchLabels":{"kubernetes.io/metadata.name":"shop"}}"#,
        "probe.namespace: namespace default is excluded from judgement",
    ),
    (r#"certificates.selfManaged.lifetime="5s""#, "certificates.selfManaged.lifetime: 5s is no time from 10s to 100y"),
    (r#"certificates.selfManaged.caLifetime="200y""#, "caLifetime: 200y is no time from 10s to 100y"),
    (r#"certificates.selfManaged.lifetime="0d""#, "at '/certificates/selfManaged/lifetime': '0d' does not match"),
    (r#"networkPolicy.apiServerCIDRs=["10.0.0.0/33"]"#, "'10.0.0.0/33' does not match pattern"),
    (r#"networkPolicy.apiServerCIDRs=["10.0.0.256/32"]"#, "10.0.0.256/32 is no network such as 10.0.0.0/8"),
    (r#"networkPolicy.apiServerCIDRs=["fd00:1/64"]"#, "networkPolicy.apiServerCIDRs: fd00:1/64 is no network"),
];

#[test]
fn nonsense_is_refused_in_words_that_say_what_to_change() {
    for (value, expected) in REFUSED {
        let Some(output) = Release::default().set(&[value]).helm(&["template", "portcullis"]) else { return };
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{value} is accepted");
        assert!(said.contains(expected), "{value}: expected `{expected}` in: {said}");
    }
}

#[test]
fn what_makes_sense_is_taken() {
    for value in [
        "replicas=1",
        r#"podDisruptionBudget.maxUnavailable="25%""#,
        r#"tolerations=[{"key":"node-role.kubernetes.io/control-plane","operator":"Exists","effect":"NoSchedule"}]"#,
        r#"server.extraEnv=[{"name":"SSL_CERT_FILE","value":"/etc/ca.crt"}]"#,
        r#"certificates={"source":"cert-manager","certManager":{"issuerRef":{"name":"ca","kind":"ClusterIssuer","group":"cert-manager.io"}}}"#,
        r#"image.repository="registry.example.com:5000/platform/portcullis""#,
        r#"global={"anything":"goes"}"#,
        r#"networkPolicy={"metricsFrom":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}}"#,
        r#"policies={"profile":"audit-only"}"#,
        r#"policies={"profile":"ours","existingConfigMap":"ours","replace":true}"#,
        r#"resources={"requests":{"cpu":0.5,"memory":"1.5Gi"},"limits":{"memory":"1e9"}}"#,
        r#"networkPolicy.apiServerCIDRs=["10.0.0.0/8","0.0.0.0/0","fd00::/8","::/0","1:2:3:4:5:6:7:8/128"]"#,
        r#"mesh.inject=true,podLabels={"sidecar.istio.io/inject":"true"}"#,
        r#"webhooks.namespaceSelector={"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]}"#,
        r#"webhooks.namespaceSelector={"matchLabels":{"a":"b"}},probe.namespace="default""#,
        r#"certificates.selfManaged={"lifetime":"2160h","caLifetime":"100y"}"#,
    ] {
        let release = Release::default().set(&[value]);
        let release = if value.contains("audit-only") { release.set(&["probe.enabled=false"]) } else { release };
        if release.text().is_none() {
            return;
        }
    }
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(directory().join("values.schema.json")).unwrap()).unwrap()
}

fn values() -> Value {
    let text = fs::read_to_string(directory().join("values.yaml")).unwrap();
    serde_json::to_value(yaml::parse_one(&text).unwrap()).unwrap()
}

/// The objects of a schema that let properties through which they do not name. A mapping of names that people choose
/// says what its values are.
fn open(schema: &Value, place: &str, found: &mut Vec<String>) {
    match schema {
        Value::Object(entries) => {
            let named = entries.get("properties").is_some_and(Value::is_object);
            if named
                && entries.get("type").is_some()
                && entries.get("additionalProperties") != Some(&Value::Bool(false))
            {
                found.push(place.to_owned());
            }
            entries.iter().for_each(|(key, value)| open(value, &format!("{place}/{key}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| open(item, place, found)),
        _ => {}
    }
}

#[test]
fn the_schema_lets_nothing_through_that_it_does_not_name() {
    let mut found = Vec::new();
    open(&schema(), "", &mut found);
    assert_eq!(found, [""; 0]);
    open(&serde_json::json!({"type": "object", "properties": {}}), "planted", &mut found);
    assert_eq!(found, ["planted"], "the search finds nothing");
}

/// Properties of the schema that have no default in values.yaml, below a place.
fn without_default(schema: &Value, values: &Value, place: &str, found: &mut Vec<String>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let Some(values) = values.as_object().filter(|values| !values.is_empty()) else { return };
    for (name, property) in properties {
        let place = format!("{place}.{name}");
        match values.get(name) {
            Some(value) => without_default(property, value, &place, found),
            None => found.push(place),
        }
    }
}

#[test]
fn every_value_of_the_schema_stands_in_the_values_file() {
    let mut found = Vec::new();
    without_default(&schema(), &values(), "", &mut found);
    assert_eq!(found, [".global"]);
}

#[test]
fn a_configuration_is_checked_as_the_command_checks_it() {
    let file = directory().join("../../docs/schemas/config.schema.json");
    let config: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let schema = schema();
    let renamed = |value: &Value| -> Value {
        serde_json::from_str(&value.to_string().replace("#/$defs/", "#/$defs/Config")).unwrap()
    };
    for name in ["overrides", "exemptions", "trustLabels"] {
        let here = &schema["properties"]["configuration"]["properties"][name];
        assert_eq!(here, &renamed(&config["properties"][name]), "values.schema.json is behind docs/schemas: {name}");
    }
    for (name, definition) in config["$defs"].as_object().unwrap() {
        let here = &schema["$defs"][format!("Config{name}")];
        assert_eq!(here, &renamed(definition), "values.schema.json is behind docs/schemas: {name}");
    }
}

/// Paths of the leaves of values: what is no mapping, or an empty one.
fn leaves(values: &Value, place: &str, found: &mut Vec<String>) {
    match values {
        Value::Object(entries) if !entries.is_empty() => {
            for (name, value) in entries {
                leaves(value, &if place.is_empty() { name.clone() } else { format!("{place}.{name}") }, found);
            }
        }
        _ => found.push(place.to_owned()),
    }
}

#[test]
fn the_readme_has_a_row_for_each_value() {
    let readme = fs::read_to_string(directory().join("README.md")).unwrap();
    let mut paths = Vec::new();
    leaves(&values(), "", &mut paths);
    let row = |path: &String| {
        // A table's row may stand for a whole mapping, such as resources.
        let parents = path.match_indices('.').map(|(at, _)| &path[..at]);
        !std::iter::once(path.as_str()).chain(parents).any(|path| readme.contains(&format!("\n| `{path}` |")))
    };
    let missing: Vec<&String> = paths.iter().filter(|path| row(path)).collect();
    assert!(paths.len() > 80 && missing.is_empty(), "no row in the chart's README.md: {missing:?}");
}
