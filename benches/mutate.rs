//! What a mutation costs beside its Rego: Pods of 6 and 60 KB and one of 200 containers, next to `json_patch::diff` of a
//! clone, in turns in the same run.
//!
//! The host's part is what a mutation takes without evaluating policies (each tells how long it took) and without the
//! parse of the review, which is timed in the same turn: what is left finds the places, merges, edits and compares. The
//! clone is what a webhook does that edits a tree of JSON and compares it with what came.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark ends where it cannot go on")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;
use portcullis::admission::{Moment, NoCluster, mutate};
use portcullis::engine::bundle::Bundle;
use portcullis::engine::config::Config;
use portcullis::engine::mutate::Mutation;
use portcullis::engine::policy_set::PolicySet;
use portcullis::engine::review::Review;
use portcullis::engine::source::Source;
use portcullis::source::Location;
use serde_json::{Value, json};

/// As in the binary: the allocator is a quarter of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of the table.
const ROUNDS: usize = 201;

/// What hardening amounts to, with as little Rego as may be.
const LEAN: &str = r#"# METADATA
# title: T
# custom: {severity: high}
package policies.lean

mutate contains {"op": "default", "path": ["spec", "securityContext", key], "value": value} if {
	some key, value in {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
}

mutate contains {"op": "default", "path": [c.path, "securityContext", key], "value": value} if {
	some c in input.containers
	some key, value in {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}
}
"#;

fn main() -> ExitCode {
    let sets = [("lean", lean()), ("shipped", shipped())];
    let bodies = [("6 KB", 4, 20), ("60 KB", 14, 72), ("200 containers", 200, 2)]
        .map(|(size, containers, variables)| (size, review(containers, variables)));
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    for (size, body) in &bodies {
        for (name, set) in &sets {
            criterion.bench_function(&format!("mutate {size}, {name}"), |bencher| {
                bencher.iter(|| black_box(mutation(set, body)).patch.operations().len());
            });
        }
    }
    criterion.final_summary();
    // Without `--bench` this is a test that each case runs at all; with more, somebody looks at one case.
    if std::env::args().skip(1).eq(["--bench"]) {
        print_table(&sets, &bodies);
    }
    ExitCode::SUCCESS
}

/// Each case in microseconds, medians over the rounds.
#[expect(clippy::print_stdout, reason = "the table is what the benchmark is run for")]
fn print_table(sets: &[(&str, PolicySet)], bodies: &[(&str, Vec<u8>)]) {
    println!(
        "{:<28} {:>8} {:>5} {:>9} {:>9} {:>9} {:>9} {:>14}",
        "case", "bytes", "ops", "whole µs", "Rego µs", "parse µs", "host µs", "clone+diff µs"
    );
    for (size, body) in bodies {
        for (name, set) in sets {
            let (mut whole, mut rego, mut parsed, mut host, mut diffed) = (vec![], vec![], vec![], vec![], vec![]);
            let sample = mutation(set, body);
            let before = &serde_json::from_slice::<Value>(body).expect("JSON")["request"]["object"];
            let after: Value = serde_json::from_str(&sample.object.to_string()).unwrap_or_else(|_| before.clone());
            for _ in 0..ROUNDS {
                let parse = timed(|| drop(black_box(Review::parse(body).map(|review| review.contents()))));
                let mut evaluated = Duration::ZERO;
                let all = timed(|| {
                    let mutation = black_box(mutation(set, body));
                    evaluated = mutation.decision.evaluations.iter().map(|one| one.took).sum();
                });
                diffed.push(timed(|| drop(black_box(json_patch::diff(&before.clone(), &after)))));
                let evaluated = evaluated.as_secs_f64() * 1e6;
                host.push(all - evaluated - parse);
                whole.push(all);
                rego.push(evaluated);
                parsed.push(parse);
            }
            let [whole, rego, parsed, host, diffed] = [whole, rego, parsed, host, diffed].map(median);
            let (case, operations) = (format!("{size}, {name}"), sample.patch.operations().len());
            println!(
                "{case:<28} {:>8} {operations:>5} {whole:>9.1} {rego:>9.1} {parsed:>9.1} {host:>9.1} {diffed:>14.1}",
                body.len()
            );
        }
    }
}

/// Microseconds that an act takes.
fn timed(act: impl FnOnce()) -> f64 {
    let started = Instant::now();
    act();
    started.elapsed().as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The whole act: envelope, object, mutation.
fn mutation(set: &PolicySet, body: &[u8]) -> Mutation {
    let budget = Duration::from_secs(5);
    let moment = Moment { now: "2026-11-21T12:00:00Z".to_owned(), policy_budget: budget, review_budget: budget };
    let review = Review::parse(body).expect("a review");
    mutate(&review, set, &NoCluster, moment).expect("a mutation")
}

fn lean() -> PolicySet {
    let bundle = Bundle::read("", vec![Source::new("lean.rego", LEAN)]).expect("the lean policy loads");
    PolicySet::new(bundle, Config::default(), &[])
}

/// The policies that serve by default.
fn shipped() -> PolicySet {
    Location::default().load().expect("the embedded policies").set
}

/// The review of a Pod of so many containers that say nothing of their security, with so many variables in each.
fn review(containers: usize, variables: usize) -> Vec<u8> {
    let container = |number: usize| {
        let env: Vec<Value> = (0..variables)
            .map(|n| json!({"name": format!("SETTING_{n}"), "value": "https://shop.svc:8443/v1"}))
            .collect();
        json!({"name": format!("part-{number}"), "image": "registry.example.com/shop/checkout:1.42.0", "env": env,
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "256Mi"}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}], "imagePullPolicy": "IfNotPresent"})
    };
    let object = json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "checkout-7d9c6b5f4-x2x9p", "namespace": "shop", "labels": {"app": "checkout"}},
        "spec": {"containers": (0..containers).map(container).collect::<Vec<_>>(),
            "volumes": [{"name": "tmp", "emptyDir": {}}], "securityContext": {}},
    });
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "checkout-7d9c6b5f4-x2x9p", "namespace": "shop", "operation": "CREATE",
            "userInfo": {"username": "ann"}, "object": object, "oldObject": null,
        },
    });
    review.to_string().into_bytes()
}
