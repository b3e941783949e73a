//! Every render, whole: a change of the chart is seen where it lands. `INSTA_UPDATE=always cargo test --test chart`
//! writes them anew.

use crate::render::Release;

/// The releases that are kept as snapshots.
fn releases() -> Vec<(&'static str, Release)> {
    let cert_manager = Release::default().set(&[r#"certificates.source="cert-manager""#]);
    let provided = Release::default().set(&[
        r#"certificates={"source":"provided","provided":{"secretName":"webhook-tls","caBundle":"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"}}"#,
        r#"clientAuthentication={"caConfigMap":"api-server-ca","names":["kube-apiserver"]}"#,
        "cluster.enabled=false",
    ]);
    let everything = Release::environment("prod").set(&[
        "autoscaling.enabled=true",
        "priorityQuota.create=true",
        "events.enabled=true",
        r#"policies.files={"team_label.rego":"package policies.team_label\n\nwarn contains \"x\" if false\n"}"#,
        r#"configuration={"overrides":[{"select":{"policies":["team_*"]},"set":{"enforcement":"audit"}}]}"#,
        r#"traces={"endpoint":"http://collector.monitoring.svc:4318","ratio":0.1}"#,
        r#"networkPolicy.apiServerCIDRs=["10.0.0.0/28"]"#,
        r#"webhooks.namespaceSelector={"matchLabels":{"policy-set":"blue"}}"#,
        r#"probe.namespace="default""#,
        r#"webhooks.matchConditions=[{"name":"no-robots","expression":"request.userInfo.username != 'robot'"}]"#,
        r#"image={"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","pullSecrets":["registry"]}"#,
    ]);
    let mut releases = vec![
        ("default", Release::default()),
        ("cert-manager", cert_manager),
        ("provided", provided),
        ("everything", everything),
    ];
    releases.extend(["dev", "int", "staging", "prod"].map(|name| (name, Release::environment(name))));
    releases
}

#[test]
fn renders_are_as_they_were() {
    for (name, release) in releases() {
        let Some(text) = release.text() else { return };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("golden");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        // The dashboard is a file of its own, repeated here in full.
        settings.add_filter(r"(?s)  portcullis\.json: \|\n.*?\n---", "  portcullis.json: [files/dashboard.json]\n---");
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

#[test]
fn rendering_twice_gives_the_same() {
    for (name, release) in releases() {
        let (Some(first), Some(second)) = (release.text(), release.render()) else { return };
        assert_eq!(first, second, "an upgrade of {name} without a change would change something");
    }
}

#[test]
fn helm_has_nothing_to_remark_on() {
    for (name, release) in releases() {
        let Some(output) = release.helm(&["lint", "--strict"]) else { return };
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_object_is_told_apart_and_says_whose_it_is() {
    for (name, release) in releases() {
        let Some(objects) = release.objects() else { return };
        let mut names = objects.names();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), objects.0.len(), "{name} renders an object twice: {:?}", objects.names());
        for object in &objects.0 {
            let labels = &object["metadata"]["labels"];
            assert_eq!(labels["app.kubernetes.io/instance"], "portcullis", "{name}: {object}");
            assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm", "{name}: {object}");
        }
    }
}

#[test]
fn two_releases_share_no_object() {
    let blue = Release { name: "blue".to_owned(), ..Release::default() };
    let green = Release { name: "green".to_owned(), ..Release::default() };
    let elsewhere = Release { namespace: "elsewhere".to_owned(), ..blue.clone() };
    let Some(mut names) = blue.objects().map(|objects| objects.names()) else { return };
    for other in [green, elsewhere] {
        names.extend(other.objects().unwrap().names());
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

#[test]
fn what_no_cluster_has_by_itself_comes_only_when_asked_for() {
    let Some(objects) = Release::default().objects() else { return };
    let foreign = |object: &&serde_json::Value| {
        let group = object["apiVersion"].as_str().unwrap().split('/').next().unwrap();
        group.contains('.') && !group.ends_with(".k8s.io")
    };
    assert_eq!(objects.0.iter().filter(foreign).count(), 0, "{:?}", objects.names());
    let Some(production) = Release::environment("prod").objects() else { return };
    production.one("ServiceMonitor");
    production.one("PrometheusRule");
    assert_eq!(production.named("ConfigMap", "portcullis-dashboard")["metadata"]["labels"]["grafana_dashboard"], "1");
}
