//! What is remarked on and, more important, what is not.

use super::super::bundle::{Bundle, BundleError};
use super::super::config;
use super::*;

/// The policy around a snippet: a head with what the examples of the table read.
fn wrapped(rules: &str, matches: &str, imports: &str) -> String {
    format!(
        "# METADATA\n# title: P\n# description: What it is for.\n# custom:\n#   match: {{{matches}}}\n\
         #   parameters: {{images: [], until: now}}\npackage policies.p\n\n{imports}\n\
         violation(what) := {{\"msg\": what, \"remedy\": \"remove it\"}}\n\n\
         warn contains violation(\"w\") if input.parameters.images == input.parameters.until\n\n{rules}\n"
    )
}

const TEST: &str = "package policies.p_test\n\nimport data.policies.p\n\ntest_it if p.violation(\"x\").msg == \"x\"\n";

/// What is said of a policy beside which a test and a library lie.
fn said(policy: &str) -> Vec<SourceError> {
    bundle(policy, "package lib.things\n\nx := 1")
        .map_or_else(|BundleError(errors)| errors, |bundle| policies(&bundle, &|_| false))
}

fn bundle(policy: &str, library: &str) -> Result<Bundle, BundleError> {
    let sources = vec![
        Source::new("d/p/p.rego", policy),
        Source::new("d/p/p_test.rego", TEST),
        Source::new("d/lib/l.rego", library),
    ];
    Bundle::read("d", sources)
}

fn names(remarks: &[SourceError]) -> Vec<&'static str> {
    remarks.iter().map(|remark| remark.rule.map_or("-", RuleId::as_str)).collect()
}

fn shown(remarks: &[SourceError]) -> String {
    remarks.iter().map(|remark| format!("{:?} {remark}", remark.rule)).collect::<Vec<_>>().join("\n")
}

/// Checks rules for Pods: each expected remark is the rule's name and a part of what it says.
#[track_caller]
fn check(rules: &str, expected: &[(&str, &str)]) {
    check_policy(&wrapped(rules, "kinds: [Pod], operations: [CREATE, UPDATE]", ""), expected);
}

/// Checks rules for what METADATA matches otherwise.
#[track_caller]
fn check_for(matches: &str, rules: &str, expected: &[(&str, &str)]) {
    check_policy(&wrapped(rules, matches, ""), expected);
}

#[track_caller]
fn check_policy(policy: &str, expected: &[(&str, &str)]) {
    let remarks = said(policy);
    let wanted: Vec<&str> = expected.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(names(&remarks), wanted, "\n{policy}\n{}", shown(&remarks));
    for (remark, (_, part)) in remarks.iter().zip(expected) {
        let text = remark.to_string();
        assert!(text.contains(part), "expected `{part}` in: {text}");
    }
}

fn example(rule: &Rule, text: &str) -> Vec<SourceError> {
    if let Some(yaml) =
        text.strip_prefix("exemptions:").map(|_| text).or(text.strip_prefix("trustLabels").map(|_| text))
    {
        let bundle = bundle(&wrapped("", "kinds: [Pod]", ""), "package lib.things\n\nx := 1").unwrap();
        let text = format!("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n{yaml}\n");
        let source = Source::new("config.yaml", text.as_str());
        let config = config::read(&source, &bundle.policies).unwrap();
        return configuration(&config, &[source], "2026-01-01");
    }
    assert!(rule.example.is_some());
    let is_whole = text.starts_with("# METADATA") || text.starts_with("package");
    said(&if is_whole { text.to_owned() } else { wrapped(text, "kinds: [Pod]", "") })
}

#[test]
fn every_example_shows_its_rule() {
    let rules = RULES.iter().filter_map(|rule| Some((rule, rule.example?)));
    let mut seen = 0;
    for (rule, pair) in rules {
        let bad = example(rule, pair.bad);
        assert!(names(&bad).contains(&rule.id.as_str()), "{}:\n{}\n{}", rule.id, pair.bad, shown(&bad));
        let good = example(rule, pair.good);
        assert_eq!(names(&good), [""; 0], "{}:\n{}\n{}", rule.id, pair.good, shown(&good));
        seen += 1;
    }
    assert!(seen >= 15);
}

#[test]
fn every_rule_has_a_name_of_its_own_and_words() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert_eq!(find(rule.id.as_str()).map(|found| found.id), Some(rule.id));
        assert!(rule.why.ends_with('.') && rule.fix.ends_with('.') && !rule.summary.ends_with('.'), "{}", rule.id);
    }
    assert_eq!(closest("never-fire"), Some("never-fires"));
}

#[test]
fn finds_container_lists_read_by_hand_however_they_are_reached() {
    let rule = |body: &str| format!("deny contains violation(\"x\") if {{\n\t{body}\n}}");
    let misses = [("misses-container-kinds", "initContainers and ephemeralContainers not")];
    check(&rule("input.pod.spec.containers[_].tty"), &misses);
    check(&rule("input.request.object.spec.containers[i].tty\n\ti > 1"), &misses);
    check(&rule("some c in input[\"pod\"].spec[\"containers\"]\n\tc.tty"), &misses);
    check(
        &rule("spec := input.request.object.spec\n\tsome c in object.get(spec, \"containers\", [])\n\tc.tty"),
        &misses,
    );
    check(&rule("_any(input.pod.spec)").replace("\n}", "\n}\n\n_any(spec) if spec.containers[_].tty"), &misses);
    check_for(
        "kinds: [Deployment]",
        &rule("input.request.object.spec.template.spec.containers[_].tty"),
        &[("misses-container-kinds", "is read, initContainers not")],
    );
    let by_hand = [("containers-by-hand", "read by hand")];
    check(&rule("count(input.pod.spec.containers) > 1\n\tsome c in input.containers\n\tc.spec.tty"), &by_hand);
    check(&rule("input.pod.spec.initContainers[_].tty"), &by_hand);
    check(&rule("input.request.oldObject.spec.containers[_].tty"), &[]);
    check(&rule("input.containers[_].spec.tty"), &[]);
    check(&rule("input.pod.metadata.annotations.containers"), &[]);
}

#[test]
fn finds_fields_that_do_not_exist() {
    let rule = |body: &str| format!("deny contains violation(\"x\") if {{\n\t{body}\n}}");
    let unknown = |part: &'static str| [("unknown-field", part)];
    check(
        &rule("input.request.object.spec.securtyContext.runAsNonRoot"),
        &unknown(
            "d/p/p.rego:15:31: input.request.object.spec.securtyContext does not exist: PodSpec has no field securtyContext\n  fix: did you mean `securityContext`?",
        ),
    );
    check(&rule("not input.pod.spec.hostnetwork"), &unknown("`not` of it always holds"));
    check(&rule("input.contaners[_].spec.tty"), &unknown("did you mean `containers`?"));
    check(&rule("input.review.object.spec.hostPID"), &unknown("it is input.request"));
    check(&rule("input.metadata.labels.app"), &unknown("read input.request.object.metadata"));
    check(
        &rule("some c in input.containers\n\tc.spec.privileged"),
        &unknown("SecurityContext").map(|(r, _)| (r, "c.spec.privileged does not exist")),
    );
    check(
        &rule("some c in input.containers\n\tc.securityContext.privileged"),
        &unknown("known are: image, kind, name, path, spec"),
    );
    check(
        &rule("c := input.containers[_]\n\tx := c.spec\n\tx.imagePullpolicy == \"Always\""),
        &unknown("imagePullPolicy"),
    );
    check(&rule("every c in input.containers {\n\t\tc.spec.imagePullpolicy\n\t}"), &unknown("imagePullPolicy"));
    check(&rule("{c.spec.ttyy | some c in input.containers} == {true}"), &unknown("tty"));
    check(
        &rule("input.pod.spec.volumes.hostPath"),
        &unknown("a list of Volume has no field hostPath\n  fix: read it of an element"),
    );
    check(&rule("input.pod.spec.nodeName.foo"), &unknown("a string has no field foo"));
    check(&rule("input.pod.metadata.labels.example.com"), &unknown("a key with dots is written in brackets"));
    check(&rule("object.get(input.pod.spec, \"hostNetwrk\", false)"), &unknown("hostNetwork"));
    check(&rule("object.get(input.pod, [\"spec\", \"hostNetwrk\"], false)"), &unknown("hostNetwork"));
    check(
        &rule("some name in [\"hostNetwrk\", \"hostIpc\"]\n\tinput.pod.spec[name]"),
        &unknown("did you mean `hostIPC`?"),
    );
    check(&rule("input.request.userInfo.user == \"x\""), &unknown("UserInfo has no field user"));
    check_for("kinds: [Service]", &rule("input.request.object.spec.typ == \"x\""), &unknown("`type`"));
    check_for(
        "kinds: [Pod], operations: [DELETE]",
        &rule("input.request.object.spec.hostPID"),
        &unknown("read of null"),
    );
}

#[test]
fn says_nothing_of_fields_that_exist_or_may() {
    let rule = |body: &str| format!("deny contains violation(\"x\") if {{\n\t{body}\n}}");
    for body in [
        "input.pod.metadata.labels.anything == \"x\"",
        "input.pod.metadata.annotations[\"a/b\"]",
        "input.pod.spec.containers_",
        "input.request.object[input.parameters.images[0]].x.y",
        "some name in [\"hostNetwork\", \"hostnetwork\"]\n\tinput.pod.spec[name]",
        "input.request.options.dryRun.whatever",
        "input.request.userInfo.extra.scopes[0] == \"x\"",
        "some key, value in input.pod.spec\n\tkey == \"x\"\n\tvalue.foo.bar",
        "some c in input.containers\n\tc.spec.targetContainerName",
        "some c in input.containers\n\tc.spec.resources.limits[\"nvidia.com/gpu\"]",
        "some part in array.concat([{\"spec\": input.pod.spec}], input.containers)\n\tpart.spec.securityContext.fsGroup",
        "some part in array.concat([{\"spec\": input.pod.spec}], input.containers)\n\tpart.spec.securityContext.privileged",
        "data.config.allowed[input.pod.spec.nodeName]",
        "input.namespace.labels.tier == \"x\"",
        "input.workload.kind == \"Deployment\"",
        "input.pod.spec.hostnetwork with input as {\"pod\": {\"spec\": {\"hostnetwork\": true}}}",
        "[x, y] := [input.pod.spec, input.pod.metadata]\n\tx.hostPID\n\ty.name",
        "spec := input.pod.spec\n\tcount({f | f := spec[_]}) > 0",
    ] {
        let remarks = said(&wrapped(&rule(body), "kinds: [Pod], operations: [CREATE, UPDATE]", ""));
        let unknown: Vec<&SourceError> = remarks.iter().filter(|r| r.rule == Some(RuleId::UnknownField)).collect();
        assert_eq!(unknown.len(), usize::from(body.ends_with("containers_")), "{body}: {remarks:?}");
    }
    check_for("kinds: [example.com/Widget]", &rule("input.request.object.spec.sprocket.teeth"), &[]);
    check_for("kinds: [\"*\"]", &rule("input.request.object.spec.sprocket.teeth"), &[]);
    check_for("kinds: [Pod, Service]", &rule("input.request.object.spec.clusterIP"), &[]);
    check_for("kinds: [Pod], subresources: [eviction]", &rule("input.request.object.deleteOptions"), &[]);
    check_for("kinds: [Ingress]", &rule("input.request.object.spec.backend.serviceName"), &[]);
}

#[test]
fn a_helper_is_judged_by_all_its_callers() {
    let helper = "deny contains violation(\"x\") if {\n\tsome c in input.containers\n\t_bad(c.spec)\n}\n\n\
                  deny contains violation(\"y\") if _bad(input.pod.spec)\n\n";
    check(&format!("{helper}_bad(spec) if spec.tty\n\n_bad(spec) if spec.hostPID"), &[]);
    check(&format!("{helper}_bad(spec) if spec.ttyy"), &[("unknown-field", "spec.ttyy")]);
    let library = "package lib.things\n\nbad(spec) if spec.ttyy";
    let rules = "deny contains violation(\"x\") if things.bad(input.containers[_].spec)";
    let policy = wrapped(rules, "kinds: [Pod]", "import data.lib.things\n");
    let remarks = policies(&bundle(&policy, library).unwrap(), &|_| false);
    assert_eq!(remarks.len(), 1, "{}", shown(&remarks));
    assert_eq!((&*remarks[0].file, remarks[0].line, remarks[0].column), ("d/lib/l.rego", 3, 19));
}

#[test]
fn finds_conditions_that_cannot_be_fulfilled() {
    let rule = |body: &str| format!("deny contains violation(\"x\") if {{\n\t{body}\n}}");
    let never = |part: &'static str| [("never-fires", part)];
    check(&rule("false"), &never("always false: false"));
    check(&rule("1 == 2"), &never("1 == 2 never holds"));
    check(&rule("not true"), &never("always true"));
    check(&rule("input.request.kind.kind == \"Service\""), &never("input.request.kind.kind is \"Pod\""));
    check(&rule("input.request.object.kind = \"Service\""), &never("is \"Pod\""));
    check(
        &rule("\"Service\" == input.request.kind.kind\n\tinput.request.object.spec.clusterIP == \"\""),
        &never("\"Pod\""),
    );
    check(&rule("input.request.kind.kind != \"Pod\""), &never("never holds"));
    check(&rule("not input.request.kind.kind == \"Pod\""), &never("always holds"));
    check(&rule("input.request.kind.kind in {\"Service\", \"Ingress\"}"), &never("never one of these"));
    check(&rule("input.request.operation == \"DELETE\""), &never("one of \"CREATE\", \"UPDATE\""));
    check(&rule("some c in input.containers\n\tc.kind == \"initContainer\""), &never("one of \"container\""));
    check(&rule("input.pod.spec.hostNetwork == \"true\""), &never("is true or false"));
    check(&rule("some c in input.containers\n\tc.spec.securityContext.runAsUser == \"0\""), &never("is an integer"));
    check(&rule("kind := \"a\"\n\tkind == \"b\""), &never("kind is \"a\""));
    check_for(
        "kinds: [Service]",
        &rule("some c in input.containers\n\tc.spec.tty"),
        &never("always empty: the policy matches Service only"),
    );
    check_for("kinds: [Service]", &rule("input.pod.spec.hostPID"), &never("always null"));
    let tutorial = "package kubernetes.admission\n\ndeny[msg] {\n\tinput.request.kind.kind == \"Ingress\"\n\t\
                    input.request.object.spec.rules[_].host == \"x\"\n\tmsg := \"no\"\n}";
    let remarks = said(tutorial);
    assert!(names(&remarks).contains(&"never-fires") && !names(&remarks).contains(&"unknown-field"), "{remarks:?}");
}

#[test]
fn says_nothing_of_conditions_that_can_be_fulfilled() {
    let rule = |body: &str| format!("deny contains violation(\"x\") if {{\n\t{body}\n}}");
    for body in [
        "input.request.kind.kind == \"Pod\"",
        "input.request.operation in {\"UPDATE\", \"DELETE\"}",
        "not input.request.operation == \"UPDATE\"",
        "some c in input.containers\n\tnot c.kind in {\"init\", \"sidecar\"}",
        "input.pod.spec.hostNetwork == null",
        "input.pod.spec.hostNetwork != true",
        "object.get(input.pod.spec, \"hostNetwork\", \"unset\") == \"unset\"",
        "is_string(input.pod.spec.hostNetwork)",
        "some c in input.containers\n\tc.spec.resources.limits.cpu == 2",
        "some c in input.containers\n\tc.spec.livenessProbe.httpGet.port == \"http\"",
        "input.workload == null",
        "input.workload.kind == \"CronJob\"",
        "input.request.userInfo.username == \"system:x\"",
        "not _kind(input.pod) == \"b\"",
        "_flag",
        "not _flag",
        "x = 1\n\tx = 1",
        "[a, \"b\"] = [\"a\", \"b\"]\n\ta == \"a\"",
        "input.pod.spec.tolerations == []",
        "input.pod.spec.tolerations == \"\"",
        "input.pod.spec.hostNetwork == \"\"",
        "input.pod.spec.nodeSelector == {}",
    ] {
        let helpers = "\n\n_kind(pod) := \"b\" if pod.spec.hostPID\n\n_flag if input.pod.spec.hostIPC\n\n\
                       warn contains violation(\"h\") if {\n\t_flag\n\t_kind(input.pod)\n}";
        check(&format!("{}{helpers}", rule(body)), &[]);
    }
    check_for("kinds: [Pod, Service]", &rule("input.request.kind.kind == \"Service\""), &[]);
    check_for("kinds: [\"*\"]", &rule("input.request.kind.kind == \"Widget\""), &[]);
}

#[test]
fn finds_violations_without_remedy() {
    check("deny contains \"no\" if input.pod.spec.hostPID", &[("no-remedy", "is a string")]);
    check("deny contains sprintf(\"%v\", [1]) if input.pod.spec.hostPID", &[("no-remedy", "is a string")]);
    check("deny contains {\"msg\": \"no\"} if input.pod.spec.hostPID", &[("no-remedy", "says no remedy")]);
    check(
        "deny contains v if {\n\tinput.pod.spec.hostPID\n\tv := {\"msg\": \"no\"}\n}",
        &[("no-remedy", "d/p/p.rego:14:15: ")],
    );
    check(
        "warn contains v if {\n\tsome v in [{\"msg\": \"a\", \"remedy\": \"b\"}, {\"msg\": \"b\"}]\n}",
        &[("no-remedy", "no remedy")],
    );
    check(
        "deny contains v if {\n\tsome v in _all\n}\n\n_all := object.get(input, [\"request\", \"options\"], [])",
        &[],
    );
    check("deny contains object.union(violation(\"x\"), {\"field\": \"spec\"}) if input.pod.spec.hostPID", &[]);
}

#[test]
fn finds_parameters_that_are_undeclared_or_unread() {
    let policy = |parameters: &str, schema: &str, body: &str| {
        format!(
            "# METADATA\n# title: P\n# description: D.\n# custom:\n#   parameters: {parameters}\n{schema}package policies.p\n\n\
             violation(what) := {{\"msg\": what, \"remedy\": \"do\"}}\n\ndeny contains violation(\"x\") if {{\n\t{body}\n}}\n"
        )
    };
    let closed = "#   schema: {properties: {a: {}, b: {}}, additionalProperties: false}\n";
    let unused = [("unused-parameter", "parameter b is read by no rule")];
    check_policy(&policy("{a: 1, b: 2}", "", "input.parameters.a > 1"), &unused);
    check_policy(
        &policy("{a: 1}", closed, "input.parameters.a > 1"),
        &[("unused-parameter", "d/p/p.rego:6: parameter b")],
    );
    check_policy(&policy("{a: 1, b: 2}", "", "p := input.parameters\n\tp.a > 1"), &unused);
    check_policy(&policy("{a: 1, b: 2}", "", "object.get(input, [\"parameters\", \"a\"], 3) > 1"), &unused);
    for reads_both in [
        "input.parameters.a > input.parameters[\"b\"]",
        "some name in [\"a\", \"b\"]\n\tinput.parameters[name]",
        "input.parameters[_] == 1",
        "some key, value in input.parameters\n\tkey == value",
        "count(input.parameters) > 3",
        "x := {\"p\": input.parameters}\n\tx.p.a == x.p.b",
        "x := [input.parameters][0]\n\tx.a == x.b",
        "{\"a\": x, \"b\": y} = input.parameters\n\tx == y",
        "y.a == y.b\n\ty = input.parameters",
        "y.a == y.b\n\tsome y in [input.parameters]",
        "x := json.marshal(input)\n\tx == \"\"",
    ] {
        check_policy(&policy("{a: 1, b: 2}", "", reads_both), &[]);
    }
    check_policy(
        &policy("{allowed: 1}", "", "input.parameters.allowd == input.parameters.allowed"),
        &[("undeclared-parameter", "parameter allowd is not declared in METADATA\n  fix: did you mean `allowed`?")],
    );
    check_policy(&policy("{a: 1}", "#   schema: {type: object}\n", "input.parameters.a == input.parameters.b"), &[]);
    let open = "#   schema: {properties: {a: {}}, additionalProperties: {type: string}}\n";
    check_policy(&policy("{a: 1}", open, "input.parameters.a == input.parameters.b"), &[]);
}

#[test]
fn follows_what_mutates() {
    let op = r#"{"op": "remove", "path": ["spec", "hostPID"]}"#;
    let mutate = format!("mutate contains {op} if _asked(input.pod.spec)\n\n");
    check(&format!("{mutate}_asked(spec) if spec.hostPID"), &[]);
    check(&format!("{mutate}_asked(spec) if spec.hostPid"), &[("unknown-field", "hostPid")]);
}

#[test]
fn finds_rules_that_nothing_reaches() {
    let deny = "deny contains violation(\"x\") if _a\n\n_a if _b\n\n_b if input.pod.spec.hostPID\n\n";
    check(deny, &[]);
    check(&format!("{deny}_c if _d\n\n_d if _a"), &[("unused-rule", "rule _c"), ("unused-rule", "rule _d")]);
    check(&format!("{deny}_c if data.policies.p._a"), &[("unused-rule", "rule _c")]);
    check(&format!("{deny}allow if true"), &[("unused-rule", "rule allow is reached by none of deny, warn, mutate")]);
    check(&deny.replace("if _a\n\n", "if data.policies.p._a\n\n"), &[]);
    check(&deny.replace("if _a\n\n", "if data.policies.p[input.request.name]\n\n"), &[]);
}

#[test]
fn a_policy_says_what_it_is_for_and_is_tested() {
    let text = "# METADATA\n# title: P\npackage policies.p\n\n\
                deny contains {\"msg\": \"x\", \"remedy\": \"y\"} if input.pod.spec.hostPID\n";
    let alone = Bundle::read("d", vec![Source::new("d/p/p.rego", text)]).unwrap();
    let remarks = policies(&alone, &|_| false);
    assert_eq!(names(&remarks), ["untested", "undocumented"]);
    assert_eq!(
        remarks[0].to_string(),
        "d/p/p.rego:3: policy p has no tests\n  fix: write *_test.rego or suite.yaml beside it, and run policy verify"
    );
    assert_eq!(names(&policies(&alone, &|file| file == "d/p/p.rego")), ["undocumented"]);
    let v0 = "package x\n\ndeny[v] {\n\tinput.pod.spec.hostPID\n\tv := {\"msg\": \"x\", \"remedy\": \"y\"}\n}";
    assert_eq!(names(&said(v0)), ["undocumented", "rego-v0"]);
}

#[test]
fn errors_that_keep_a_policy_from_loading_are_findings_too() {
    for (rules, rule) in [
        ("deny contains http.send({}).body if true", "impure"),
        ("deny contains time.now_ns() if true", "impure"),
        ("deny contains time.parse_rfc3339_ns(\"\") if true", "impure"),
        ("deny contains rand.intn(\"x\", 3) if true", "impure"),
        ("deny contains nope(1) if true", "unknown-function"),
        ("deny contains violation(1, 2, 3) if true", "function-arity"),
        ("deny contains sprintf(\"%s\", []) if true", "sprintf-arity"),
        ("deny contains f(1) if true\n\nf(x) := f(x)", "recursion"),
    ] {
        check(rules, &[(rule, "d/p/p.rego:")]);
        assert_eq!(find(rule).unwrap().severity, Weight::Error);
    }
}

#[test]
fn remarks_are_suppressed_with_a_reason_and_not_without() {
    let rule = "deny contains violation(\"x\") if {\n\tinput.pod.spec.hostnetwork COMMENT\n}";
    let with = |comment: &str| rule.replace("COMMENT", comment);
    let above = |comment: &str| with("").replace("\n\tinput", &format!("\n\t{comment}\n\tinput"));
    check(&with("# policy:ignore unknown-field: read in CI only"), &[]);
    check(&above("# policy:ignore unknown-field: read in CI only"), &[]);
    check(&above("# policy:ignore unknown-field: read in CI only\n\t# and in tests"), &[]);
    check(
        &above("# policy:ignore unknown-field"),
        &[("bad-suppression", "the suppression of unknown-field says not why"), ("unknown-field", "hostnetwork")],
    );
    check(
        &above("# policy:ignore unknown-fields: because"),
        &[("bad-suppression", "did you mean `unknown-field`?"), ("unknown-field", "hostnetwork")],
    );
    check(
        &above("# policy:ignore no-remedy: because"),
        &[("bad-suppression", "there is no no-remedy to suppress here"), ("unknown-field", "hostnetwork")],
    );
    check(
        &format!(
            "{}\n\n_x := `\n# policy:ignore unknown-field: in a string\n`\n\nwarn contains violation(_x) if true",
            with("# policy:ignore unknown-field: x")
        ),
        &[],
    );
}

#[test]
fn metadata_suppresses_for_the_whole_policy() {
    let ignoring = |ignored: &str| {
        format!(
            "# METADATA\n# title: P\n# description: D.\n# custom:\n#   lint: {{ignore: {{{ignored}}}}}\npackage policies.p\n\n\
             deny contains \"x\" if input.pod.spec.hostPID\n"
        )
    };
    check_policy(&ignoring("no-remedy: the message says it"), &[]);
    check_policy(&ignoring("no-remedy: ''"), &[("bad-suppression", "says not why"), ("no-remedy", "")]);
    check_policy(
        &ignoring("no-remedy: "),
        &[("-", "d/p/p.rego:5:21: the reason to ignore no-remedy must be a string")],
    );
    check_policy(
        &ignoring("untested: it is"),
        &[("bad-suppression", "d/p/p.rego:5: there is no untested"), ("no-remedy", "")],
    );
    check_policy(&ignoring("x").replace("{ignore: {x}}", "{ignore: [x]}"), &[("-", "must be a mapping")]);
}

#[test]
fn exemptions_are_suppressed_by_comments_of_their_file() {
    let bundle = bundle(&wrapped("", "kinds: [Pod]", ""), "package lib.things\n\nx := 1").unwrap();
    let said = |comment: &str| {
        let text = format!(
            "apiVersion: portcullis.dev/v1alpha1\nkind: Config\nexemptions:\n{comment}\n- policies: [p]\n  match: {{namespaces: [a]}}\n  owner: a's\n  reason: r\n"
        );
        let source = Source::new("config.yaml", text.as_str());
        let config = config::read(&source, &bundle.policies).unwrap();
        configuration(&config, &[source], "2026-01-01")
    };
    assert_eq!(names(&said("")), ["exemption-without-end"]);
    assert_eq!(names(&said("# policy:ignore exemption-without-end: the node agent stays")), [""; 0]);
    assert_eq!(names(&said("# policy:ignore exemption-expired: x")), ["exemption-without-end", "bad-suppression"]);
}

#[test]
fn a_long_chain_of_helpers_is_given_up_silently() {
    let chain: Vec<String> = (0..2_000).map(|n| format!("f{n}(x) := f{}(x.nothing)", n + 1)).collect();
    let rules = format!("deny contains f0(input) if true\n\n{}\n\nf2000(x) := violation(x)", chain.join("\n\n"));
    check(&rules, &[]);
}

#[test]
fn a_policy_that_branches_without_end_is_given_up_in_time() {
    let level = |n: usize| {
        format!("f{n}(x) := [a | some y in [{{\"a{n}\": x}}, {{\"b{n}\": x}}]; some a in [f{0}(y), f{0}([y])]]", n + 1)
    };
    let levels: Vec<String> = (0..30).map(level).collect();
    let rules = format!("deny contains f0(input) if true\n\n{}\n\nf30(x) := x", levels.join("\n\n"));
    let started = super::super::budget::Stopwatch::start();
    said(&wrapped(&rules, "kinds: [Pod]", ""));
    assert!(started.elapsed().as_secs() < 20);
}
