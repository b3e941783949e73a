//! Mutators at work on whole reviews: what is patched, what conflicts, what never comes to rest.

use super::*;
use crate::engine::bundle::Bundle;
use crate::engine::config::{Config, labels, read};
use crate::engine::decide::{POLICY_BUDGET, decide};
use crate::engine::scope::NamespaceFact;
use crate::engine::source::Source;

/// A policy that mutates: what stands in METADATA's `custom`, and its rules.
fn mutator(name: &str, custom: &str, rules: &str) -> Source {
    let text = format!("# METADATA\n# title: T\n# custom: {{{custom}}}\npackage policies.{name}\n{rules}\n");
    Source::new(format!("{name}.rego"), text)
}

/// A rule that yields one operation, whatever it sees.
fn always(name: &str, custom: &str, operation: &str) -> Source {
    mutator(name, custom, &format!("mutate contains {operation} if true"))
}

fn set(sources: Vec<Source>, config: &str) -> PolicySet {
    let bundle = Bundle::read("", sources).unwrap();
    let config = match config {
        "" => Config::default(),
        text => {
            let text = format!("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n{text}");
            read(&Source::new("config.yaml", text), &bundle.policies).unwrap()
        }
    };
    PolicySet::new(bundle, config, &[])
}

fn facts() -> Facts {
    Facts {
        namespace: NamespaceFact::Known { labels: labels(&Value::Null), annotations: labels(&Value::Null) },
        now: "2026-11-21T00:00:00Z".to_owned(),
        policy_budget: POLICY_BUDGET.saturating_mul(100),
        review_budget: POLICY_BUDGET.saturating_mul(200),
    }
}

fn request(kind: &str, operation: &str, rest: &str, object: &str) -> String {
    let (group, kind) = kind.rsplit_once('/').unwrap_or(("", kind));
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u",
           "kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"namespace":"shop","operation":"{operation}",
           "userInfo":{{"username":"ann"}},{rest}"object":{object},"oldObject":{}}}}}"#,
        if operation == "UPDATE" { object } else { "null" }
    )
}

fn run(set: &PolicySet, review: &str) -> Mutation {
    mutate(&Review::parse(review.as_bytes()).unwrap(), set, &facts()).unwrap()
}

fn patch_of(mutation: &Mutation) -> String {
    String::from_utf8(mutation.patch.to_json()).unwrap()
}

/// The patch of a Pod's creation, or why there is none.
#[track_caller]
fn check(sources: Vec<Source>, pod: &str, expected: &str) -> Mutation {
    let set = set(sources, "");
    let mutation = run(&set, &request("Pod", "CREATE", "", pod));
    let refused: Vec<String> = mutation
        .decision
        .evaluations
        .iter()
        .filter_map(|one| match &one.verdict {
            Verdict::Error(why) | Verdict::Conflict(why) => Some(format!("{}: {why}", one.policy.name)),
            Verdict::Judged { .. } | Verdict::Mutated { .. } | Verdict::Unavailable(_) => None,
        })
        .collect();
    if mutation.decision.allowed() {
        assert_eq!(patch_of(&mutation), expected);
        let again = run(&set, &request("Pod", "CREATE", "", &mutation.object.to_string()));
        assert_eq!(patch_of(&again), "[]", "the second mutation is not empty");
    } else {
        assert_eq!(refused.join("; "), expected);
        assert!(mutation.patch.is_empty(), "refused, with a patch");
    }
    mutation
}

const POD: &str =
    r#"{"metadata":{},"spec":{"containers":[{"name":"a","image":"i"},{"name":"b"}],"initContainers":[{"name":"c"}]}}"#;

#[test]
fn what_is_unset_is_set_with_its_parents() {
    let operation = r#"{"op": "default", "path": ["spec", "securityContext", "runAsNonRoot"], "value": true}"#;
    let one = || vec![always("a", "", operation)];
    check(one(), POD, r#"[{"op":"add","path":"/spec/securityContext","value":{"runAsNonRoot":true}}]"#);
    let with = |context: &str| format!(r#"{{"spec":{{"containers":[],"securityContext":{context}}}}}"#);
    check(one(), &with("{}"), r#"[{"op":"add","path":"/spec/securityContext/runAsNonRoot","value":true}]"#);
    check(one(), &with("null"), r#"[{"op":"add","path":"/spec/securityContext","value":{"runAsNonRoot":true}}]"#);
    check(one(), &with(r#"{"runAsNonRoot":false}"#), "[]");
}

#[test]
fn every_container_is_reached_by_its_path_and_one_by_its_name() {
    let rule = r#"mutate contains {"op": "set", "path": [c.path, "tty"], "value": true} if some c in input.containers"#;
    check(
        vec![mutator("a", "", rule)],
        POD,
        concat!(
            r#"[{"op":"add","path":"/spec/containers/0/tty","value":true},"#,
            r#"{"op":"add","path":"/spec/containers/1/tty","value":true},"#,
            r#"{"op":"add","path":"/spec/initContainers/0/tty","value":true}]"#
        ),
    );
    let together = r#"mutate contains {"op": "default", "path": [paths, "image"], "value": "x"} if {
	paths := [c.path | some c in input.containers]
}"#;
    check(
        vec![mutator("a", "", together)],
        POD,
        concat!(
            r#"[{"op":"add","path":"/spec/containers/1/image","value":"x"},"#,
            r#"{"op":"add","path":"/spec/initContainers/0/image","value":"x"}]"#
        ),
    );
    let named = r#"{"op": "set", "path": ["spec", {"containers": "b"}, "image"], "value": "x"}"#;
    check(vec![always("a", "", named)], POD, r#"[{"op":"add","path":"/spec/containers/1/image","value":"x"}]"#);
    let absent = r#"{"op": "set", "path": ["spec", {"containers": "z"}, "image"], "value": "x"}"#;
    check(vec![always("a", "", absent)], POD, "[]");
}

#[test]
fn a_policy_may_write_json_patch() {
    let add = r#"{"op": "add", "path": "/metadata/labels/a~1b", "value": "x"}"#;
    check(vec![always("a", "", add)], POD, r#"[{"op":"add","path":"/metadata/labels","value":{"a/b":"x"}}]"#);
    let moved = r#"[{"op": "test", "path": "/spec/containers/0/name", "value": "a"},
                    {"op": "move", "from": "/spec/containers/0/image", "path": "/metadata/annotations"}]"#;
    check(
        vec![mutator("a", "", &format!("mutate contains patch if patch := {moved}"))],
        POD,
        r#"[{"op":"add","path":"/metadata/annotations","value":"i"},{"op":"remove","path":"/spec/containers/0/image"}]"#,
    );
}

#[test]
fn two_policies_that_want_different_values_conflict_and_nothing_is_done() {
    let wants = |name: &str, custom: &str, value: &str| {
        always(name, custom, &format!(r#"{{"op": "set", "path": ["spec", "priority"], "value": {value}}}"#))
    };
    let other = || always("c", "", r#"{"op": "set", "path": ["metadata", "labels", "x"], "value": "y"}"#);
    let mutation = check(
        vec![wants("a", "", "1"), wants("b", "", "2"), other()],
        POD,
        "a: b wants something else at spec.priority; neither is done; b: a wants something else at spec.priority; neither is done",
    );
    assert_eq!(mutation.decision.outcome, Outcome::Error);
    check(vec![wants("a", "", "1"), wants("b", "", "1")], POD, r#"[{"op":"add","path":"/spec/priority","value":1}]"#);
    let yielding = "on_conflict: yield";
    check(
        vec![wants("a", yielding, "1"), wants("b", "", "2")],
        POD,
        r#"[{"op":"add","path":"/spec/priority","value":2}]"#,
    );
    // Another priority makes a fight of it no less.
    let late = "priority: 200";
    assert!(!check(
        vec![wants("a", "", "1"), wants("b", late, "2")],
        POD,
        "a: b wants something else at spec.priority; neither is done; b: a wants something else at spec.priority; neither is done"
    )
    .decision
    .allowed());
    // Who says that it may break is left out; the others act.
    let lenient = "on_error: allow";
    check(
        vec![wants("a", lenient, "1"), wants("b", lenient, "2"), other()],
        POD,
        r#"[{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]"#,
    );
}

#[test]
fn lower_priorities_act_first_and_the_others_see_it() {
    let first = always("z", "priority: 1", r#"{"op": "set", "path": ["metadata", "labels", "tier"], "value": "web"}"#);
    let second = mutator(
        "a",
        "priority: 2",
        r#"mutate contains {"op": "set", "path": ["spec", "priority"], "value": 7} if input.pod.metadata.labels.tier == "web""#,
    );
    check(
        vec![second, first],
        POD,
        r#"[{"op":"add","path":"/metadata/labels","value":{"tier":"web"}},{"op":"add","path":"/spec/priority","value":7}]"#,
    );
    let default = |name: &str, priority: u32| {
        let operation = format!(r#"{{"op": "default", "path": ["spec", "priority"], "value": {priority}}}"#);
        always(name, &format!("priority: {priority}"), &operation)
    };
    check(vec![default("a", 5), default("b", 4)], POD, r#"[{"op":"add","path":"/spec/priority","value":4}]"#);
}

#[test]
fn mutators_of_one_priority_wait_for_each_other_over_rounds() {
    let chain = |name: &str, seen: &str, made: &str| {
        let rule = format!(
            r#"mutate contains {{"op": "set", "path": ["metadata", "labels", "{made}"], "value": "x"}} if {seen}"#
        );
        mutator(name, "", &rule)
    };
    check(
        vec![
            chain("c", "true", "one"),
            chain("b", "input.pod.metadata.labels.one", "two"),
            chain("a", "input.pod.metadata.labels.two", "three"),
        ],
        POD,
        r#"[{"op":"add","path":"/metadata/labels","value":{"one":"x","three":"x","two":"x"}}]"#,
    );
}

#[test]
fn who_never_comes_to_rest_is_named() {
    let counts = mutator(
        "counts",
        "",
        "mutate contains {\"op\": \"append\", \"path\": [\"spec\", \"list\"], \"value\": n} if \
         n := count(object.get(input.pod.spec, \"list\", []))",
    );
    check(
        vec![counts],
        POD,
        "counts: mutation does not come to rest: after 4 rounds counts still find something to change",
    );
    let flips = mutator(
        "flips",
        "",
        "mutate contains {\"op\": \"set\", \"path\": [\"spec\", \"tty\"], \"value\": other} if \
         other := object.get(input.pod.spec, \"tty\", false) == false",
    );
    check(
        vec![flips],
        POD,
        "flips: mutation does not come to rest: after 4 rounds flips still find something to change",
    );
}

#[test]
fn a_mutator_that_breaks_follows_its_fail_mode_and_leaves_nothing_behind() {
    let breaks = |custom: &str| {
        mutator(
            "breaks",
            custom,
            r#"mutate contains {"op": "set", "path": ["metadata", "labels", "half"], "value": "x"} if true
mutate contains {"op": "set", "path": ["spec", "containers", "x"], "value": 1} if input.pod.spec.hostNetwork"#,
        )
    };
    let pod = r#"{"metadata":{},"spec":{"hostNetwork":true,"containers":[]}}"#;
    let sound = || always("sound", "", r#"{"op": "set", "path": ["metadata", "labels", "ok"], "value": "x"}"#);
    let mutation = check(
        vec![breaks(""), sound()],
        pod,
        "breaks: it cannot set spec.containers.x to 1: spec.containers is no mapping",
    );
    assert_eq!(mutation.decision.outcome, Outcome::Error);
    let mutation = check(
        vec![breaks("on_error: allow"), sound()],
        pod,
        r#"[{"op":"add","path":"/metadata/labels","value":{"ok":"x"}}]"#,
    );
    let changed: Vec<usize> = mutation.decision.evaluations.iter().map(|one| one.changes().len()).collect();
    assert_eq!(changed, [0, 1]);
}

#[test]
fn only_creation_of_pods_is_mutated_unless_the_policy_says_more() {
    let operation = r#"{"op": "set", "path": ["metadata", "labels", "x"], "value": "y"}"#;
    let count = |custom: &str, kind: &str, operation_name: &str, rest: &str, object: &str| {
        let set = set(vec![always("a", custom, operation)], "");
        run(&set, &request(kind, operation_name, rest, object)).patch.operations().len()
    };
    let deployment = r#"{"metadata":{},"spec":{"template":{"spec":{"containers":[]}}}}"#;
    assert_eq!(count("", "Pod", "CREATE", "", POD), 1);
    assert_eq!(count("", "Pod", "UPDATE", "", POD), 0);
    assert_eq!(count("", "apps/Deployment", "CREATE", "", deployment), 0);
    assert_eq!(count("", "Pod", "CREATE", r#""subResource":"ephemeralcontainers","#, POD), 0);
    let all = "match: {kinds: [Pod], operations: [CREATE, UPDATE, DELETE, CONNECT], templates: true}";
    assert_eq!(count(all, "Pod", "UPDATE", "", POD), 1);
    assert_eq!(count(all, "Pod", "DELETE", "", POD), 0);
    assert_eq!(count(all, "Pod", "CONNECT", "", POD), 0);
    assert_eq!(count(all, "Pod", "UPDATE", r#""subResource":"resize","#, POD), 0);
    assert_eq!(count(all, "apps/Deployment", "UPDATE", "", deployment), 1);
    assert_eq!(count("match: {kinds: [Service]}", "Service", "CREATE", "", "{}"), 1);
}

#[test]
fn a_template_is_patched_in_the_real_object() {
    let custom = "match: {kinds: [Pod], templates: true}";
    let rules = r#"mutate contains {"op": "set", "path": ["spec", "priority"], "value": 1} if true
mutate contains {"op": "set", "path": [c.path, "tty"], "value": true} if some c in input.containers
mutate contains {"op": "add", "path": "/metadata/labels/x", "value": "y"} if true"#;
    let object =
        r#"{"spec":{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{}},"spec":{"containers":[{}]}}}}}}"#;
    let mutation = run(&set(vec![mutator("a", custom, rules)], ""), &request("batch/CronJob", "CREATE", "", object));
    let paths: Vec<&str> = mutation.patch.operations().iter().map(|one| one.path.as_str()).collect();
    let base = "/spec/jobTemplate/spec/template";
    assert_eq!(
        paths,
        [format!("{base}/metadata/labels/x"), format!("{base}/spec/containers/0/tty"), format!("{base}/spec/priority")]
    );
}

#[test]
fn what_the_server_holds_fast_is_not_patched() {
    let custom = "match: {kinds: [Pod, batch/Job], operations: [UPDATE], templates: true}";
    let rules = r#"mutate contains {"op": "set", "path": ["spec", "priority"], "value": 1} if true
mutate contains {"op": "set", "path": ["metadata", "annotations", "x"], "value": "y"} if true
mutate contains {"op": "set", "path": [c.path, "image"], "value": "z"} if some c in input.containers"#;
    let set = set(vec![mutator("a", custom, rules)], "");
    let paths = |kind: &str, object: &str| -> Vec<String> {
        let mutation = run(&set, &request(kind, "UPDATE", "", object));
        mutation.patch.operations().iter().map(|one| one.path.clone()).collect()
    };
    let pod =
        r#"{"metadata":{},"spec":{"containers":[{"name":"a","image":"i"}],"ephemeralContainers":[{"name":"e"}]}}"#;
    assert_eq!(paths("Pod", pod), ["/metadata/annotations", "/spec/containers/0/image"]);
    let job = r#"{"metadata":{},"spec":{"template":{"spec":{"containers":[{"image":"i"}]}}}}"#;
    assert_eq!(paths("batch/Job", job), ["/metadata/annotations", "/spec/priority"]);
}

#[test]
fn a_mutator_that_warns_or_audits_says_what_it_would_do() {
    let operation = r#"{"op": "set", "path": ["spec", "priority"], "value": 1}"#;
    for (enforcement, expected) in [("warn", Enforcement::Warn), ("audit", Enforcement::Audit)] {
        let mutation = check(vec![always("a", &format!("enforcement: {enforcement}"), operation)], POD, "[]");
        let [violation] = mutation.decision.evaluations[0].violations() else { panic!("says nothing") };
        assert_eq!(violation.message, "would set spec.priority to 1");
        assert_eq!((violation.field.as_deref(), violation.enforcement), (Some("spec.priority"), expected));
    }
}

#[test]
fn who_is_exempt_is_not_mutated_and_that_is_recorded() {
    let rule = r#"mutate contains {"op": "set", "path": [c.path, "tty"], "value": true} if some c in input.containers"#;
    let exemption = |matches: &str| {
        format!("exemptions:\n- {{policies: [a], match: {matches}, owner: o, reason: r, expires: 2099-01-01}}\n")
    };
    let patched = |matches: &str| {
        let set = set(vec![mutator("a", "", rule)], &exemption(matches));
        let mutation = run(&set, &request("Pod", "CREATE", "", POD));
        (mutation.patch.operations().len(), mutation.decision.evaluations[0].exempted().len())
    };
    assert_eq!(patched("{namespaces: [shop]}"), (0, 3));
    assert_eq!(patched("{images: [i]}"), (2, 1));
    assert_eq!(patched("{namespaces: [other]}"), (3, 0));
}

#[test]
fn configuration_may_have_the_object_say_whose_work_it_is() {
    let operation = r#"{"op": "set", "path": ["spec", "priority"], "value": 1}"#;
    let set = set(vec![always("a", "", operation)], "annotateMutations: true");
    let mutation = run(
        &set,
        &request("Pod", "CREATE", "", r#"{"metadata":{"annotations":{"portcullis.dev/mutated-by":"z"}},"spec":{}}"#),
    );
    assert_eq!(mutation.object["metadata"]["annotations"][MUTATED_BY], Value::from("a,z"));
    let again = run(&set, &request("Pod", "CREATE", "", &mutation.object.to_string()));
    assert!(again.patch.is_empty());
}

#[test]
fn no_value_of_a_secret_gets_into_a_patch() {
    let rule = r#"mutate contains {"op": "set", "path": ["metadata", "annotations", "copy"], "value": v} if v := input.request.object.data.k"#;
    let set = set(vec![mutator("a", "match: {kinds: [Secret]}", rule)], "");
    let secret = r#"{"kind":"Secret","metadata":{},"data":{"k":"aHVudGVyMg=="}}"#;
    let mutation = run(&set, &request("Secret", "CREATE", "", secret));
    assert_eq!(mutation.decision.outcome, Outcome::Error);
    assert!(mutation.patch.is_empty());
    let Verdict::Error(why) = &mutation.decision.evaluations[0].verdict else { panic!("no error") };
    assert!(why.contains("metadata.annotations.copy") && !why.contains("aHVudGVyMg"), "{why}");
}

#[test]
fn patches_are_bounded() {
    let rule = "mutate contains {\"op\": \"set\", \"path\": [\"metadata\", \"annotations\", sprintf(\"k%d\", [n])], \
                \"value\": concat(\"\", [c | some i in numbers.range(1, 700); c := \"0123456789\"])} \
                if some n in numbers.range(1, 200)";
    let pod = r#"{"metadata":{"annotations":{"go":"x"}},"spec":{}}"#;
    let rule = format!("{rule}\n");
    let custom = "match: {kinds: [Pod]}";
    let set = set(
        vec![mutator(
            "a",
            custom,
            &rule
                .replace(" if some n", " if { input.pod.metadata.annotations.go; some n")
                .replace("200)\n", "200) }\n"),
        )],
        "",
    );
    let mutation = run(&set, &request("Pod", "CREATE", "", pod));
    let Verdict::Error(why) = &mutation.decision.evaluations[0].verdict else { panic!("no error") };
    assert!(why.contains("the patch would be 14") && why.contains("more than 1048576"), "{why}");
}

#[test]
fn the_order_of_policies_does_not_matter() {
    let sources = || {
        vec![
            always("a", "", r#"{"op": "append", "path": ["spec", "list"], "value": "a"}"#),
            always("b", "", r#"{"op": "append", "path": ["spec", "list"], "value": "b"}"#),
            always("c", "priority: 7", r#"{"op": "append", "path": ["spec", "list"], "value": "c"}"#),
        ]
    };
    let expected = r#"[{"op":"add","path":"/spec/list","value":["c","a","b"]}]"#;
    check(sources(), POD, expected);
    check(sources().into_iter().rev().collect(), POD, expected);
}

#[test]
fn a_policy_that_only_mutates_judges_nothing() {
    let set = set(vec![always("a", "", r#"{"op": "set", "path": ["spec", "priority"], "value": 1}"#)], "");
    let review = request("Pod", "CREATE", "", POD);
    let decision = decide(&Review::parse(review.as_bytes()).unwrap(), &set, &facts()).unwrap();
    assert_eq!(decision.evaluations.len(), 0);
}

#[test]
fn what_is_no_operation_refuses_the_policy_when_it_is_loaded() {
    let error = Bundle::read("", vec![always("a", "", r#"{"op": "put", "path": ["x"], "value": 1}"#)]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a.rego") && text.contains("op one of set, default, append, remove"), "{text}");
}

#[test]
fn who_gave_way_is_not_named_as_having_changed_anything() {
    let wants = |name: &str, custom: &str, value: &str| {
        always(name, custom, &format!(r#"{{"op": "set", "path": ["spec", "priority"], "value": {value}}}"#))
    };
    for late in ["", "priority: 50"] {
        let sources = vec![wants("a", "on_conflict: yield", "1"), wants("b", late, "2")];
        let set = set(sources, "annotateMutations: true");
        let first = run(&set, &request("Pod", "CREATE", "", POD));
        assert_eq!(first.object["metadata"]["annotations"][MUTATED_BY], Value::from("b"));
        let again = run(&set, &request("Pod", "CREATE", "", &first.object.to_string()));
        assert_eq!(patch_of(&again), "[]");
        let changed: usize = again.decision.evaluations.iter().map(|one| one.changes().len()).sum();
        assert_eq!(changed, 0, "{:?}", again.decision.evaluations);
    }
}

#[test]
fn nothing_is_not_set_to_null() {
    check(vec![always("a", "", r#"{"op": "set", "path": ["spec", "x"], "value": null}"#)], POD, "[]");
    check(vec![always("a", "", r#"{"op": "default", "path": ["spec", "x"], "value": null}"#)], POD, "[]");
    let set = r#"{"op": "set", "path": ["spec", "containers"], "value": null}"#;
    check(vec![always("a", "", set)], POD, r#"[{"op":"replace","path":"/spec/containers","value":null}]"#);
}

#[test]
fn what_one_pass_makes_of_the_object_does_not_grow_without_end() {
    let rule = r#"mutate contains {"op": "set", "path": ["metadata", "annotations", sprintf("k%d", [n])], "value": input.pod} if some n in numbers.range(1, 5000)"#;
    check(
        vec![mutator("a", "", rule)],
        &POD.replace(r#""image":"i""#, &format!(r#""image":"{}""#, "i".repeat(1_000))),
        "a: mutate yields more than 4194304 bytes",
    );
}

#[test]
fn ten_thousand_operations_are_done() {
    let rule = r#"mutate contains {"op": "set", "path": ["metadata", "annotations", sprintf("k%d", [n])], "value": "v"} if some n in numbers.range(1, 9999)"#;
    let set = set(vec![mutator("a", "", rule)], "");
    let mutation = run(&set, &request("Pod", "CREATE", "", POD));
    assert_eq!(mutation.object["metadata"]["annotations"].as_object().unwrap().len(), 9_999);
}
