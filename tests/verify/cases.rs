//! Suites: what a case says must come of its object, and what is told when something else does.

use super::directory::{Directory, pod};

/// Runs one case and checks the exit code and what is said.
#[track_caller]
fn check(case: &str, code: i32, expected: &[&str]) {
    let directory = Directory::new();
    directory.write("names/bad.yaml", &pod("bad"));
    directory.suite(&format!("cases:\n- name: it\n{case}"));
    directory.check(&[], code, expected);
}

fn passes(case: &str) {
    check(case, 0, &["1 case in 1 file: 1 passed, 0 failed, 0 errors"]);
}

#[test]
fn each_outcome_is_told_from_the_others() {
    for (object, more, outcome) in [
        (pod("good"), "", "allow"),
        (pod("bad"), "", "deny"),
        (pod("odd"), "", "warn"),
        (pod("bad"), "enforcement: warn", "warn"),
        (pod("bad"), "enforcement: audit", "allow"),
        ("{apiVersion: v1, kind: Service, metadata: {name: bad}}".to_owned(), "", "skip"),
        (pod("bad"), "operation: CONNECT", "skip"),
        (pod("bad"), "operation: DELETE", "allow"),
        // No list of containers can be made of it, so what stands against them cannot be told.
        ("{apiVersion: v1, kind: Pod, metadata: {name: bad}, spec: {containers: 1}}".to_owned(), "", "error"),
    ] {
        let more = if more.is_empty() { String::new() } else { format!("  {more}\n") };
        for expected in ["allow", "warn", "deny", "skip", "error", "unavailable"] {
            let case = format!("  object: {object}\n{more}  expect: {{outcome: {expected}}}\n");
            let difference = format!("outcome: expected {expected}, got {outcome}");
            match (expected == outcome, outcome) {
                (true, _) => passes(&case),
                (false, "error") => check(&case, 2, &["ERROR names/it (./names/suite.yaml:4)", &difference]),
                (false, _) => check(&case, 1, &["FAIL names/it (./names/suite.yaml:4)", &difference]),
            }
        }
    }
}

#[test]
fn objects_come_from_files_or_stand_in_the_suite() {
    let expect = "  expect: {outcome: deny, violations: [bad name]}\n";
    passes(&format!("  object: bad.yaml\n{expect}"));
    passes(&format!("  object: ./../names/bad.yaml\n{expect}"));
    passes(&format!("  object: {}\n{expect}", pod("bad")));
    let directory = Directory::new();
    directory.write("names/bad.json", r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{}}"#);
    directory.suite(&format!("cases:\n- name: it\n  object: bad.json\n{expect}"));
    directory.check(&[], 0, &["1 passed"]);
}

#[test]
fn violations_are_compared_each_with_each() {
    let case = |expect: &str| format!("  object: bad.yaml\n  expect:\n    outcome: deny\n{expect}");
    passes(&case("    violations: [{message: bad *, field: metadata.name, severity: high, enforcement: deny}]\n"));
    passes(&case("    violations: [{policy: names, message: /^bad/}]\n"));
    passes(&case("    violations: [{}]\n"));
    passes(&case("    violations: []\n    exact: false\n"));
    passes(&case("    violations: [{message: worse, count: 0}]\n    exact: false\n"));
    passes(&case(""));
    let got = "+ got      policy: names, enforcement: deny, severity: high, message: bad name, field: metadata.name";
    check(&case("    violations: []\n"), 1, &["FAIL names/it", got]);
    check(&case("    violations: [bad]\n"), 1, &["  - expected message: bad\n", got]);
    check(
        &case("    violations: [{field: spec, severity: low}]\n"),
        1,
        &["- expected severity: low, field: spec\n", got],
    );
    check(&case("    violations: [{remedy: '*'}]\n"), 1, &["- expected remedy: *", got]);
    check(&case("    violations: [{message: bad*, count: 2}]\n"), 1, &["- expected message: bad*\n1 case in"]);
    check(&case("    violations: [{message: bad*, count: 0}]\n    exact: false\n"), 1, &[got]);
}

#[test]
fn what_was_said_explains_another_outcome() {
    check(
        "  object: bad.yaml\n  expect: {outcome: allow}\n",
        1,
        &["outcome: expected allow, got deny", "+ got      policy"],
    );
}

#[test]
fn parameters_go_key_by_key_over_the_defaults() {
    let directory = Directory::new();
    directory.suite(&format!(
        "defaults: {{parameters: {{word: default}}}}\ncases:\n- name: a\n  object: {0}\n  expect: {{outcome: deny, violations: [bad default]}}\n\
         - name: b\n  object: {0}\n  parameters: {{word: own}}\n  expect: {{outcome: deny, violations: [bad own]}}\n",
        pod("bad")
    ));
    directory.check(&[], 0, &["2 cases in 1 file: 2 passed"]);
}

#[test]
fn who_asks_for_what_and_where_reaches_the_policy() {
    let directory = Directory::new();
    let rules = "deny contains message if {\n\trequest := input.request\n\
                 \tmessage := sprintf(\"%s %s %v %s %v %v\", [request.operation, request.userInfo.username, \
                 request.userInfo.groups, request.namespace, object.get(request, [\"oldObject\", \"metadata\", \"name\"], \"none\"), input.namespace.labels])\n}\n";
    let text = crate::policies::policy_text("asks", &["needs: [namespace]"], rules);
    directory.write("asks/asks.rego", &text);
    directory.write(
        "asks/suite.yaml",
        &format!(
            "{head}defaults: {{user: eve, namespace: {{name: team, labels: {{tier: web}}}}}}\ncases:\n\
             - name: a\n  object: {pod}\n  groups: [dev]\n  expect:\n    outcome: deny\n    violations:\n    - 'CREATE eve [\"dev\"] team none {{\"kubernetes.io/metadata.name\": \"team\", \"tier\": \"web\"}}'\n\
             - name: b\n  object: {pod}\n  operation: UPDATE\n  oldObject: {old}\n  user: bob\n  expect:\n    outcome: deny\n    violations: ['UPDATE bob * team old *']\n\
             - name: c\n  object: {pod}\n  operation: UPDATE\n  namespace: {{labels: {{}}}}\n  expect:\n    outcome: deny\n    violations: ['UPDATE eve * team new {{\"kubernetes.io/metadata.name\": \"team\"}}']\n",
            head = super::directory::SUITE,
            pod = pod("new"),
            old = pod("old"),
        ),
    );
    directory.check(&[], 0, &["3 cases in 1 file: 3 passed"]);
}

#[test]
fn labels_that_no_case_tells_are_not_known() {
    let directory = Directory::new();
    let text = crate::policies::policy_text("needs", &["needs: [namespace]"], "deny contains \"no\" if true");
    directory.write("needs/needs.rego", &text);
    let suite = |expect: &str| {
        let text = format!(
            "{}cases:\n- name: it\n  object: {}\n  namespace: team\n  expect: {expect}\n",
            super::directory::SUITE,
            pod("a")
        );
        directory.write("needs/suite.yaml", &text);
    };
    suite("{outcome: unavailable, error: '*namespace \"team\" are not known*'}");
    directory.check(&[], 0, &["1 passed"]);
    suite("{outcome: unavailable, error: other}");
    directory.check(&[], 1, &["- expected error: other\n  + got      needs: unavailable: the labels of namespace"]);
    suite("{outcome: deny}");
    directory.check(
        &[],
        2,
        &["ERROR needs/it", "needs: the labels of namespace \"team\" are not known: the case gives none"],
    );
}

#[test]
fn a_review_is_judged_as_it_is() {
    let directory = Directory::new();
    directory.write(
        "names/review.json",
        r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"",
            "version":"v1","kind":"Pod"},"name":"bad","namespace":"n","operation":"CREATE","userInfo":{"username":"eve"},
            "object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{}}}}"#,
    );
    directory.suite("cases:\n- name: it\n  object: review.json\n  expect: {outcome: deny}\n");
    directory.check(&[], 0, &["1 passed"]);
}

#[test]
fn json_tells_each_case_and_where_it_differs() {
    let directory = Directory::new();
    directory.write("names/names_test.rego", "package policies.names_test\n\ntest_a if true\n");
    directory.suite(&format!(
        "cases:\n- name: good\n  object: {}\n  expect: {{outcome: allow}}\n- name: bad\n  object: {}\n  expect: {{outcome: allow, violations: [x]}}\n",
        pod("good"),
        pod("bad")
    ));
    let report = directory.json(&[]);
    assert_eq!(report["tests"][0]["path"], "data.policies.names_test.test_a");
    let good = serde_json::json!({"file": "./names/suite.yaml", "line": 4, "name": "good", "path": "names/good", "result": "pass"});
    assert_eq!(report["cases"][0], good);
    let bad = &report["cases"][1];
    assert_eq!((&bad["line"], &bad["result"]), (&7.into(), &"fail".into()));
    assert_eq!(bad["differences"][0], serde_json::json!({"kind": "outcome", "expected": "allow", "got": "deny"}));
    assert_eq!(bad["differences"][1], serde_json::json!({"kind": "missing", "expected": "message: x"}));
    assert_eq!(bad["differences"][2]["kind"], "unexpected");
    let summary = serde_json::json!({"files": 2, "tests": 1, "cases": 2, "passed": 2, "failed": 1, "errors": 0});
    assert_eq!(report["summary"], summary);
    directory.check(&[], 1, &["1 test and 2 cases in 2 files: 2 passed, 1 failed, 0 errors"]);
}

#[test]
fn a_suite_may_test_a_policy_that_lies_elsewhere() {
    let directory = Directory::new();
    let suite = |policy: &str| {
        format!(
            "{}{policy}cases:\n- name: it\n  object: {}\n  expect: {{outcome: deny}}\n",
            super::directory::SUITE,
            pod("bad")
        )
    };
    directory.write("more/suite.yaml", &suite("policy: names\n"));
    directory.check(&["--run", "^names/it$"], 0, &["1 case in 1 file: 1 passed"]);
}

#[test]
fn a_server_reads_no_suite() {
    let directory = Directory::new();
    directory.suite("nonsense: [");
    let path = directory.path();
    for command in ["list", "check"] {
        let output = crate::command::policy([command, "--policies", path.to_str().unwrap()]).output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{output:?}");
    }
    directory.check(&[], 2, &["policy: ./names/suite.yaml:"]);
}
