//! What the release may do in the cluster, rule by rule: namespaces and its own objects, nothing else.

use serde_json::{Value, json};

use crate::render::{Objects, Release};

fn rules(objects: &Objects, kind: &str, name: &str) -> Value {
    objects.named(kind, name)["rules"].clone()
}

fn rule(group: &str, resources: &[&str], names: &[&str], verbs: &[&str]) -> Value {
    let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    if !names.is_empty() {
        rule["resourceNames"] = json!(names);
    }
    rule
}

const CONFIGURATION: &str = "a-portcullis.portcullis-system";
const CONFIGURATIONS: [&str; 2] = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];

#[test]
fn the_server_reads_namespaces_and_keeps_its_own_objects() {
    let Some(objects) = Release::default().objects() else { return };
    assert_eq!(
        rules(&objects, "ClusterRole", "portcullis.portcullis-system"),
        json!([
            rule("", &["namespaces"], &[], &["get", "list", "watch"]),
            rule("admissionregistration.k8s.io", &CONFIGURATIONS, &[CONFIGURATION], &["get", "list", "watch", "patch"]),
        ])
    );
    assert_eq!(
        rules(&objects, "Role", "portcullis"),
        json!([
            rule("", &["secrets"], &["portcullis-tls"], &["get", "list", "watch", "patch", "update"]),
            rule("coordination.k8s.io", &["leases"], &["portcullis"], &["get", "patch", "update"]),
            rule("discovery.k8s.io", &["endpointslices"], &[], &["get", "list", "watch"]),
        ])
    );
}

#[test]
fn events_are_written_only_when_asked_for() {
    let Some(objects) = Release::default().set(&["events.enabled=true"]).objects() else { return };
    let rules = rules(&objects, "ClusterRole", "portcullis.portcullis-system");
    let events = rule("events.k8s.io", &["events"], &[], &["create", "patch"]);
    assert!(rules.as_array().unwrap().contains(&events), "{rules}");
}

#[test]
fn the_hooks_probe_and_remove_and_nothing_else() {
    let Some(objects) = Release::default().objects() else { return };
    assert_eq!(
        rules(&objects, "ClusterRole", "portcullis.portcullis-system-hooks"),
        json!([rule("admissionregistration.k8s.io", &CONFIGURATIONS, &[CONFIGURATION], &["get", "patch", "delete"])])
    );
    assert_eq!(
        rules(&objects, "Role", "portcullis.portcullis-system-probe"),
        json!([rule("", &["pods"], &[], &["create"]), rule("apps", &["deployments"], &[], &["create"])])
    );
    assert_eq!(
        rules(&objects, "Role", "portcullis-hooks"),
        json!([rule("apps", &["deployments"], &["portcullis"], &["get"]), rule("", &["pods"], &[], &["list"])])
    );
    assert_eq!(objects.named("Role", "portcullis.portcullis-system-probe")["metadata"]["namespace"], "default");
    assert_eq!(objects.all("ClusterRole").len() + objects.all("Role").len(), 5, "{:?}", objects.names());
}

#[test]
fn rights_that_nothing_needs_are_not_asked_for() {
    let provided = r#"certificates={"source":"provided","provided":{"secretName":"tls"}}"#;
    let without_hooks = ["probe.enabled=false", "removal.enabled=false"];
    let Some(objects) = Release::default().set(&[provided]).set(&without_hooks).objects() else { return };
    assert_eq!(
        rules(&objects, "ClusterRole", "portcullis.portcullis-system"),
        json!([rule("", &["namespaces"], &[], &["get", "list", "watch"])])
    );
    assert_eq!(objects.all("ClusterRole").len() + objects.all("Role").len(), 1, "{:?}", objects.names());
    let alone = Release::default().set(&[provided, "cluster.enabled=false"]).set(&without_hooks);
    let objects = alone.objects().unwrap();
    for kind in ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"] {
        assert_eq!(objects.all(kind).len(), 0, "{kind}");
    }
}

#[test]
fn no_render_reads_secrets_beyond_its_own_or_takes_a_wildcard() {
    for name in ["dev", "int", "staging", "prod"] {
        let Some(objects) = Release::environment(name).objects() else { return };
        for role in objects.all("ClusterRole").into_iter().chain(objects.all("Role")) {
            for rule in role["rules"].as_array().unwrap() {
                let text = rule.to_string();
                assert!(!text.contains('*'), "{name}: {text}");
                let secrets = rule["resources"].as_array().unwrap().contains(&json!("secrets"));
                assert!(!secrets || role["kind"] == "Role", "{name}: a ClusterRole reads Secrets: {text}");
                assert!(!secrets || rule["resourceNames"].is_array(), "{name}: every Secret is read: {text}");
            }
        }
    }
}

#[test]
fn each_account_gets_its_own_roles_and_no_other() {
    let Some(objects) = Release::default().objects() else { return };
    let bindings = objects.all("ClusterRoleBinding").into_iter().chain(objects.all("RoleBinding"));
    let mut found: Vec<String> = bindings
        .map(|binding| {
            let subjects = binding["subjects"].as_array().unwrap();
            assert_eq!(subjects.len(), 1, "{binding}");
            assert_eq!(subjects[0]["namespace"], "portcullis-system");
            format!("{} -> {}", subjects[0]["name"].as_str().unwrap(), binding["roleRef"]["name"].as_str().unwrap())
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "portcullis -> portcullis",
            "portcullis -> portcullis.portcullis-system",
            "portcullis-hooks -> portcullis-hooks",
            "portcullis-hooks -> portcullis.portcullis-system-hooks",
            "portcullis-hooks -> portcullis.portcullis-system-probe",
        ]
    );
}
