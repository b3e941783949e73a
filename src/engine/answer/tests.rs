//! What an answer says to the user, the machine and the auditor, and within which bounds.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::bundle::Bundle;
use super::super::decide::{Decision, Evaluation, Exempted, Outcome, Verdict};
use super::super::json;
use super::super::mask::Mask;
use super::super::policy::Policy;
use super::super::rego::Value;
use super::super::review::Contents;
use super::super::source::Source;
use super::super::violation::{Enforcement, FailMode, Violation};
use super::{Answer, MESSAGE_BYTES};

fn policy(name: &str, severity: &str) -> Arc<Policy> {
    let text = format!(
        "# METADATA\n# title: T\n# custom:\n#   severity: {severity}\npackage policies.{name}\n\
         deny contains \"x\" if input.x\n"
    );
    let bundle = Bundle::read("", vec![Source::new("p.rego", text)]).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(&bundle.policies[0])
}

fn violation(message: &str, field: Option<&str>, remedy: Option<&str>) -> Violation {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Violation {
        message: message.to_owned(),
        field: owned(field),
        remedy: owned(remedy),
        details: None,
        enforcement: Enforcement::Deny,
    }
}

fn violations(count: usize, message: &str) -> Verdict {
    judged((0..count).map(|n| violation(&format!("{message} {n}"), Some(&format!("spec.x[{n}]")), None)).collect())
}

fn judged(violations: Vec<Violation>) -> Verdict {
    Verdict::Judged { violations, exempted: Vec::new() }
}

/// Violations of another enforcement.
fn as_enforced(enforcement: Enforcement, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Judged { violations, exempted } => {
            let violations = violations.into_iter().map(|violation| Violation { enforcement, ..violation }).collect();
            Verdict::Judged { violations, exempted }
        }
        other => other,
    }
}

fn evaluation(policy: Arc<Policy>, on_error: FailMode, verdict: Verdict) -> Evaluation {
    Evaluation { policy, enforcement: Enforcement::Deny, on_error, verdict, took: Duration::ZERO }
}

fn decision(evaluations: Vec<Evaluation>) -> Decision {
    let outcome = evaluations.iter().map(Evaluation::outcome).max().unwrap_or(Outcome::Allow);
    Decision { outcome, evaluations, ..Decision::nothing() }
}

/// A decision of policies that deny on error, each `name/severity` with its verdict.
fn decided(verdicts: Vec<(&str, Verdict)>) -> Decision {
    let evaluations = verdicts.into_iter().map(|(policy_text, verdict)| {
        let (name, severity) = policy_text.split_once('/').unwrap();
        evaluation(policy(name, severity), FailMode::Deny, verdict)
    });
    decision(evaluations.collect())
}

fn response(decision: &Decision) -> Json {
    let answer = Answer::of("u-1", "0123456789abcdef", decision).to_json();
    let answer: Json = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
    assert_eq!(answer["response"]["uid"], "u-1");
    assert!(answer["response"]["patch"].is_null() && answer["response"]["patchType"].is_null());
    answer["response"].clone()
}

fn message(decision: &Decision) -> String {
    let response = response(decision);
    assert_eq!(response["status"]["code"], 403);
    assert_eq!(response["status"]["reason"], "Forbidden");
    let message = response["status"]["message"].as_str().unwrap().to_owned();
    assert!(message.len() <= MESSAGE_BYTES, "{} bytes: {message}", message.len());
    message
}

#[track_caller]
fn check(verdicts: Vec<(&str, Verdict)>, expected: &str) {
    assert_eq!(message(&decided(verdicts)), expected);
}

fn strings(value: &Json) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_violation_is_one_line_and_its_fix() {
    let said = violation("m", Some("spec.x"), Some("set spec.x: 1"));
    check(vec![("a/high", judged(vec![said]))], "a: m (spec.x)\nfix: set spec.x: 1");
    check(vec![("a/high", judged(vec![violation("m", None, None)]))], "a: m");
    let passed = ("b/critical", judged(Vec::new()));
    check(vec![passed, ("a/high", judged(vec![violation("m", None, None)]))], "a: m");
}

#[test]
fn several_are_listed_the_most_severe_policy_first() {
    let fixed = judged(vec![violation("m", Some("spec.x"), Some("set it")), violation("n", None, None)]);
    check(
        vec![("a/low", violations(1, "low")), ("b/critical", fixed), ("c/low", violations(1, "low"))],
        "4 violations of 3 policies: a, b, c\n- b: m (spec.x)\n  fix: set it\n- b: n\n- a: low 0 (spec.x[0])\n\
         - c: low 0 (spec.x[0])",
    );
    check(
        vec![("a/low", violations(2, "m"))],
        "2 violations of 1 policy: a\n- a: m 0 (spec.x[0])\n- a: m 1 (spec.x[1])",
    );
}

#[test]
fn what_does_not_fit_is_counted() {
    let text = message(&decided(vec![("a/low", violations(200, "the container is wrong in many words"))]));
    let bullets = text.matches("\n- ").count();
    assert!(bullets > 10, "{text}");
    assert!(text.ends_with(&format!("\nand {} more", 200 - bullets)), "{text}");
}

#[test]
fn a_message_too_long_for_the_first_place_hides_no_count() {
    let long = judged(vec![violation(&"é".repeat(3_000), None, None), violation("n", None, None)]);
    let text = message(&decided(vec![("a/low", long)]));
    assert!(text.starts_with("2 violations of 1 policy: a\n- a: éé"), "{text}");
    assert!(text.ends_with("é…\nand 1 more"), "{text}");
}

#[test]
fn every_length_of_message_stays_within_the_bound() {
    for letter in ["x", "é", "語", "😀"] {
        for length in (0..1_200).step_by(7) {
            let text = letter.repeat(length);
            message(&decided(vec![("a/low", judged(vec![violation(&text, Some(&text), Some(&text))]))]));
            let two = vec![violation(&text, None, Some(&text)), violation("n", None, None)];
            message(&decided(vec![("a/low", judged(two))]));
        }
    }
    let names: Vec<String> = (0..60).map(|n| format!("policy_with_quite_a_long_name_{n}/low")).collect();
    let text = message(&decided(names.iter().map(|name| (name.as_str(), violations(1, "m"))).collect()));
    assert!(text.starts_with("60 violations of 60 policies: policy_with"), "{text}");
    assert!(text.contains("…\n- policy_with_quite_a_long_name_0: m 0 (spec.x[0])\n- "), "{text}");
}

#[test]
fn a_policy_that_broke_is_told_from_one_that_denied() {
    check(
        vec![("a/high", Verdict::Error("p.rego:3: no".to_owned()))],
        "a could not be evaluated: p.rego:3: no; refused because on_error is deny",
    );
    check(
        vec![("a/high", Verdict::Unavailable("no labels".to_owned()))],
        "a could not be evaluated, a fact is missing: no labels; refused because on_error is deny",
    );
    let broken = ("b/low", Verdict::Error("no".to_owned()));
    let text = message(&decided(vec![("a/high", violations(1, "m")), broken]));
    assert!(text.contains("\n- b could not be evaluated: no; refused because on_error is deny"), "{text}");
}

#[test]
fn a_policy_that_broke_and_may_only_warns_or_says_nothing() {
    let broken =
        |on_error| decision(vec![evaluation(policy("a", "high"), on_error, Verdict::Error("it is broken".to_owned()))]);
    let warned = response(&broken(FailMode::Warn));
    assert_eq!(warned["allowed"], true);
    assert!(warned["status"].is_null());
    assert_eq!(strings(&warned["warnings"]), ["a could not be evaluated: it is broken"]);
    let allowed = response(&broken(FailMode::Allow));
    assert!(allowed["warnings"].is_null());
    assert_eq!(allowed["auditAnnotations"]["errors"], "a");
}

#[test]
fn machines_read_at_most_fifty_causes() {
    let causes = response(&decided(vec![("b/low", violations(60, "m")), ("a/high", violations(1, "n"))]));
    let causes = causes["status"]["details"]["causes"].as_array().unwrap().clone();
    assert_eq!(causes.len(), 50);
    assert_eq!(causes[0], json!({"reason": "a", "message": "n 0", "field": "spec.x[0]"}));
    assert_eq!(causes[1], json!({"reason": "b", "message": "m 0", "field": "spec.x[0]"}));
    let broken = response(&decided(vec![("a/high", Verdict::Error("no".to_owned()))]));
    let text = "a could not be evaluated: no; refused because on_error is deny";
    assert_eq!(broken["status"]["details"]["causes"], json!([{"reason": "a", "message": text}]));
}

#[test]
fn an_answer_is_small_however_much_is_said() {
    let loud: Vec<Violation> =
        (0..100).map(|n| violation(&format!("{n}{}", "語".repeat(50_000)), None, None)).collect();
    let response = response(&decided(vec![("a/low", judged(loud))]));
    let bytes = response.to_string().len();
    assert!(bytes < 32 << 10, "{bytes} bytes");
}

#[test]
fn warnings_are_short_clean_and_said_once() {
    let warn = |violations| decided(vec![("a/low", as_enforced(Enforcement::Warn, judged(violations)))]);
    let odd = vec![
        violation("a\u{7f}b\u{85}c", None, None),
        violation("m", Some("x"), Some("fix")),
        violation("m", Some("x"), None),
    ];
    let response_of_odd = response(&warn(odd));
    assert_eq!(response_of_odd["allowed"], true);
    assert_eq!(strings(&response_of_odd["warnings"]), ["a: a b c", "a: m (x)"]);

    let long = strings(&response(&warn(vec![violation(&"é".repeat(1_000), None, None)]))["warnings"]);
    assert_eq!(long[0].chars().count(), 256);
    assert!(long[0].starts_with("a: éé") && long[0].ends_with("é…"), "{}", long[0]);

    let many = (0..40).map(|n| violation(&format!("{n:03}{}", "é".repeat(300)), None, None)).collect();
    assert_eq!(strings(&response(&warn(many))["warnings"]).len(), 4_096 / 256);
    let mut repeated: Vec<Violation> = (0..40).map(|_| violation(&"é".repeat(300), None, None)).collect();
    repeated.push(violation("last", None, None));
    assert_eq!(strings(&response(&warn(repeated))["warnings"]).len(), 2, "what is not said twice takes no room twice");
}

#[test]
fn warnings_are_given_beside_a_denial() {
    let warned = as_enforced(Enforcement::Warn, violations(1, "w"));
    let response = response(&decided(vec![("a/low", warned), ("b/low", violations(1, "d"))]));
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["message"], "b: d 0 (spec.x[0])");
    assert_eq!(strings(&response["warnings"]), ["a: w 0 (spec.x[0])"]);
}

#[test]
fn the_auditor_reads_who_did_what() {
    let exempted = Exempted {
        violation: violation("m", None, None),
        owner: "o".to_owned(),
        reason: "r".to_owned(),
        place: (Arc::from("config.yaml"), 1),
    };
    let decision = decided(vec![
        ("g/low", violations(2, "m")),
        ("f/high", violations(1, "m")),
        ("e/low", as_enforced(Enforcement::Warn, violations(1, "m"))),
        ("d/low", as_enforced(Enforcement::Audit, violations(1, "m"))),
        ("c/low", Verdict::Judged { violations: Vec::new(), exempted: vec![exempted] }),
        ("b/low", Verdict::Error("no".to_owned())),
        ("a/low", Verdict::Unavailable("no".to_owned())),
        ("h/low", judged(Vec::new())),
    ]);
    let expected = json!({"revision": "0123456789abcdef", "denied-by": "f,g", "warned-by": "e", "audited-by": "d",
        "exempted-by": "c", "errors": "a,b"});
    assert_eq!(response(&decision)["auditAnnotations"], expected);
    assert_eq!(response(&decision), response(&decision));
    let passed = response(&decided(vec![("h/low", judged(Vec::new()))]));
    assert_eq!(passed["auditAnnotations"], json!({"revision": "0123456789abcdef"}));
}

#[test]
fn who_passes_hears_nothing_more() {
    let expected = json!({"uid": "u-1", "allowed": true, "auditAnnotations": {"revision": "0123456789abcdef"}});
    assert_eq!(response(&decided(vec![("a/low", judged(Vec::new()))])), expected);
    let audited = as_enforced(Enforcement::Audit, violations(1, "m"));
    let audited = response(&decided(vec![("a/low", audited)]));
    assert_eq!(audited["allowed"], true);
    assert!(audited["status"].is_null() && audited["warnings"].is_null());
}

#[test]
fn a_secrets_values_are_quoted_nowhere() {
    let object = r#"{"kind":"Secret","stringData":{"a":"hunter2","b":"first line\nsecond \"line\""}}"#;
    let object = json::parse(object).unwrap();
    let contents = Contents { request: Value::Null, object, old_object: Value::Null };
    let quoting = |message: &str| violation(message, Some("stringData[hunter2]"), Some("do not set hunter2"));
    // Messages are one line, whatever the value was; a policy may have quoted it as JSON too.
    let messages = ["a is hunter2", "b is first line second \"line\"", r#"b is "first line\nsecond \"line\"""#];
    for (count, enforcement) in [(1, Enforcement::Deny), (3, Enforcement::Deny), (3, Enforcement::Warn)] {
        let said = messages.iter().take(count).map(|message| quoting(message)).collect();
        let mut decision = decided(vec![("a/low", as_enforced(enforcement, judged(said)))]);
        decision.secrets = Mask::secrets(&contents);
        let text = response(&decision).to_string();
        assert!(text.contains("(masked)"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("second"), "{text}");
    }
    let mut decision = decided(vec![("a/low", Verdict::Error("p.rego:1: hunter2 is no number".to_owned()))]);
    decision.secrets = Mask::secrets(&contents);
    assert_eq!(
        message(&decision),
        "a could not be evaluated: p.rego:1: (masked) is no number; refused because on_error is deny"
    );
}

#[test]
fn a_review_that_cannot_be_decided_is_refused_in_one_line() {
    let refused: Json = serde_json::from_slice(&Answer::refuse("u-2", &"é".repeat(900)).to_json()).unwrap();
    let response = &refused["response"];
    assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-2"), &json!(false)));
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("review refused: éé") && message.ends_with('…') && message.len() <= MESSAGE_BYTES);
}

#[test]
fn a_policy_without_a_verdict_is_no_violation() {
    let entry = |policy, is_failure| super::Entry { policy, line: String::new(), fix: None, is_failure };
    let (a, b, c) = (entry("a", true), entry("b", false), entry("b", false));
    assert_eq!(super::headline(&[b, c]), "2 violations of 1 policy: b");
    let (b, c) = (entry("b", false), entry("c", false));
    assert_eq!(super::headline(&[a, b]), "1 violation, and 1 policy could not be evaluated: a, b");
    let (a, b) = (entry("a", true), entry("b", true));
    assert_eq!(super::headline(&[a, b, c]), "1 violation, and 2 policies could not be evaluated: a, b, c");
}
