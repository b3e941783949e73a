//! An explanation as a person reads it: each object, then the policies that found something with what made their rules
//! fire, then those that passed it and those that did not judge it.

use std::fmt::{self, Write as _};

use super::text::counted;
use crate::engine::rego::show;
use crate::suite::explain::{
    Effect, ExemptionView, Explained, MutationView, OverrideView, PolicyView, Report, RuleView, Seen, SettingView,
    ViolationView,
};

/// The value of a setting is cut to so many characters.
const SETTING_CHARS: usize = 160;

/// Writes an explanation.
pub fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for problem in &report.problems {
        let place = if problem.line == 0 { String::new() } else { format!(":{}:{}", problem.line, problem.column) };
        writeln!(text, "{}{place}: error: {}", problem.file, problem.message)?;
        problem.remedy.iter().try_for_each(|remedy| line(&mut text, "fix", remedy))?;
    }
    report.objects.iter().try_for_each(|object| write_object(&mut text, object))?;
    for skipped in &report.skipped {
        writeln!(text, "{}:{}: skipped: {}", skipped.file, skipped.line, skipped.reason)?;
    }
    writeln!(text, "{} explained (revision {})", counted(report.objects.len(), "object"), report.revision)?;
    Ok(text)
}

/// A line of what is said of a policy.
fn line(text: &mut String, label: &str, said: &str) -> fmt::Result {
    writeln!(text, "    {label:<9} {said}")
}

fn write_object(text: &mut String, object: &Explained) -> fmt::Result {
    let verdict = if object.allowed { "allowed" } else { "denied" };
    writeln!(text, "{}:{}: {}: {verdict}", object.file, object.line, object.object)?;
    let what = match object.subresource.as_str() {
        "" => object.operation.to_owned(),
        subresource => format!("{} of {subresource}", object.operation),
    };
    let judged = object.policies.iter().filter(|policy| policy.micros.is_some()).count();
    let user = format!("{} ({})", object.user, object.groups.join(", "));
    let of_all = format!("{judged} of {} judged it", counted_policies(object.policies.len()));
    writeln!(text, "  {what} by {user}; {of_all}, {} µs", object.micros)?;
    let (mut judging, others): (Vec<&PolicyView>, Vec<&PolicyView>) =
        object.policies.iter().partition(|policy| policy.micros.is_some());
    judging.sort_by_key(|policy| policy.outcome == Seen::Pass);
    judging.into_iter().try_for_each(|policy| write_judging(text, &object.file, policy))?;
    others.into_iter().try_for_each(|policy| write_other(text, policy))
}

fn counted_policies(count: usize) -> String {
    if count == 1 { "1 policy".to_owned() } else { format!("{count} policies") }
}

fn write_judging(text: &mut String, file: &str, policy: &PolicyView) -> fmt::Result {
    let micros = policy.micros.unwrap_or_default();
    let outcome = match policy.outcome {
        Seen::Violation | Seen::Exempt => {
            let exempt = policy.violations.iter().filter(|violation| violation.exempt).count();
            let all = counted(policy.violations.len(), "violation");
            if exempt == 0 { all } else { format!("{all}, {exempt} of them exempt") }
        }
        outcome => word(outcome).to_owned(),
    };
    writeln!(text, "  {} ({}): {outcome}, {micros} µs", policy.policy, policy.severity)?;
    policy.reasons.iter().try_for_each(|reason| line(text, "because", reason))?;
    policy.template.iter().try_for_each(|path| line(text, "sees", &format!("the Pod in {path}")))?;
    write_settings(text, policy)?;
    policy.exemptions.iter().try_for_each(|exemption| write_exemption(text, exemption))?;
    policy.violations.iter().try_for_each(|violation| write_violation(text, file, violation))?;
    policy.mutation.iter().try_for_each(|mutation| write_mutation(text, policy, mutation))
}

fn write_mutation(text: &mut String, policy: &PolicyView, mutation: &MutationView) -> fmt::Result {
    let nothing = mutation.changes.is_empty();
    match mutation.outcome {
        Seen::Pass => line(text, "mutates", "nothing, as there is nothing to do")?,
        // Of a policy that only mutates it has been said.
        outcome if nothing && outcome != policy.outcome => {
            line(text, "mutates", &format!("nothing: {}: {}", word(outcome), mutation.reasons.join("; ")))?;
        }
        _ => {}
    }
    mutation.changes.iter().try_for_each(|change| {
        let label = match change.effect {
            Effect::Made => "mutates",
            Effect::Warned => "warns",
            Effect::Audited => "audits",
            Effect::Exempt => "exempt",
        };
        line(text, label, &change.change)
    })
}

/// A policy that did not judge: one line with the reason, and the setting that switched it off.
fn write_other(text: &mut String, policy: &PolicyView) -> fmt::Result {
    let mut reasons = policy.reasons.clone();
    if policy.outcome == Seen::Off {
        let enforcement = policy.settings.iter().find(|setting| setting.name == "enforcement");
        reasons.extend(enforcement.map(|setting| format!("by {}:{}", setting.file, setting.line)));
    }
    let colon = if reasons.is_empty() { "" } else { ": " };
    writeln!(text, "  {}: {}{colon}{}", policy.policy, word(policy.outcome), reasons.join("; "))
}

fn word(outcome: Seen) -> &'static str {
    match outcome {
        Seen::Pass => "passed",
        Seen::Mutates => "mutates",
        Seen::WouldMutate => "would mutate",
        Seen::Violation => "violation",
        Seen::Exempt => "exempt",
        Seen::Error => "error",
        Seen::Unavailable => "unavailable",
        Seen::NotMatched => "not matched",
        Seen::Off => "off",
        Seen::LeftAlone => "left alone",
    }
}

/// The settings by where they come from, and the overrides that do not hold here.
fn write_settings(text: &mut String, policy: &PolicyView) -> fmt::Result {
    let mut origins: Vec<(&str, u32)> = Vec::new();
    for setting in &policy.settings {
        if !origins.contains(&(&*setting.file, setting.line)) {
            origins.push((&setting.file, setting.line));
        }
    }
    origins.sort_unstable_by_key(|(_, line)| *line > 0);
    for (file, at) in origins {
        let of_here = || policy.settings.iter().filter(|setting| (&*setting.file, setting.line) == (file, at));
        let said = of_here().filter_map(plain).chain(parameters(of_here())).collect::<Vec<_>>().join(", ");
        let origin = if at == 0 { format!("METADATA of {file}") } else { format!("{file}:{at}") };
        line(text, "settings", &format!("{said} ({origin})"))?;
    }
    let elsewhere = policy.overrides.iter().filter(|change| change.holds != Some(true));
    elsewhere.map(not_holding).try_for_each(|said| line(text, "override", &said))
}

/// What the names of parameters begin with.
const PARAMETERS: &str = "parameters.";

/// A setting that is no parameter.
fn plain(setting: &SettingView) -> Option<String> {
    let is_parameter = setting.name.starts_with(PARAMETERS);
    let value = show(&setting.value, SETTING_CHARS);
    (!is_parameter).then(|| format!("{} {}", setting.name, value.trim_matches('"')))
}

/// The parameters among settings.
fn parameters<'a>(settings: impl Iterator<Item = &'a SettingView>) -> Option<String> {
    let named = settings.filter_map(|setting| {
        let name = setting.name.strip_prefix(PARAMETERS)?;
        Some(format!("{name}: {}", show(&setting.value, SETTING_CHARS)))
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("parameters {{{}}}", named.join(", ")))
}

fn not_holding(change: &OverrideView) -> String {
    let place = format!("{}:{}", change.file, change.line);
    match &change.unknown {
        Some(why) => format!("{place} may hold or not: {why}"),
        None => format!("{place} does not hold here"),
    }
}

fn write_exemption(text: &mut String, exemption: &ExemptionView) -> fmt::Result {
    let named = |text: &'_ str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let owner = named(&exemption.owner, "nobody");
    let reason = named(&exemption.reason, "no reason given");
    let violations = counted(exemption.violations, "violation");
    let (label, effect) = match (&exemption.expires, exemption.expired) {
        (Some(day), true) => ("expired", format!("ran out on {day}, would cover {violations}")),
        (Some(day), false) => ("exempts", format!("until {day}, covers {violations}")),
        (None, _) => ("exempts", format!("for ever, covers {violations}")),
    };
    line(text, label, &format!("{owner}: {reason}; {effect} ({}:{})", exemption.file, exemption.line))
}

fn write_violation(text: &mut String, file: &str, violation: &ViolationView) -> fmt::Result {
    let finding = &violation.finding;
    let label = if violation.exempt { "exempt" } else { finding.enforcement.as_str() };
    let field = finding.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
    line(text, label, &format!("{}{field}", finding.message))?;
    line(text, "", &format!("at {file}:{}:{}", finding.line, finding.column))?;
    if violation.rules.is_empty() {
        line(text, "", "which rule fired cannot be told for certain")?;
    }
    violation.rules.iter().try_for_each(|rule| write_rule(text, rule))?;
    if violation.others > 0 {
        line(text, "", &format!("and {} more", counted(violation.others, "way")))?;
    }
    Ok(())
}

fn write_rule(text: &mut String, rule: &RuleView) -> fmt::Result {
    line(text, "", &format!("by {} at {}:{}", rule.rule, rule.file, rule.line))?;
    for value in &rule.values {
        let said = match &value.value {
            Some(shown) => format!("  {:>4}  {} = {shown}", value.line, value.expression),
            None => format!("  {:>4}  {} is undefined", value.line, value.expression),
        };
        line(text, "", &said)?;
    }
    Ok(())
}
