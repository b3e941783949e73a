//! What is explained of a decision: scope, settings, exemptions, rules; and that nothing of it contradicts the decision.

use std::fmt::Write as _;

use super::super::bundle::Bundle;
use super::super::config;
use super::super::decide::decide;
use super::super::mutate::mutate;
use super::super::pattern::Labels;
use super::super::rego::show;
use super::super::scope::NamespaceFact;
use super::super::source::Source;
use super::*;

/// Denies containers that run as `bad`, warns of those without a tag.
const IMAGES: &str = r#"# METADATA
# title: Images
# custom:
#   severity: high
#   parameters: {bad: [evil], max: 1}
package policies.images

deny contains {"msg": c.image, "field": c.path} if {
	some c in input.containers
	c.image in input.parameters.bad
}

warn contains "no tag" if {
	some c in input.containers
	not contains(c.image, ":")
}
"#;

/// Denies services.
const SERVICES: &str = "# METADATA\n# title: S\n# custom:\n#   match: {kinds: [Service], operations: [CREATE]}\n\
                        package policies.services\ndeny contains \"no\" if true\n";

fn set(configuration: &str) -> PolicySet {
    let sources = vec![Source::new("images.rego", IMAGES), Source::new("services.rego", SERVICES)];
    let bundle = Bundle::read("", sources).unwrap_or_else(|error| panic!("{error}"));
    let header = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\n";
    let source = Source::new("config.yaml", format!("{header}{configuration}"));
    let config = config::read(&source, &bundle.policies).unwrap_or_else(|errors| panic!("{errors:?}"));
    PolicySet::new(bundle, config, &[configuration])
}

fn facts(namespace: NamespaceFact) -> Facts {
    Facts {
        namespace,
        now: "2026-11-21T12:00:00Z".to_owned(),
        policy_budget: Duration::from_secs(2),
        review_budget: Duration::from_secs(10),
    }
}

fn known() -> NamespaceFact {
    NamespaceFact::Known { labels: Labels::from([("tier".to_owned(), "web".to_owned())]), annotations: Labels::new() }
}

/// A Pod `web` with containers that run these images, the rest of its request.
fn pod(images: &[&str], rest: &str) -> String {
    let container = |(index, image): (usize, &&str)| format!(r#"{{"name":"c{index}","image":"{image}"}}"#);
    let containers: Vec<String> = images.iter().enumerate().map(container).collect();
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","operation":"CREATE",
            "kind":{{"group":"","version":"v1","kind":"Pod"}},"name":"web","namespace":"team-a",
            "userInfo":{{"username":"eve","groups":["dev"]}},
            "object":{{"metadata":{{"name":"web"}},"spec":{{"containers":[{}]}}}}{rest}}}}}"#,
        containers.join(",")
    )
}

/// What is explained of `images`, a line for each thing said.
fn explained(configuration: &str, review: &str, namespace: NamespaceFact) -> String {
    let review = Review::parse(review.as_bytes()).unwrap();
    let (set, facts) = (set(configuration), facts(namespace));
    let decision = decide(&review, &set, &facts).unwrap();
    let mutation = mutate(&review, &set, &facts).unwrap();
    let explanations = explain(&review, &set, &facts, &decision, &mutation).unwrap();
    agrees(&explanations, &decision);
    written(explanations.iter().find(|explanation| explanation.policy.name.as_ref() == "images").unwrap())
}

/// Each policy that judged is explained as such, with rules for what it found only, and no other is.
fn agrees(explanations: &[Explanation<'_>], decision: &Decision) {
    let mut judged = 0;
    for explanation in explanations {
        let Some(Reach::Judged(evaluation, _, fired)) = &explanation.reach else { continue };
        judged += 1;
        assert_eq!(evaluation.policy.name, explanation.policy.name);
        let exempted = evaluation.exempted().iter().map(|exempted| &exempted.violation);
        let found: Vec<&Violation> = evaluation.violations().iter().chain(exempted).collect();
        assert!(fired.iter().all(|fired| found.contains(&&fired.violation)), "{fired:?}");
        assert!(found.iter().all(|found| fired.iter().any(|fired| fired.violation == **found)), "{found:?}");
    }
    assert_eq!(judged, decision.evaluations.len());
}

fn written(explanation: &Explanation<'_>) -> String {
    let mut text = String::new();
    match explanation.reach.as_ref().unwrap() {
        Reach::Judged(_, view, fired) => {
            writeln!(text, "judged as {view:?}").unwrap();
            for Fired { violation, rule, firing } in fired {
                let values = |values: &[Value]| values.first().map_or("undefined".to_owned(), |value| show(value, 80));
                let bindings = firing.bindings.iter().map(|b| format!("{} = {}", b.expression, values(&b.values)));
                let bindings: Vec<String> = bindings.collect();
                let message = &violation.message;
                writeln!(text, "{rule} {}:{message}: {}", firing.line, bindings.join("; ")).unwrap();
            }
        }
        reach => writeln!(text, "{reach:?}").unwrap(),
    }
    match &explanation.settings {
        Err(why) => writeln!(text, "settings unknown: {why}").unwrap(),
        Ok(settings) => {
            for Setting { name, value, origin: (file, line) } in settings {
                writeln!(text, "{name} {} {file}:{line}", show(value, 80)).unwrap();
            }
        }
    }
    for overriding in &explanation.overrides {
        writeln!(text, "override {}:{} {:?}", overriding.place.0, overriding.place.1, overriding.holds).unwrap();
    }
    for Exempting { exemption, is_expired, violations } in &explanation.exemptions {
        writeln!(text, "exemption {} expired {is_expired} violations {violations}", exemption.owner).unwrap();
    }
    text
}

const DEFAULTS: &str = "enforcement \"deny\" images.rego:0\nonError \"deny\" images.rego:0\n\
                        parameters.bad [\"evil\"] images.rego:0\nparameters.max 1 images.rego:0\n";

#[test]
fn a_rule_that_fired_is_named_with_its_values() {
    let container = r#"{"image": "evil", "kind": "container", "name": "c0", "path": "spec.containers[0]…"#;
    assert_eq!(
        explained("", &pod(&["evil", "fine:1"], ""), known()),
        format!(
            "judged as Object\ndeny 8:evil: c = {container}; c.image = \"evil\"; input.parameters.bad = [\"evil\"]\n\
             warn 13:no tag: c = {container}; c.image = \"evil\"\n{DEFAULTS}"
        )
    );
}

#[test]
fn a_policy_that_found_nothing_has_no_rules() {
    assert_eq!(explained("", &pod(&["fine:1"], ""), known()), format!("judged as Object\n{DEFAULTS}"));
}

#[test]
fn a_request_that_is_not_matched_is_told_why() {
    let review = pod(&["evil"], "").replace("CREATE", "DELETE");
    let expected = "NotMatched([\"operation DELETE is none of CREATE, UPDATE\"])";
    assert_eq!(explained("", &review, known()), format!("{expected}\n{DEFAULTS}"));
}

#[test]
fn settings_name_the_override_that_they_come_from() {
    let configuration = "overrides:\n\
        - set: {enforcement: warn, parameters: {max: 2}}\n\
        - select: {policies: [images]}\n  where: {namespaces: [team-*]}\n  set: {parameters: {max: 3, bad: []}}\n\
        - where: {namespaces: [other]}\n  set: {onError: allow}\n\
        - select: {policies: [services]}\n  set: {enforcement: off}\n";
    // Services have no such parameters.
    let configuration = configuration.replace("- set:", "- select: {severities: [high]}\n  set:");
    assert_eq!(
        explained(&configuration, &pod(&["fine:1"], ""), known()),
        "judged as Object\nenforcement \"warn\" config.yaml:4\nonError \"deny\" images.rego:0\n\
         parameters.bad [] config.yaml:6\nparameters.max 3 config.yaml:6\n\
         override config.yaml:4 Ok(true)\noverride config.yaml:6 Ok(true)\noverride config.yaml:9 Ok(false)\n"
    );
}

#[test]
fn a_policy_that_is_off_is_told_so() {
    let said = explained("overrides:\n- set: {enforcement: off}\n", &pod(&["evil"], ""), known());
    assert!(said.starts_with("Off\nenforcement \"off\" config.yaml:4\n"), "{said}");
}

#[test]
fn settings_that_depend_on_unknown_labels_are_not_guessed() {
    let configuration = "overrides:\n- where: {namespaceSelector: {matchLabels: {tier: web}}}\n\
                         \x20 set: {enforcement: warn}\n";
    let said = explained(configuration, &pod(&["evil"], ""), NamespaceFact::Unknown("no cluster".to_owned()));
    let expected = "judged as Object\nsettings unknown: no cluster\noverride config.yaml:4 Err(\"no cluster\")\n";
    assert_eq!(said, expected);
}

#[test]
fn exemptions_tell_what_they_cover_and_what_they_would() {
    let configuration = "exemptions:\n\
        - {policies: [images], match: {names: [web]}, owner: past, reason: r, expires: 2026-11-20}\n\
        - {policies: [images], match: {images: [evil]}, owner: today, reason: r, expires: 2026-11-21}\n\
        - {policies: [images], match: {namespaces: [other]}, owner: elsewhere, reason: r}\n\
        - {policies: [services], match: {names: [web]}, owner: another, reason: r}\n";
    let said = explained(configuration, &pod(&["evil", "evil", "fine:1"], ""), known());
    let exemptions: Vec<&str> = said.lines().filter(|line| line.starts_with("exemption")).collect();
    // "no tag" has no field, and so no image.
    assert_eq!(exemptions, ["exemption past expired true violations 1", "exemption today expired false violations 2"]);
}

#[test]
fn what_is_left_alone_is_told_so() {
    let old = r#","oldObject":{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},
                 "spec":{"containers":[{"name":"c0","image":"evil"}]}}"#;
    let review = pod(&["evil"], old).replace("CREATE", "UPDATE");
    assert_eq!(explained("", &review, known()), format!("LeftAlone(Deletion)\n{DEFAULTS}"));
}

#[test]
fn a_policy_without_a_verdict_has_no_rules() {
    let review = pod(&["evil"], "").replace(r#"[{"name":"c0","image":"evil"}]"#, r#""none""#);
    let said = explained("", &review, known());
    assert!(said.starts_with("judged as Object\nenforcement"), "{said}");
}
