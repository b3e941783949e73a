//! The server's Pods and those of the hooks: replicas, roll-outs, hardening, and that our own policies would let them in.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::policy;
use crate::render::{Objects, Release, layers};
use crate::tool::fed;

/// The template of every Pod that the chart makes, with its kind and name.
fn templates(objects: &Objects) -> Vec<(String, &Value)> {
    let template = |object: &'_ Value| match object["kind"].as_str().unwrap() {
        "Deployment" | "Job" => Some("/spec/template/spec"),
        "Pod" => Some("/spec"),
        _ => None,
    };
    let found = objects.0.iter().filter_map(|object| Some((object, object.pointer(template(object)?)?)));
    found.map(|(object, spec)| (format!("{} {}", object["kind"], object["metadata"]["name"]), spec)).collect()
}

/// A variable of the server.
fn variable<'a>(objects: &'a Objects, name: &str) -> &'a Value {
    let environment = objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    environment.iter().find(|variable| variable["name"] == name).map_or(&Value::Null, |variable| &variable["value"])
}

#[test]
fn each_environment_has_its_replicas() {
    for (environment, replicas) in [("dev", 1), ("int", 2), ("staging", 3), ("prod", 5)] {
        let Some(objects) = Release::environment(environment).objects() else { return };
        assert_eq!(objects.one("Deployment")["spec"]["replicas"], replicas, "{environment}");
    }
    let Some(objects) = Release::default().objects() else { return };
    assert_eq!(objects.one("Deployment")["spec"]["replicas"], 2);
}

#[test]
fn an_upgrade_takes_no_replica_before_the_next_is_ready() {
    let Some(objects) = Release::default().objects() else { return };
    let spec = &objects.one("Deployment")["spec"];
    assert_eq!(
        spec["strategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})
    );
    assert_eq!(objects.one("PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
}

#[test]
fn replicas_spread_over_nodes_and_zones() {
    let Some(objects) = Release::default().objects() else { return };
    let spec = &objects.one("Deployment")["spec"];
    let selector = &spec["selector"];
    let pod = &spec["template"]["spec"];
    let spread = pod["topologySpreadConstraints"].as_array().unwrap();
    let keys: Vec<&Value> = spread.iter().map(|constraint| &constraint["topologyKey"]).collect();
    assert_eq!(keys, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
    let apart =
        &pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"];
    assert_eq!((&apart["topologyKey"], &apart["labelSelector"]), (&json!("kubernetes.io/hostname"), selector));
    assert!(spread.iter().all(|constraint| &constraint["labelSelector"] == selector));
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
}

#[test]
fn replicas_that_must_not_share_a_node_leave_room_for_the_next_revision() {
    let Some(objects) = Release::default().set(&[r#"antiAffinity="required""#]).objects() else { return };
    let spec = &objects.one("Deployment")["spec"];
    let apart = &spec["template"]["spec"]["affinity"]["podAntiAffinity"];
    assert_eq!(
        apart["requiredDuringSchedulingIgnoredDuringExecution"],
        json!([{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": spec["selector"],
            "matchLabelKeys": ["pod-template-hash"],
        }])
    );
}

#[test]
fn the_grace_period_outlives_the_drain() {
    for (delay, grace) in [(0, 20), (10_000, 30), (10_001, 31), (60_000, 80)] {
        let release = Release::default().set(&[&format!("server.drainDelayMilliseconds={delay}")]);
        let Some(objects) = release.objects() else { return };
        assert_eq!(objects.one("Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], grace);
        assert_eq!(variable(&objects, "PORTCULLIS_DRAIN_DELAY"), &json!(delay.to_string()));
    }
}

#[test]
fn every_container_is_hardened() {
    let Some(objects) = Release::environment("prod").objects() else { return };
    let templates = templates(&objects);
    assert_eq!(templates.len(), 4, "{templates:?}");
    for (name, pod) in templates {
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true, "{name}");
        assert_eq!((&security["runAsUser"], &security["fsGroup"]), (&json!(65532), &json!(65532)), "{name}");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in pod["containers"].as_array().unwrap() {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}), "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{name}");
        }
    }
}

#[test]
fn our_own_policies_have_nothing_against_the_chart() {
    let Some(text) = Release::environment("prod").text() else { return };
    // What only the cluster's owner can say: that the namespace is the system's, and who may call the API server.
    let own = json!({"apiVersion": "portcullis.dev/v1alpha1", "kind": "Config", "overrides": [
        {"select": {"policies": ["restrict_priority_classes"]},
         "set": {"parameters": {"system_namespaces": ["portcullis-system"]}}},
        {"select": {"policies": ["restrict_token_mount"]},
         "set": {"parameters": {"service_accounts": ["portcullis-system/portcullis", "portcullis-system/portcullis-hooks"]}}},
    ]});
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.yaml");
    std::fs::write(&config, own.to_string()).unwrap();
    for profile in ["restricted", "recommended"] {
        let mut command = policy(["test", "--profile", profile, "--fail-on", "warn", "-"]);
        command.env("PORTCULLIS_CONFIG", &config);
        // A debug build on a busy machine is slower than any policy should be.
        command.env("PORTCULLIS_POLICY_BUDGET", "5000");
        let output = fed(command, text.as_bytes());
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{profile}: {said}");
    }
}

#[test]
fn only_pods_that_ask_the_api_server_get_a_token() {
    let token = |objects: &Objects| {
        objects.one("Deployment")["spec"]["template"]["spec"]["automountServiceAccountToken"].clone()
    };
    let provided = r#"certificates={"source":"provided","provided":{"secretName":"tls"}}"#;
    let Some(alone) = Release::default().set(&[provided, "cluster.enabled=false"]).objects() else { return };
    assert_eq!(token(&alone), false);
    assert_eq!(variable(&alone, "PORTCULLIS_CLUSTER"), &Value::Null);
    assert_eq!(token(&Release::default().set(&[provided]).objects().unwrap()), true);
    assert_eq!(token(&Release::default().objects().unwrap()), true);
    for account in alone.all("ServiceAccount") {
        assert_eq!(account["automountServiceAccountToken"], false, "{account}");
    }
}

#[test]
fn probes_ask_the_operations_port() {
    let Some(objects) = Release::default().objects() else { return };
    let container = &objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0];
    for (probe, path) in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "operations"}), "{probe}");
    }
    assert!(variable(&objects, "PORTCULLIS_OPERATIONS_ADDRESS").as_str().unwrap().ends_with(":9443"));
}

#[test]
fn no_mesh_puts_a_proxy_before_the_webhook() {
    let Some(objects) = Release::default().objects() else { return };
    for object in objects.all("Job").into_iter().chain(objects.all("Deployment")) {
        let metadata = &object["spec"]["template"]["metadata"];
        assert_eq!(metadata["labels"]["sidecar.istio.io/inject"], "false", "{object}");
        assert_eq!(metadata["annotations"]["linkerd.io/inject"], "disabled", "{object}");
    }
}

#[test]
fn nothing_but_the_server_is_selected() {
    let Some(objects) = Release::environment("prod").objects() else { return };
    let selector = objects.one("Service")["spec"]["selector"].as_object().unwrap().clone();
    for kind in ["Job", "Pod"] {
        for object in objects.all(kind) {
            let labels = object.pointer("/spec/template/metadata/labels").unwrap_or(&object["metadata"]["labels"]);
            assert!(
                selector.iter().any(|(key, value)| &labels[key] != value),
                "the Service sends requests to {object}"
            );
        }
    }
    let labels = &objects.one("Deployment")["spec"]["template"]["metadata"]["labels"];
    assert!(selector.iter().all(|(key, value)| &labels[key] == value), "{labels}");
    for (kind, pointer) in [
        ("Deployment", "/spec/selector/matchLabels"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ] {
        assert_eq!(objects.one(kind).pointer(pointer), Some(&Value::Object(selector.clone())), "{kind}");
    }
}

#[test]
fn an_autoscaler_has_the_say_over_replicas() {
    let Some(objects) = Release::default().set(&["autoscaling.enabled=true"]).objects() else { return };
    assert_eq!(objects.one("Deployment")["spec"]["replicas"], Value::Null);
    let spec = &objects.one("HorizontalPodAutoscaler")["spec"];
    assert_eq!((&spec["minReplicas"], &spec["maxReplicas"]), (&json!(3), &json!(10)));
    let target = |at: usize| {
        (&spec["metrics"][at]["resource"]["name"], &spec["metrics"][at]["resource"]["target"]["averageUtilization"])
    };
    assert_eq!(target(0), (&json!("cpu"), &json!(70)));
    assert_eq!(target(1), (&json!("memory"), &json!(80)));
    assert_eq!(spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"], 60);
    assert_eq!(spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 300);
}

#[test]
fn what_takes_the_deployment_over_has_the_say_over_replicas() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rollout/values-rollout.yaml");
    for release in [
        Release { files: vec![file.clone()], ..Release::default() },
        Release { files: [layers("prod"), vec![file]].concat(), ..Release::default() },
        Release::default().set(&["replicas=null"]),
    ] {
        let Some(objects) = release.objects() else { return };
        assert_eq!(objects.one("Deployment")["spec"]["replicas"], Value::Null, "{release:?}");
    }
}

#[test]
fn a_change_of_policies_or_configuration_restarts_pods_one_by_one() {
    let checksum = |release: Release| {
        let objects = release.objects()?;
        let annotations = &objects.one("Deployment")["spec"]["template"]["metadata"]["annotations"];
        Some(annotations["checksum/configuration"].clone())
    };
    let changed = r#"configuration={"trustLabels":true}"#;
    let Some(before) = checksum(Release::default()) else { return };
    assert!(before.is_string());
    assert_ne!(checksum(Release::default().set(&[changed])), Some(before));
    let reloaded = Release::default().set(&[changed, "restartOnChange=false"]);
    assert_eq!(checksum(reloaded), Some(Value::Null));
}

#[test]
fn what_is_mounted_is_what_the_server_is_told_to_read() {
    let release = Release::default().set(&[
        r#"certificates={"source":"provided","provided":{"secretName":"webhook-tls"}}"#,
        r#"policies.files={"a.rego":"package policies.a\n"}"#,
        r#"configuration={"trustLabels":false}"#,
        r#"clientAuthentication.caConfigMap="client-ca""#,
    ]);
    let Some(objects) = release.objects() else { return };
    let pod = &objects.one("Deployment")["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    for (name, path) in [
        ("PORTCULLIS_EXTRA_POLICIES", "/etc/portcullis/policies"),
        ("PORTCULLIS_CONFIG", "/etc/portcullis/configuration/config.yaml"),
        ("PORTCULLIS_TLS_CERT", "/etc/portcullis/tls/tls.crt"),
        ("PORTCULLIS_TLS_KEY", "/etc/portcullis/tls/tls.key"),
        ("PORTCULLIS_CLIENT_CA", "/etc/portcullis/client-ca/ca.crt"),
    ] {
        assert_eq!(variable(&objects, name), path, "{name}");
        let mounted = |mount: &&Value| path.starts_with(mount["mountPath"].as_str().unwrap());
        let mount = mounts.iter().find(mounted).unwrap_or_else(|| panic!("nothing is mounted at {path}: {mounts:?}"));
        assert_eq!((&mount["readOnly"], &mount["subPath"]), (&json!(true), &Value::Null), "{mount}");
        let volumes = pod["volumes"].as_array().unwrap();
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount} among {volumes:?}");
    }
}

#[test]
fn every_setting_is_one_that_the_command_knows() {
    let known = |arguments: &[&str]| String::from_utf8(policy(arguments).output().unwrap().stdout).unwrap();
    let serve = known(&["serve", "--help"]);
    let [probe, delete] = ["probe", "delete"].map(|hook| known(&["webhook", hook, "--help"]));
    let provided = r#"certificates={"source":"provided","provided":{"secretName":"tls"}}"#;
    let more = [r"configuration.trustLabels=true", r#"clientAuthentication={"caConfigMap":"ca","names":["a"]}"#];
    for release in [
        Release::default().set(&[r#"certificates.selfManaged={"lifetime":"1y","caLifetime":"10y"}"#]),
        Release::environment("prod").set(&more).set(&[
            provided,
            r#"policies={"profile":"none","existingConfigMap":"p","replace":true}"#,
            "events.enabled=true",
        ]),
    ] {
        let Some(objects) = release.objects() else { return };
        for (name, pod) in templates(&objects) {
            let container = &pod["containers"][0];
            let help = match container["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap())
                .collect::<Vec<_>>()[..]
            {
                ["serve", ..] => &serve,
                ["webhook", "probe"] => &probe,
                ["webhook", "delete"] => &delete,
                ref other => panic!("{name} runs {other:?}"),
            };
            for argument in container["args"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .filter(|word| word.starts_with("--"))
            {
                assert!(help.contains(argument.split('=').next().unwrap()), "{name}: {argument} is not in:\n{help}");
            }
            for variable in container["env"].as_array().unwrap() {
                let variable = variable["name"].as_str().unwrap();
                assert!(help.contains(&format!("[env: {variable}=")), "{name}: {variable} is not in:\n{help}");
            }
        }
    }
}
