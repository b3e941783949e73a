//! What a decision costs: reviews of 6 and 60 KB under none to a hundred policies, beside the parse of the same bytes.
//!
//! Times differ between machines and hours; the table printed after criterion's own figures therefore gives each case
//! as a multiple of `serde_json` parsing the same bytes, measured in turns with it in the same run.
//!
//! `RUST_LIB_BACKTRACE=0` is part of the measure, and of every deployment: the Rego engine makes errors while it
//! evaluates, and with backtraces (`RUST_BACKTRACE=1`) twenty policies take half as long again. `.cargo/config.toml`
//! sets it for `cargo bench`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark ends where it cannot go on")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;
use portcullis::admission::{Moment, NoCluster, judge};
use portcullis::engine::answer::Answer;
use portcullis::engine::bundle::Bundle;
use portcullis::engine::config::Config;
use portcullis::engine::decide::Decision;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::review::Review;
use portcullis::engine::source::Source;
use portcullis::source::Location;
use serde_json::{Value, json};

/// As in the binary: the allocator is a quarter of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of the table, and how long each case runs in a round.
const ROUNDS: usize = 41;
const TURN: Duration = Duration::from_millis(12);

/// Ten rules as people write them, lean: over the containers that the host found.
const RULES: [(&str, &str); 10] = [
    ("registry", r#"some c in input.containers; not startswith(c.image, "registry.example.com/"); at := c.path"#),
    ("privileged", "some c in input.containers; c.spec.securityContext.privileged == true; at := c.path"),
    ("host_path", r#"some v in input.pod.spec.volumes; v.hostPath; at := "spec.volumes""#),
    (
        "non_root",
        "not input.pod.spec.securityContext.runAsNonRoot == true; some c in input.containers; \
         not c.spec.securityContext.runAsNonRoot == true; at := c.path",
    ),
    ("limits", "some c in input.containers; not c.spec.resources.limits.memory; at := c.path"),
    (
        "capabilities",
        r#"some c in input.containers; some added in c.spec.securityContext.capabilities.add; added != "NET_BIND_SERVICE"; at := c.path"#,
    ),
    ("host_namespaces", r#"some key in ["hostNetwork", "hostPID", "hostIPC"]; input.pod.spec[key] == true; at := key"#),
    ("latest", r#"some c in input.containers; endswith(c.image, ":latest"); at := c.path"#),
    (
        "escalation",
        "some c in input.containers; not c.spec.securityContext.allowPrivilegeEscalation == false; at := c.path",
    ),
    (
        "labels",
        r#"some key in ["app.kubernetes.io/name", "team"]; not input.pod.metadata.labels[key]; at := "metadata.labels""#,
    ),
];

/// The shipped policies that have most to read, measured alone as well.
const DEAREST: [&str; 3] = ["require_non_root", "require_probes", "require_resources"];

type Act<'a> = Box<dyn Fn(&[u8]) + 'a>;

/// One thing measured: its name, the bytes it reads, and what it does with them.
struct Case<'a> {
    name: String,
    body: &'a [u8],
    act: Act<'a>,
}

fn main() -> ExitCode {
    let sets =
        [("1 lean", lean(1)), ("20 lean", lean(20)), ("100 lean", lean(100)), ("recommended profile", shipped())];
    let alone = DEAREST.map(only);
    let sizes = [("6 KB", 2, 2, 14), ("60 KB", 14, 30, 200)];
    let bodies = sizes.map(|(size, containers, variables, fields)| {
        let passing = review(containers, variables, fields, true);
        (size, passing, review(containers, variables, fields, false))
    });
    let mut cases = Vec::new();
    for (size, passing, denied) in &bodies {
        cases.push(Case::new(format!("parse {size}"), passing, |body| {
            black_box(serde_json::from_slice::<Value>(body).is_ok());
        }));
        for (name, set) in &sets {
            assert!(decision(set, passing).allowed(), "{name} denies the {size} Pod that is to pass");
            let act = |body: &[u8]| drop(black_box(decision(set, body)));
            cases.push(Case::new(format!("decide {size}, {name}"), passing, act));
        }
        for (name, set) in &alone {
            let act = |body: &[u8]| drop(black_box(decision(set, body)));
            cases.push(Case::new(format!("decide {size}, {name}"), passing, act));
        }
        for (name, set) in &sets[1..] {
            assert!(!decision(set, denied).allowed(), "{name} allows the {size} Pod that is to be denied");
            let act = |body: &[u8]| drop(black_box(answer(set, body)));
            cases.push(Case::new(format!("deny {size}, {name}, with answer"), denied, act));
        }
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    for case in &cases {
        criterion.bench_function(&case.name, |bencher| bencher.iter(|| (case.act)(case.body)));
    }
    criterion.final_summary();
    // Without `--bench` this is a test that each case runs at all; with more, somebody looks at one case.
    if std::env::args().skip(1).eq(["--bench"]) {
        print_table(&cases);
    }
    ExitCode::SUCCESS
}

impl<'a> Case<'a> {
    fn new(name: String, body: &'a [u8], act: impl Fn(&[u8]) + 'a) -> Self {
        Self { name, body, act: Box::new(act) }
    }

    /// Microseconds an iteration took in one turn.
    fn turn(&self) -> f64 {
        let started = Instant::now();
        let mut iterations = 0_u32;
        while started.elapsed() < TURN {
            (self.act)(black_box(self.body));
            iterations += 1;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(iterations)
    }
}

/// Each case against the parse of the same bytes beside it in the same round, medians over the rounds.
#[expect(clippy::print_stdout, reason = "the table is what the benchmark is run for")]
fn print_table(cases: &[Case<'_>]) {
    let floor = |body: &[u8]| drop(black_box(serde_json::from_slice::<Value>(body)));
    println!("{:<40} {:>8} {:>12} {:>12} {:>8}", "case", "bytes", "µs", "parse µs", "ratio");
    for case in cases {
        let floor = Case::new(String::new(), case.body, floor);
        let turns: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (floor.turn(), case.turn())).collect();
        let parse = median(turns.iter().map(|(parse, _)| *parse));
        let took = median(turns.iter().map(|(_, took)| *took));
        let ratio = median(turns.iter().map(|(parse, took)| took / parse));
        println!("{:<40} {:>8} {took:>12.1} {parse:>12.1} {ratio:>8.2}", case.name, case.body.len());
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The whole act: envelope, object, decision.
fn decision(set: &PolicySet, body: &[u8]) -> Decision {
    let review = Review::parse(body).expect("a review");
    judge(&review, set, &NoCluster, moment()).expect("a decision")
}

fn answer(set: &PolicySet, body: &[u8]) -> Vec<u8> {
    let review = Review::parse(body).expect("a review");
    let decision = judge(&review, set, &NoCluster, moment()).expect("a decision");
    Answer::of(&review.request.uid, set.revision(), &decision).to_json()
}

fn moment() -> Moment {
    let budget = Duration::from_secs(5);
    Moment { now: "2026-11-21T12:00:00Z".to_owned(), policy_budget: budget, review_budget: budget }
}

fn shipped() -> PolicySet {
    Location::default().load().expect("the embedded policies").set
}

fn only(name: &str) -> (String, PolicySet) {
    (name.to_owned(), shipped().only(&[name.to_owned()]))
}

/// So many policies, the ten rules in turn.
fn lean(count: usize) -> PolicySet {
    let files = (0..count).map(|number| {
        let (name, body) = RULES[number % RULES.len()];
        let body = body.replace("; ", "\n\t");
        let text = format!(
            "# METADATA\n# title: {name}\n# custom:\n#   severity: high\npackage policies.{name}_{number}\n\n\
             deny contains violation if {{\n\t{body}\n\tviolation := {{\"msg\": \"{name} is wrong\", \"field\": at}}\n}}\n"
        );
        Source::new(format!("{name}_{number}.rego"), text)
    });
    let bundle = Bundle::read("", files.collect()).expect("lean policies load");
    PolicySet::new(bundle, Config::default(), &[])
}

/// The review of a Pod of so many containers, environment variables in each and managed fields, as a ReplicaSet's
/// controller creates it.
fn review(containers: usize, variables: usize, fields: usize, passing: bool) -> Vec<u8> {
    let user = "system:serviceaccount:kube-system:replicaset-controller";
    let managed: serde_json::Map<String, Value> =
        (0..fields).map(|n| (format!(r#"k:{{"name":"field-{n}"}}"#), json!({".": {}, "f:name": {}}))).collect();
    let object = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "checkout-7d9c6b5f4-x2x9p",
            "generateName": "checkout-7d9c6b5f4-",
            "namespace": "shop",
            "uid": "6a6f6c1e-36a7-4a1e-9d1a-0a5f1c7e5d11",
            "creationTimestamp": "2026-11-21T12:00:00Z",
            "labels": {"app.kubernetes.io/name": "checkout", "team": "shop", "pod-template-hash": "7d9c6b5f4"},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-7d9c6b5f4",
                "uid": "f0e1d2c3-b4a5-4687-9788-a9babbbcbdbe", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                "time": "2026-11-21T12:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": managed}}],
        },
        "spec": {
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "settings", "configMap": {"name": "checkout", "defaultMode": 420}},
                {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}],
            "initContainers": [container("migrate", variables, true)],
            "containers": (0..containers).map(|n| container(&format!("part-{n}"), variables, passing)).collect::<Vec<_>>(),
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "checkout", "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": passing, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300}],
        },
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    });
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "checkout-7d9c6b5f4-x2x9p",
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": user, "uid": "a-b-c", "groups": ["system:serviceaccounts", "system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    });
    review.to_string().into_bytes()
}

fn container(name: &str, variables: usize, passing: bool) -> Value {
    let probe = |path: &str| {
        json!({"httpGet": {"path": path, "port": 8080, "scheme": "HTTP"}, "initialDelaySeconds": 5,
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
    };
    let env: Vec<Value> = (0..variables)
        .map(|n| match n % 3 {
            0 => json!({"name": format!("SECRET_{n}"),
                "valueFrom": {"secretKeyRef": {"name": "checkout", "key": format!("key-{n}")}}}),
            _ => json!({"name": format!("SETTING_{n}"), "value": format!("https://service-{n}.shop.svc:8443/v1?a=\"b\"")}),
        })
        .collect();
    let mut container = json!({
        "name": name,
        "image": "registry.example.com/shop/checkout:1.42.0",
        "args": ["--listen=:8080", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": env,
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "256Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"},
            {"name": "settings", "mountPath": "/etc/checkout", "readOnly": true}],
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"allowPrivilegeEscalation": !passing, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}},
    });
    if !passing {
        container["securityContext"] = json!({"privileged": true});
        container["resources"] = json!({});
    }
    container
}
