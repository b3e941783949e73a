//! What a configuration may say, what refuses it, and what is remarked on.

use std::sync::Arc;

use super::super::bundle::Bundle;
use super::super::policy::Policy;
use super::super::rego::Value;
use super::super::source::{Source, SourceError};
use super::super::violation::{Enforcement, FailMode};
use super::{Config, Settings, advise, read};

/// Lines before what a test configures.
const HEADER: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Config\n";

const PROBES: &str = "# METADATA\n# title: T\n# custom:\n#   severity: low\n#   controls: [cis/5.2.7]\n\
    #   parameters: {ports: [80]}\npackage policies.require_probes\ndeny contains \"no\" if input.x\n";

const LIMITS: &str = "# METADATA\n# title: T\n# custom:\n#   severity: high\n#   parameters: {max: 1}\n\
    #   schema: {type: object, additionalProperties: false, properties: {max: {type: integer, minimum: 1}}}\n\
    package policies.require_limits\ndeny contains \"no\" if input.x\n";

fn policies() -> Vec<Arc<Policy>> {
    let sources = vec![Source::new("probes.rego", PROBES), Source::new("limits.rego", LIMITS)];
    Bundle::read("", sources).unwrap_or_else(|error| panic!("{error}")).policies
}

fn read_text(text: &str) -> Result<Config, Vec<SourceError>> {
    read(&Source::new("config.yaml", format!("{HEADER}{text}")), &policies())
}

fn read_good(text: &str) -> Config {
    read_text(text).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn listed(errors: &[SourceError]) -> Vec<String> {
    errors.iter().map(|error| error.to_string().trim_start_matches("config.yaml:").to_owned()).collect()
}

/// All that is said against a configuration, in order; the text begins on line 3.
#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    assert_eq!(listed(&read_text(text).unwrap_err()), expected);
}

/// All that is remarked on one exemption of `require_probes`, by fields beside `policies`.
#[track_caller]
fn check_advice(exemption: &str, expected: &[&str]) {
    let config = read_good(&format!("exemptions:\n- {{policies: [require_probes], {exemption}}}"));
    assert_eq!(listed(&advise(&config, "2026-11-21")), expected);
}

/// The settings of a policy after every override, wherever it holds.
fn settings(text: &str, policy: &str) -> Settings {
    let config = read_good(text);
    let policies = policies();
    let policy = policies.iter().find(|found| &*found.name == policy).unwrap();
    let mut settings = Settings::of(policy);
    config.overrides.iter().filter(|change| change.select.selects(policy)).for_each(|change| settings.apply(change));
    settings
}

#[test]
fn the_last_override_wins_field_by_field() {
    let text = "overrides:\n- {set: {enforcement: warn, onError: allow}}\n\
                - {select: {policies: [require_*], severities: [low]}, set: {parameters: {ports: [443]}}}\n\
                - {select: {controls: [cis/*]}, set: {enforcement: audit}}";
    let probes = settings(text, "require_probes");
    assert_eq!((probes.enforcement, probes.on_error), (Enforcement::Audit, FailMode::Allow));
    assert_eq!(probes.parameters, Value::from_json_str(r#"{"ports":[443]}"#).unwrap());
    let limits = settings(text, "require_limits");
    assert_eq!((limits.enforcement, limits.on_error), (Enforcement::Warn, FailMode::Allow));
    assert_eq!(limits.parameters, Value::from_json_str(r#"{"max":1}"#).unwrap());
}

#[test]
fn off_is_off_in_quotes_and_without() {
    for off in ["off", "\"off\"", "false"] {
        let text = format!("overrides: [{{set: {{enforcement: {off}}}}}]");
        assert_eq!(settings(&text, "require_probes").enforcement, Enforcement::Off, "{off}");
    }
}

#[test]
fn unknown_fields_are_refused_with_what_was_meant() {
    check_refused("exemption: []", &["3:1: Config has no field \"exemption\"\n  fix: did you mean `exemptions`?"]);
    check_refused(
        "overrides:\n- selct: {}\n  set: {enforcment: warn}\n- set: {onError: refuse}",
        &[
            "4:3: override has no field \"selct\"\n  fix: did you mean `select`?",
            "5:9: override.set has no field \"enforcment\"\n  fix: did you mean `enforcement`?",
            "6:18: field \"onError\" of override.set must be one of allow, warn, deny, found the string \"refuse\"",
        ],
    );
    check_refused(
        "exemptions:\n- {policies: [require_probes], match: {namespace: [a]}, owner: o, reason: r}",
        &["4:40: exemption.match has no field \"namespace\"\n  fix: did you mean `namespaces`?"],
    );
}

#[test]
fn another_document_is_no_configuration() {
    let refused = |text: &str| listed(&read(&Source::new("config.yaml", text), &policies()).unwrap_err()).join("\n");
    assert!(refused("kind: Config").contains("lacks the field \"apiVersion\""));
    assert!(refused("apiVersion: portcullis.dev/v1\nkind: Config").starts_with("1:13: "));
    assert!(refused("apiVersion: v1\nkind: ConfigMap").contains("must be Config, found the string \"ConfigMap\""));
    assert!(refused("[]").contains("Config must be a mapping"));
    assert!(!refused("").is_empty() && !refused("a: [").is_empty());
    let twice = format!("{HEADER}---\n{HEADER}");
    assert!(!refused(&twice).is_empty(), "two documents are read as one");
}

#[test]
fn patterns_that_fit_no_policy_are_refused() {
    check_refused(
        "overrides: [{select: {policies: [require_probe]}, set: {enforcement: warn}}]",
        &["3:34: \"require_probe\" fits no policy\n  fix: did you mean require_probes?"],
    );
    check_refused(
        "overrides: [{select: {policies: [\"pss_*\"]}, set: {enforcement: warn}}]",
        &["3:34: \"pss_*\" fits no policy\n  fix: see policy list"],
    );
    check_refused(
        "overrides: [{select: {controls: [\"pss/*\"], severities: [hihg]}, set: {}}]",
        &[
            "3:34: control \"pss/*\" fits no policy\n  fix: see policy list",
            "3:57: severity \"hihg\" is not known\n  fix: known are: low, medium, high, critical",
        ],
    );
    check_refused(
        "exemptions: [{policies: [require_limit], match: {}, owner: o, reason: r}]",
        &["3:26: \"require_limit\" fits no policy\n  fix: did you mean require_limits?"],
    );
}

#[test]
fn parameters_must_be_the_policys_own() {
    check_refused(
        "overrides: [{select: {policies: [require_probes]}, set: {parameters: {port: [80]}}}]",
        &[
            "3:58: policy require_probes has no parameter \"port\"\n  fix: see policy list for the parameters of each policy",
        ],
    );
    let wrong = |parameters: &str| {
        let text =
            format!("overrides: [{{select: {{policies: [require_limits]}}, set: {{parameters: {parameters}}}}}]");
        listed(&read_text(&text).unwrap_err()).join("\n")
    };
    assert!(
        wrong("{max: 0}").starts_with("3:58: parameters do not fit policy require_limits: max: "),
        "{}",
        wrong("{max: 0}")
    );
    assert!(wrong("{maximum: 2}").contains("maximum"), "{}", wrong("{maximum: 2}"));
    assert!(wrong("[max]").contains("must be a mapping"), "{}", wrong("[max]"));
}

#[test]
fn an_override_changes_and_an_exemption_says_what_and_where() {
    check_refused("overrides: [{}]", &["3:13: override lacks the field \"set\"\n  fix: add `set:`"]);
    check_refused(
        "exemptions: [{owner: o}]",
        &[
            "3:14: exemption lacks the field \"policies\"\n  fix: add `policies:`",
            "3:14: exemption lacks the field \"match\"\n  fix: add `match:`",
        ],
    );
    check_refused(
        "exemptions: [{policies: [require_probes], match: {}, expires: tomorrow}]",
        &["3:63: field \"expires\" of exemption must be a day, found a string\n  fix: write it as YYYY-MM-DD"],
    );
    check_refused(
        "exemptions: [{policies: [require_probes], match: {}, expires: 2026-02-30}]",
        &["3:63: field \"expires\" of exemption must be a day, found a string\n  fix: write it as YYYY-MM-DD"],
    );
}

#[test]
fn exemptions_that_nobody_answers_for_are_remarked_on() {
    let whole = "match: {namespaces: [a]}, owner: o, reason: r, expires: 2026-11-21";
    check_advice(whole, &[]);
    check_advice(
        &whole.replace("2026-11-21", "2026-11-20"),
        &["4: exemption expired on 2026-11-20 and no longer holds\n  fix: remove it, or renew it"],
    );
    check_advice(
        "match: {namespaces: [a]}",
        &[
            "4: exemption has no owner\n  fix: add `owner:`, the team that answers for it",
            "4: exemption has no reason\n  fix: add `reason:`, with a ticket",
            "4: exemption never expires\n  fix: add `expires: YYYY-MM-DD`",
        ],
    );
}

#[test]
fn exemptions_by_labels_are_remarked_on_unless_trusted() {
    let by_labels = "exemptions:\n- {policies: [require_probes], match: {labels: {matchLabels: {a: b}}}, owner: o, \
                     reason: r, expires: 2027-01-31}";
    let remarks = listed(&advise(&read_good(by_labels), "2026-11-21"));
    assert!(matches!(remarks.as_slice(), [only] if only.contains("exemption by labels holds never")), "{remarks:?}");
    assert_eq!(advise(&read_good(&format!("trustLabels: true\n{by_labels}")), "2026-11-21"), []);
}

#[test]
fn a_configuration_of_nothing_changes_nothing() {
    let config = read_good("");
    assert!(config.overrides.is_empty() && config.exemptions.is_empty() && !config.trusts_labels());
    assert_eq!(advise(&config, "2026-11-21"), []);
    assert_eq!(advise(&Config::default(), "2026-11-21"), []);
}

#[test]
fn what_lies_on_top_wins() {
    let read = |text: &str| read_good(text);
    let (said, unsaid) = (read("trustLabels: true"), read("overrides: []"));
    let denied = read("trustLabels: false");
    assert!(!denied.clone().over(said.clone()).trusts_labels(), "a configuration takes back what its profile trusts");
    assert!(unsaid.clone().over(said.clone()).trusts_labels() && said.over(denied).trusts_labels());
    assert!(!unsaid.trusts_labels());

    let change = |enforcement| read(&format!("overrides:\n- set: {{enforcement: {enforcement}}}"));
    let both = change("warn").over(change("deny"));
    let order: Vec<_> = both.overrides.iter().map(|change| change.enforcement).collect();
    assert_eq!(order, [Some(Enforcement::Deny), Some(Enforcement::Warn)]);
}
