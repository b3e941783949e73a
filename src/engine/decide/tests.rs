//! Table tests of the decision: outcomes, scope, settings, exemptions, fail modes, budgets.

use std::time::Duration;

use super::super::bundle::Bundle;
use super::super::config;
use super::super::pattern::Labels;
use super::super::policy_set::PolicySet;
use super::super::review::Review;
use super::super::scope::NamespaceFact;
use super::super::source::Source;
use super::{Decision, Evaluation, Facts, Outcome, Verdict, decide};

/// Denies every container that runs as image `bad`, and says what it saw.
const IMAGES: &str = r#"# METADATA
# title: No bad images
# custom:
#   severity: high
#   parameters: {bad: bad}
#   controls: [test/images]
package policies.images
deny contains {"msg": sprintf("%s is bad", [c.image]), "field": sprintf("%s.image", [c.path])} if {
	some c in input.containers
	c.image == input.parameters.bad
}
"#;

/// A set of these policies and this configuration.
fn set(policies: &[&str], configuration: &str) -> PolicySet {
    let files = policies.iter().enumerate().map(|(n, text)| Source::new(format!("p{n}.rego"), *text)).collect();
    let bundle = Bundle::read("", files).unwrap_or_else(|error| panic!("{error}"));
    let header = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\n";
    let source = Source::new("config.yaml", format!("{header}{configuration}"));
    let config = config::read(&source, &bundle.policies).unwrap_or_else(|errors| panic!("{errors:?}"));
    PolicySet::new(bundle, config, &[configuration])
}

fn facts() -> Facts {
    let labels = Labels::from([("tier".to_owned(), "web".to_owned())]);
    Facts {
        namespace: NamespaceFact::Known { labels, annotations: Labels::new() },
        now: "2026-11-21T12:00:00Z".to_owned(),
        policy_budget: Duration::from_secs(2),
        review_budget: Duration::from_secs(10),
    }
}

fn unknown_namespace() -> Facts {
    Facts { namespace: NamespaceFact::Unknown("no cluster".to_owned()), ..facts() }
}

fn request(kind: &str, rest: &str) -> String {
    let (group, kind) = kind.split_once('/').unwrap_or(("", kind));
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1",
            "kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"namespace":"team-a",
            "userInfo":{{"username":"eve","groups":["dev"]}},{rest}}}}}"#
    )
}

fn pod(images: &[&str]) -> String {
    let containers: Vec<String> = images.iter().map(|image| format!(r#"{{"name":"c","image":"{image}"}}"#)).collect();
    let object = format!(r#"{{"metadata":{{"name":"web-1"}},"spec":{{"containers":[{}]}}}}"#, containers.join(","));
    request("Pod", &format!(r#""name":"web-1","operation":"CREATE","object":{object}"#))
}

fn decide_with(set: &PolicySet, review: &str, facts: &Facts) -> Decision {
    decide(&Review::parse(review.as_bytes()).unwrap(), set, facts).unwrap()
}

fn run(policies: &[&str], configuration: &str, review: &str) -> Decision {
    decide_with(&set(policies, configuration), review, &facts())
}

fn messages(evaluation: &Evaluation) -> Vec<&str> {
    evaluation.violations().iter().map(|violation| violation.message.as_str()).collect()
}

#[track_caller]
fn check_outcome(configuration: &str, review: &str, expected: Outcome) {
    assert_eq!(run(&[IMAGES], configuration, review).outcome, expected);
}

/// A v1 policy of this name, custom METADATA and body.
fn policy(name: &str, custom: &str, body: &str) -> String {
    let custom: Vec<String> = custom.lines().map(|line| format!("#   {line}\n")).collect();
    let custom = if custom.is_empty() { String::new() } else { format!("# custom:\n{}", custom.concat()) };
    format!("# METADATA\n# title: T\n{custom}package policies.{name}\n{body}\n")
}

#[test]
fn the_users_v0_policy_loads_denies_and_passes() {
    let text = include_str!("../../../tests/policy_test/v0/non_root.rego");
    let denied = run(&[text], "", &pod(&["a"]));
    assert_eq!(denied.outcome, Outcome::Deny);
    assert_eq!(&*denied.evaluations[0].policy.name, "p0");
    assert_eq!(messages(&denied.evaluations[0]), ["Pods must not run as root"]);
    let nonroot = r#"{"spec":{"securityContext":{"runAsNonRoot":true},"containers":[]}}"#;
    let review = request("Pod", &format!(r#""operation":"CREATE","object":{nonroot}"#));
    assert_eq!(run(&[text], "", &review).outcome, Outcome::Allow);
    let template = format!(r#""operation":"CREATE","object":{{"spec":{{"template":{nonroot}}}}}"#);
    assert_eq!(run(&[text], "", &request("apps/Deployment", &template)).outcome, Outcome::Allow);
    let rootful = template.replace("true", "false");
    assert_eq!(run(&[text], "", &request("apps/Deployment", &rootful)).outcome, Outcome::Deny);
}

#[test]
fn a_pod_policy_names_fields_of_the_real_object() {
    let spec = r#"{"spec":{"initContainers":[{"image":"ok"},{"image":"bad"}]}}"#;
    let object = format!(r#"{{"spec":{{"jobTemplate":{{"spec":{{"template":{spec}}}}}}}}}"#);
    let review = request("batch/CronJob", &format!(r#""operation":"UPDATE","object":{object}"#));
    let decision = run(&[IMAGES], "", &review);
    let field = decision.evaluations[0].violations()[0].field.as_deref();
    assert_eq!(field, Some("spec.jobTemplate.spec.template.spec.initContainers[1].image"));
}

#[test]
fn operations_and_objects_in_every_combination_are_decided() {
    let object = r#"{"spec":{"containers":[{"image":"bad"}]}}"#;
    for (operation, objects, expected) in [
        ("CREATE", format!(r#""object":{object}"#), Outcome::Deny),
        ("CREATE", format!(r#""object":{object},"oldObject":null"#), Outcome::Deny),
        ("UPDATE", format!(r#""object":{object},"oldObject":{object}"#), Outcome::Deny),
        ("DELETE", format!(r#""object":null,"oldObject":{object}"#), Outcome::Allow),
        ("CONNECT", r#""object":{"stdin":true}"#.to_owned(), Outcome::Allow),
        ("CREATE", r#""object":null"#.to_owned(), Outcome::Allow),
        ("CREATE", r#""name":"""#.to_owned(), Outcome::Allow),
    ] {
        let review = request("Pod", &format!(r#""operation":"{operation}",{objects}"#));
        check_outcome("", &review, expected);
    }
}

#[test]
fn enforcement_decides_what_follows() {
    for (enforcement, expected) in
        [("deny", Outcome::Deny), ("warn", Outcome::Allow), ("audit", Outcome::Allow), ("off", Outcome::Allow)]
    {
        let configuration =
            format!("overrides: [{{select: {{policies: [images]}}, set: {{enforcement: {enforcement}}}}}]");
        let decision = run(&[IMAGES], &configuration, &pod(&["bad"]));
        assert_eq!(decision.outcome, expected, "{enforcement}");
        assert_eq!(decision.evaluations.len(), usize::from(enforcement != "off"), "{enforcement}");
    }
}

#[test]
fn overrides_hold_in_order_where_they_say() {
    let team = "{set: {enforcement: warn}, where: {namespaces: ['team-*']}}";
    let web = "{set: {enforcement: deny}, where: {namespaceSelector: {matchLabels: {tier: web}}}}";
    let other = "{set: {enforcement: off}, where: {namespaces: [prod]}}";
    check_outcome(&format!("overrides: [{team}]"), &pod(&["bad"]), Outcome::Allow);
    check_outcome(&format!("overrides: [{team}, {web}]"), &pod(&["bad"]), Outcome::Deny);
    check_outcome(&format!("overrides: [{web}, {team}]"), &pod(&["bad"]), Outcome::Allow);
    check_outcome(&format!("overrides: [{other}]"), &pod(&["bad"]), Outcome::Deny);
    check_outcome(
        "overrides: [{select: {controls: ['test/*']}, set: {enforcement: off}}]",
        &pod(&["bad"]),
        Outcome::Allow,
    );
    check_outcome("overrides: [{select: {severities: [low]}, set: {enforcement: off}}]", &pod(&["bad"]), Outcome::Deny);
    let parameters = "overrides: [{set: {parameters: {bad: worse}}}]";
    check_outcome(parameters, &pod(&["bad"]), Outcome::Allow);
    check_outcome(parameters, &pod(&["worse"]), Outcome::Deny);
}

#[test]
fn an_override_by_unknown_labels_is_unavailable_and_never_a_pass() {
    let configuration =
        "overrides: [{set: {enforcement: off}, where: {namespaceSelector: {matchLabels: {tier: web}}}}]";
    let decision = decide_with(&set(&[IMAGES], configuration), &pod(&["good"]), &unknown_namespace());
    assert_eq!(decision.outcome, Outcome::Unavailable);
    assert_eq!(decision.evaluations[0].verdict, Verdict::Unavailable("no cluster".to_owned()));
}

#[test]
fn exemptions_cover_what_they_name_until_they_expire() {
    let exempt = |matches: &str, expires: &str| {
        format!("exemptions: [{{policies: [images], match: {matches}, owner: o, reason: r, expires: {expires}}}]")
    };
    for (matches, expires, expected) in [
        ("{}", "2026-11-21", Outcome::Allow),
        ("{}", "2026-11-20", Outcome::Deny),
        ("{namespaces: [team-a]}", "2027-01-01", Outcome::Allow),
        ("{namespaces: [team-b]}", "2027-01-01", Outcome::Deny),
        ("{kinds: [Pod]}", "2027-01-01", Outcome::Allow),
        ("{kinds: [Job]}", "2027-01-01", Outcome::Deny),
        ("{names: ['web-*']}", "2027-01-01", Outcome::Allow),
        ("{names: [web]}", "2027-01-01", Outcome::Deny),
        ("{users: [eve]}", "2027-01-01", Outcome::Allow),
        ("{users: [Eve]}", "2027-01-01", Outcome::Deny),
        ("{users: ['ev']}", "2027-01-01", Outcome::Deny),
        ("{groups: [dev]}", "2027-01-01", Outcome::Allow),
        ("{groups: [ops]}", "2027-01-01", Outcome::Deny),
        ("{images: [bad]}", "2027-01-01", Outcome::Allow),
        ("{images: [good]}", "2027-01-01", Outcome::Deny),
        ("{namespaceSelector: {matchLabels: {tier: web}}}", "2027-01-01", Outcome::Allow),
        ("{namespaceSelector: {matchLabels: {tier: db}}}", "2027-01-01", Outcome::Deny),
    ] {
        assert_eq!(run(&[IMAGES], &exempt(matches, expires), &pod(&["bad"])).outcome, expected, "{matches} {expires}");
    }
    let decision = run(&[IMAGES], &exempt("{}", "2027-01-01"), &pod(&["bad"]));
    match &decision.evaluations[0].verdict {
        Verdict::Judged { violations, exempted } => {
            assert!(violations.is_empty());
            assert_eq!(exempted[0].owner, "o");
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn an_image_exempts_its_own_container_and_no_other() {
    let any_image =
        policy("all", "", "deny contains {\"msg\": c.image, \"field\": c.path} if some c in input.containers");
    let pod_level = policy("level", "", "deny contains {\"msg\": \"pod\", \"field\": \"spec\"}");
    let configuration = "exemptions: [{policies: ['*'], match: {images: ['trusted/*']}, owner: o, reason: r}]";
    let decision = run(&[&any_image, &pod_level], configuration, &pod(&["trusted/a", "other"]));
    assert_eq!(messages(&decision.evaluations[0]), ["other"]);
    assert_eq!(messages(&decision.evaluations[1]), ["pod"]);
}

#[test]
fn an_objects_own_labels_exempt_only_if_the_configuration_trusts_them() {
    let object = r#"{"metadata":{"labels":{"skip":"yes"}},"spec":{"containers":[{"image":"bad"}]}}"#;
    let review = request("Pod", &format!(r#""operation":"CREATE","object":{object}"#));
    let exemption =
        "exemptions: [{policies: [images], match: {labels: {matchLabels: {skip: 'yes'}}}, owner: o, reason: r}]";
    check_outcome(exemption, &review, Outcome::Deny);
    check_outcome(&format!("trustLabels: true\n{exemption}"), &review, Outcome::Allow);
}

#[test]
fn an_exemption_by_unknown_labels_exempts_nobody() {
    let configuration = "exemptions: [{policies: [images], match: {namespaceSelector: {matchLabels: {tier: web}}}, owner: o, reason: r}]";
    let decision = decide_with(&set(&[IMAGES], configuration), &pod(&["bad"]), &unknown_namespace());
    assert_eq!(decision.outcome, Outcome::Deny);
}

#[test]
fn a_broken_policy_is_an_error_and_follows_its_fail_mode() {
    let broken = |custom: &str| policy("broken", custom, "deny contains m if m := to_number(input.request.name)");
    for (custom, expected) in [
        ("", Outcome::Error),
        ("on_error: deny", Outcome::Error),
        ("on_error: warn", Outcome::Allow),
        ("on_error: allow", Outcome::Allow),
        ("enforcement: warn", Outcome::Allow),
        ("enforcement: audit", Outcome::Allow),
    ] {
        let custom = format!("match: {{kinds: [Service]}}\n{custom}");
        let decision = run(&[&broken(&custom)], "", &request("Service", r#""operation":"CREATE","name":"x""#));
        assert_eq!(decision.outcome, expected, "{custom}");
        assert!(matches!(decision.evaluations[0].verdict, Verdict::Error(_)), "{custom}");
    }
}

#[test]
fn a_violation_of_the_wrong_shape_is_an_error_and_never_a_pass() {
    let shapes = ["1", "{\"message\": \"m\"}", "[\"m\"]", "{\"msg\": 1}"];
    for shape in shapes {
        let body = format!("deny contains v if {{ input.request.kind.kind == \"Service\"; v := {shape} }}");
        let text = policy("shape", "match: {kinds: [Service]}", &body);
        let decision = run(&[&text], "", &request("Service", r#""operation":"CREATE""#));
        assert_eq!(decision.outcome, Outcome::Error, "{shape}");
    }
}

#[test]
fn a_policy_that_loops_ends_at_its_budget() {
    let body = "deny contains \"never\" if { input.request.name == \"x\"; some a in numbers.range(1, 9000); \
                some b in numbers.range(1, 9000); a * b < 0 }";
    let set = set(&[&policy("loops", "match: {kinds: [Service]}", body)], "");
    let facts = Facts { policy_budget: Duration::from_millis(20), ..facts() };
    let decision = decide_with(&set, &request("Service", r#""operation":"CREATE","name":"x""#), &facts);
    assert_eq!(decision.outcome, Outcome::Error);
    assert_eq!(decision.evaluations[0].verdict, Verdict::Error("time budget of 20 ms exceeded".to_owned()));
}

#[test]
fn without_time_left_nothing_passes() {
    let facts = Facts { review_budget: Duration::ZERO, ..facts() };
    let decision = decide_with(&set(&[IMAGES], ""), &pod(&["good"]), &facts);
    assert_eq!(decision.outcome, Outcome::Error);
}

#[test]
fn a_needed_namespace_that_is_unknown_is_unavailable() {
    let body = "deny contains input.namespace.labels.tier if true";
    let needing = policy("needing", "needs: [namespace]", body);
    let set = set(&[&needing], "");
    assert_eq!(messages(&decide_with(&set, &pod(&[]), &facts()).evaluations[0]), ["web"]);
    assert_eq!(decide_with(&set, &pod(&[]), &unknown_namespace()).outcome, Outcome::Unavailable);
}

#[test]
fn the_worst_outcome_is_the_requests() {
    let broken = policy("broken", "", "deny contains m if { input.request.name == \"web-1\"; m := to_number(\"x\") }");
    let needing = policy("needing", "needs: [namespace]", "deny contains \"n\" if input.namespace.labels.none");
    let both = set(&[IMAGES, &needing], "");
    assert_eq!(decide_with(&both, &pod(&["bad"]), &unknown_namespace()).outcome, Outcome::Unavailable);
    let all = set(&[IMAGES, &needing, &broken], "");
    assert_eq!(decide_with(&all, &pod(&["bad"]), &unknown_namespace()).outcome, Outcome::Error);
}

#[test]
fn a_malformed_workload_is_an_error_and_never_an_empty_one() {
    let review = request("Pod", r#""operation":"CREATE","object":{"spec":{"containers":{"a":{"image":"bad"}}}}"#);
    check_outcome("", &review, Outcome::Error);
    let review = request("apps/Deployment", r#""operation":"CREATE","object":{"spec":{"template":[]}}"#);
    check_outcome("", &review, Outcome::Error);
}

#[test]
fn only_its_own_node_may_write_a_mirror_pod() {
    let object = r#"{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},
        "spec":{"nodeName":"n1","containers":[{"image":"bad"}]}}"#;
    let by = |user: &str, group: &str| {
        request("Pod", &format!(r#""operation":"CREATE","object":{object}"#))
            .replace("eve", user)
            .replace("\"dev\"", &format!("\"{group}\""))
    };
    check_outcome("", &by("system:node:n1", "system:nodes"), Outcome::Allow);
    check_outcome("", &by("system:node:n2", "system:nodes"), Outcome::Deny);
    check_outcome("", &by("system:node:n1", "dev"), Outcome::Deny);
    check_outcome("", &by("eve", "system:nodes"), Outcome::Deny);
}

#[test]
fn the_last_finalizers_of_a_deleted_object_can_go_but_nothing_else() {
    let object = |deleted: &str, image: &str| {
        format!(r#"{{"metadata":{{{deleted}}},"spec":{{"containers":[{{"image":"{image}"}}]}}}}"#)
    };
    let deleted = r#""deletionTimestamp":"2026-11-21T00:00:00Z""#;
    let update =
        |new: &str, old: &str| request("Pod", &format!(r#""operation":"UPDATE","object":{new},"oldObject":{old}"#));
    check_outcome("", &update(&object(deleted, "bad"), &object(deleted, "bad")), Outcome::Allow);
    check_outcome("", &update(&object(deleted, "bad"), &object(deleted, "good")), Outcome::Deny);
    check_outcome("", &update(&object(deleted, "bad"), &object("", "bad")), Outcome::Deny);
}

#[test]
fn the_order_of_files_does_not_matter() {
    let warn = policy("warns", "", "warn contains \"w\"");
    let deny = policy("denies", "", "deny contains \"d\"");
    let describe = |policies: &[&str]| {
        let decision = run(policies, "", &pod(&["bad"]));
        decision.evaluations.iter().map(|e| format!("{} {:?}", e.policy.name, e.verdict)).collect::<Vec<_>>()
    };
    assert_eq!(describe(&[IMAGES, &warn, &deny]), describe(&[&deny, IMAGES, &warn]));
}

#[test]
fn a_warn_rule_never_denies() {
    let decision = run(&[&policy("warns", "enforcement: deny", "warn contains \"w\"")], "", &pod(&[]));
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(messages(&decision.evaluations[0]), ["w"]);
}

#[test]
fn a_namespace_selector_says_nothing_of_objects_without_a_namespace() {
    let text = policy("roles", "match: {kinds: [rbac.authorization.k8s.io/ClusterRole]}", "deny contains \"r\"");
    let configuration = "overrides: [{set: {enforcement: off}, where: {namespaceSelector: {matchLabels: {a: b}}}}]";
    let review = request("rbac.authorization.k8s.io/ClusterRole", r#""operation":"CREATE""#);
    let review = review.replace(r#""namespace":"team-a","#, "");
    let decision = decide_with(&set(&[&text], configuration), &review, &unknown_namespace());
    assert_eq!(decision.outcome, Outcome::Deny);
}
