//! Suites that cannot be read.

use std::fs;

use super::run::refused;
use crate::policies::policy_text;

const HEAD: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Suite\n";
const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: team}, spec: {}}";

/// Refuses a suite beside the policy `p`, which has the parameter `word`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join("policies").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("p/p.rego", &policy_text("p", &["parameters: {word: x}"], "deny contains \"no\" if true"));
    write("p/suite.yaml", text);
    write("p/two.yaml", "apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n");
    write("p/list.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
    write("p/broken.yaml", "a: [\n");
    write("p/values.yaml", "replicas: 3\n");
    write("p/review.json", r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#);
    write("../outside.yaml", "apiVersion: v1\nkind: Pod\n");
    refused(&["verify", directory.path().join("policies").to_str().unwrap()], expected);
}

/// Refuses a suite with one case, whose fields begin on line 5.
#[track_caller]
fn check_case(fields: &str, expected: &[&str]) {
    let rest = if fields.contains("expect:") { "" } else { "  expect: {outcome: allow}\n" };
    let object = if fields.contains("object:") { "" } else { &format!("  object: {POD}\n") };
    check(&format!("{HEAD}cases:\n- name: it\n{fields}{object}{rest}"), expected);
}

#[test]
fn text_that_is_no_suite() {
    check("a: [", &["p/suite.yaml:2:1: is no YAML: "]);
    check("", &["p/suite.yaml:1:1: is empty"]);
    check("- a", &["p/suite.yaml:1:1: Suite must be a mapping, found a list"]);
    check(
        "kind: Suite\ncases: []\n",
        &["p/suite.yaml:1:1: Suite lacks the field \"apiVersion\"\n  fix: add `apiVersion:`"],
    );
    check("apiVersion: portcullis.dev/v1alpha1\nkind: Siute\n", &["p/suite.yaml:2:7: ", "fix: did you mean `Suite`?"]);
    check(HEAD, &["p/suite.yaml:1:1: Suite lacks the field \"cases\"\n  fix: add `cases:`"]);
    check(&format!("{HEAD}cases: []\n"), &["p/suite.yaml:1:1: Suite has no cases\n  fix: add one"]);
    check(&format!("{HEAD}---\n{HEAD}"), &["p/suite.yaml:4:1: holds a second document"]);
    check(
        &format!("{HEAD}case: []\n"),
        &["p/suite.yaml:3:1: Suite has no field \"case\"\n  fix: did you mean `cases`?"],
    );
    check(
        &format!("{HEAD}defaults: {{usr: a}}\ncases: []\n"),
        &["p/suite.yaml:3:12: Suite.defaults has no field \"usr\"\n  fix: did you mean `user`?"],
    );
}

#[test]
fn cases_that_say_too_little_or_too_much() {
    check(&format!("{HEAD}cases: [a]\n"), &["p/suite.yaml:3:9: case must be a mapping, found the string \"a\""]);
    check(
        &format!("{HEAD}cases:\n- name: it\n"),
        &["p/suite.yaml:4:3: case lacks the field \"object\"", "case lacks the field \"expect\""],
    );
    check(
        &format!("{HEAD}cases:\n- object: {POD}\n  expect: {{outcome: allow}}\n"),
        &["p/suite.yaml:4:3: case lacks the field \"name\""],
    );
    let case = format!("- name: it\n  object: {POD}\n  expect: {{outcome: allow}}\n");
    check(
        &format!("{HEAD}cases:\n{case}{case}"),
        &["p/suite.yaml:7:3: case \"it\" is also on line 4\n  fix: give it another name"],
    );
    check_case(
        "  operatoin: CREATE\n",
        &["p/suite.yaml:5:3: case has no field \"operatoin\"\n  fix: did you mean `operation`?"],
    );
    check_case(
        "  operation: PATCH\n",
        &["p/suite.yaml:5:14: field \"operation\" of case must be one of CREATE, UPDATE, DELETE, CONNECT"],
    );
    check_case("  groups: dev\n", &["p/suite.yaml:5:11: field \"groups\" of case must be a list of strings"]);
    check_case(
        "  enforcement: off\n",
        &["p/suite.yaml:5:16: field \"enforcement\" of case must be one of deny, warn, audit, found false"],
    );
    check_case(
        "  namespace: {labels: {a: 1}}\n",
        &["p/suite.yaml:5:27: labels \"a\" must be a string, found an integer\n  fix: write it in quotes"],
    );
    check_case(
        "  namespace: other\n",
        &["p/suite.yaml:5:14: the object lies in namespace \"team\", not in \"other\"\n  fix: leave one of them out"],
    );
    check_case(
        &format!("  oldObject: {POD}\n"),
        &["p/suite.yaml:5:3: oldObject belongs to UPDATE, and this is CREATE\n  fix: say `operation: UPDATE`"],
    );
}

#[test]
fn expectations_that_mean_nothing() {
    check_case(
        "  expect: {}\n",
        &["p/suite.yaml:5:11: case.expect lacks the field \"outcome\"\n  fix: add `outcome:`"],
    );
    check_case(
        "  expect: {outcome: dney}\n",
        &[
            "p/suite.yaml:5:21: field \"outcome\" of case.expect must be one of allow, warn, deny, skip, error, unavailable",
            "fix: did you mean `deny`?",
        ],
    );
    check_case(
        "  expect: {outcome: deny, violation: []}\n",
        &["p/suite.yaml:5:27: case.expect has no field \"violation\"\n  fix: did you mean `violations`?"],
    );
    check_case(
        "  expect: {outcome: deny, violations: [{msg: a}]}\n",
        &["p/suite.yaml:5:41: violation has no field \"msg\"\n  fix: remove it; known are: policy, message"],
    );
    check_case(
        "  expect: {outcome: deny, violations: [{count: 1001}]}\n",
        &["p/suite.yaml:5:48: count is 1001, more than 1000"],
    );
    check_case(
        "  expect: {outcome: deny, violations: [/(/]}\n",
        &["p/suite.yaml:5:40: \"/(/\" is no regular expression: unclosed group\n  fix: "],
    );
    check_case(
        "  expect: {outcome: deny, violations: [{message: '/[/'}]}\n",
        &["p/suite.yaml:5:50: \"/[/\" is no regular expression: "],
    );
    check_case(
        "  expect: {outcome: deny, error: x}\n",
        &[
            "p/suite.yaml:5:27: an error is expected, and the outcome deny\n  fix: say `outcome: error` or `unavailable`",
        ],
    );
}

#[test]
fn policies_and_parameters_that_are_not_there() {
    let cases = format!("cases:\n- name: it\n  object: {POD}\n  expect: {{outcome: allow}}\n");
    check(
        &format!("{HEAD}policy: pp\n{cases}"),
        &["p/suite.yaml:3:9: there is no policy \"pp\"\n  fix: see policy list"],
    );
    check(
        &format!("{HEAD}policy: []\n{cases}"),
        &["p/suite.yaml:3:9: field \"policy\" of Suite must be a string, found a list"],
    );
    check_case(
        "  parameters: {wrod: y}\n",
        &["p/suite.yaml:5:3: policy p has no parameter \"wrod\"\n  fix: see policy list"],
    );
    check_case("  parameters: [a]\n", &["p/suite.yaml:5:15: field \"parameters\" must be a mapping, found a list"]);
    check(
        &format!("{HEAD}defaults: {{parameters: {{wrod: y}}}}\n{cases}"),
        &["p/suite.yaml:3:12: policy p has no parameter \"wrod\""],
    );
}

#[test]
fn objects_that_are_none() {
    check_case(
        "  object: 7\n",
        &[
            "p/suite.yaml:5:11: field \"object\" of case must be a file or an object, found an integer\n  fix: write the name of a file",
        ],
    );
    check_case(
        "  object: {kind: Pod}\n",
        &["p/suite.yaml:5:11: ", "suite.yaml:5:11: is no Kubernetes object: it has no apiVersion and kind"],
    );
    check_case(
        "  object: values.yaml\n",
        &["p/suite.yaml:5:11: ", "p/values.yaml:1:1: is no Kubernetes object", "\n  fix: write the whole object"],
    );
    check_case(
        "  object: list.yaml\n",
        &["p/list.yaml:1:1: is a list, v1 List; a case judges one object\n  fix: write a case for each"],
    );
    check_case(
        "  object: two.yaml\n",
        &["p/suite.yaml:5:11: ", "p/two.yaml:4:1: holds a second document\n  fix: keep one document in this file"],
    );
    check_case("  object: broken.yaml\n", &["p/suite.yaml:5:11: ", "p/broken.yaml:2:1: is no YAML"]);
    check_case(
        "  object: pod.yaml\n",
        &["p/suite.yaml:5:11: ", "p/pod.yaml: cannot be read: No such file", "\n  fix: check its name"],
    );
    check_case(
        "  object: ../../outside.yaml\n",
        &[
            "p/suite.yaml:5:11: \"../../outside.yaml\" leads out of the directory of policies\n  fix: put the file beside the suite",
        ],
    );
    check_case("  object: /etc/hostname\n", &["p/suite.yaml:5:11: \"/etc/hostname\" is an absolute path\n  fix: "]);
    check_case(
        "  user: eve\n  object: review.json\n",
        &["p/suite.yaml:4:3: a review brings its own operation, user, groups and namespace\n  fix: leave them out"],
    );
}

#[test]
fn a_suite_beside_no_policy() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("more")).unwrap();
    fs::write(directory.path().join("p.rego"), policy_text("p", &[], "deny contains \"no\" if true")).unwrap();
    let suite = format!("{HEAD}cases:\n- name: it\n  object: {POD}\n  expect: {{outcome: allow}}\n");
    fs::write(directory.path().join("more/suite.yaml"), suite).unwrap();
    let expected = "more/suite.yaml:1:1: no policy lies beside the suite\n  fix: name the one it tests: `policy: …`";
    refused(&["verify", directory.path().to_str().unwrap()], &[expected]);
}
