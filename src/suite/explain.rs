//! Why the objects of the input are judged as they are: what each policy saw of each, and which of its rules fired.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::judge::{Finding, Locator, ObjectName, object_name, reviewed};
use super::manifest::{Loaded, Manifest, Problem, Skipped};
use super::namespaces::Namespaces;
use super::review::Options;
use crate::admission::{FactSource, Moment, facts, judge as judge_review, mutate as mutate_review};
use crate::engine::decide::{Evaluation, Verdict};
use crate::engine::explain::{Exempting, Explanation, Overriding, Reach, Setting, explain as explain_decision};
use crate::engine::inspected::LeftAlone;
use crate::engine::mask::Mask;
use crate::engine::policy::Fired;
use crate::engine::policy_set::PolicySet;
use crate::engine::rego::Value;
use crate::engine::review::{Review, ReviewError};
use crate::engine::scope::View;
use crate::engine::violation::{Enforcement, Severity, Violation};
use crate::engine::workload::template_path;

/// A value that made a rule true is cut to so many characters.
const VALUE_CHARS: usize = 120;

/// Of the ways in which one violation came about so many are shown.
const WAYS: usize = 4;

/// What is explained of manifests. Its JSON form is documented in README and stable.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The content digest of policies and configuration.
    pub revision: Arc<str>,
    /// Each object, in the order of the input.
    pub objects: Vec<Explained>,
    /// Documents that are no Kubernetes objects.
    pub skipped: Vec<Skipped>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
}

/// What is explained of one object.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// Its file.
    pub file: Arc<str>,
    /// The line it begins on.
    pub line: u32,
    /// Which object it is.
    pub object: ObjectName,
    /// The operation under review.
    pub operation: &'static str,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The user who asks.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// Whether the API server would take it.
    pub allowed: bool,
    /// How long the decision took.
    pub micros: u128,
    /// What each policy saw, by name.
    pub policies: Vec<PolicyView>,
}

/// What one policy saw of an object.
#[derive(Debug, Serialize)]
pub struct PolicyView {
    /// The policy.
    pub policy: Arc<str>,
    /// What it demands.
    pub title: String,
    /// How bad a violation is.
    pub severity: Severity,
    /// Its file.
    pub file: Arc<str>,
    /// What came of it.
    pub outcome: Seen,
    /// Why it did not judge, or has no verdict.
    pub reasons: Vec<String>,
    /// Where it saw the Pod in the object, if not in the object itself.
    pub template: Option<&'static str>,
    /// How it is enforced here; empty if that depends on something unknown.
    pub settings: Vec<SettingView>,
    /// The overrides that select it.
    pub overrides: Vec<OverrideView>,
    /// The exemptions that cover the object, or did until they ran out.
    pub exemptions: Vec<ExemptionView>,
    /// What it found.
    pub violations: Vec<ViolationView>,
    /// What its rule `mutate` had to do with the object, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation: Option<MutationView>,
    /// How long it took; nothing if it did not judge.
    pub micros: Option<u128>,
}

/// What a rule `mutate` had to do with an object.
#[derive(Debug, Serialize)]
pub struct MutationView {
    /// What came of it.
    pub outcome: Seen,
    /// Why it did not act, or has no verdict.
    pub reasons: Vec<String>,
    /// Where it saw the Pod in the object, if not in the object itself.
    pub template: Option<&'static str>,
    /// What it changes, or would.
    pub changes: Vec<ChangeView>,
}

/// A change of an object.
#[derive(Debug, Serialize)]
pub struct ChangeView {
    /// What becomes of it.
    pub effect: Effect,
    /// The field.
    pub field: Option<String>,
    /// The change in words.
    pub change: String,
}

/// What becomes of a change that a mutator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It is made.
    Made,
    /// It is not made, and told to the user.
    Warned,
    /// It is not made, and recorded.
    Audited,
    /// It is not made, as the object is exempt.
    Exempt,
}

/// What came of a policy and an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// It found nothing.
    Pass,
    /// It changes the object.
    Mutates,
    /// It would change the object, if it were enforced.
    WouldMutate,
    /// It found a violation.
    Violation,
    /// It found violations, all of them exempt.
    Exempt,
    /// It broke, or ran out of time.
    Error,
    /// A fact that it needs could not be had.
    Unavailable,
    /// It is not for such requests.
    NotMatched,
    /// It is switched off.
    Off,
    /// No policy may hold the request up.
    LeftAlone,
}

/// One setting in force and where it comes from.
#[derive(Debug, Serialize)]
pub struct SettingView {
    /// `enforcement`, `onError` or `parameters.<name>`.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// The file that sets it: a configuration, or the policy by its METADATA.
    pub file: Arc<str>,
    /// The line of the override; 0 for METADATA.
    pub line: u32,
}

/// An override that selects a policy.
#[derive(Debug, Serialize)]
pub struct OverrideView {
    /// Its file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u32,
    /// Whether it holds here; nothing if that is not known.
    pub holds: Option<bool>,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// An exemption that covers an object.
#[derive(Debug, Serialize)]
pub struct ExemptionView {
    /// Its file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u32,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day it holds.
    pub expires: Option<String>,
    /// Whether it has run out.
    pub expired: bool,
    /// How many violations it exempts, or would if it had not run out.
    pub violations: usize,
}

/// A violation and how it came about.
#[derive(Debug, Serialize)]
pub struct ViolationView {
    /// Whether it is exempt.
    pub exempt: bool,
    /// The violation.
    #[serde(flatten)]
    pub finding: Finding,
    /// The definitions that fired, with what made them true; empty if it cannot be told for certain.
    pub rules: Vec<RuleView>,
    /// How many more ways there are in which it came about.
    pub others: usize,
}

/// A definition of a rule that fired.
#[derive(Debug, Serialize)]
pub struct RuleView {
    /// `deny` or `warn`.
    pub rule: &'static str,
    /// Its file.
    pub file: Arc<str>,
    /// The line that it begins on.
    pub line: u32,
    /// The variables of its body, and the operands of its statements.
    pub values: Vec<ValueView>,
}

/// An expression and its value.
#[derive(Debug, Serialize)]
pub struct ValueView {
    /// The line of the statement.
    pub line: u32,
    /// The expression as written.
    pub expression: String,
    /// Its value in Rego's notation, cut short and without secrets; nothing if it is undefined.
    pub value: Option<String>,
}

/// Explains every object of the input, with so much time for each policy on each object.
pub fn explain(loaded: Loaded, set: &PolicySet, options: &Options, policy_budget: Duration) -> Report {
    let namespaces = Namespaces::of(&loaded.objects);
    let mut problems = loaded.problems;
    let mut objects = Vec::new();
    for manifest in &loaded.objects {
        let explained = reviewed(manifest, options, policy_budget, |review, moment| {
            explain_one(manifest, review, set, &namespaces, moment)
        });
        match explained {
            Ok(explained) => objects.push(explained),
            Err(error) => problems.push(Problem::refused(manifest, &error)),
        }
    }
    Report { revision: Arc::clone(set.revision()), objects, skipped: loaded.skipped, problems }
}

fn explain_one(
    manifest: &Manifest,
    review: &Review<'_>,
    set: &PolicySet,
    namespaces: &dyn FactSource,
    moment: Moment,
) -> Result<Explained, ReviewError> {
    let facts = facts(review, namespaces, moment.clone())?;
    let decision = judge_review(review, set, namespaces, moment.clone())?;
    let mutation = mutate_review(review, set, namespaces, moment)?;
    let explanations = explain_decision(review, set, &facts, &decision, &mutation)?;
    let request = &review.request;
    let object = object_name(manifest, request);
    let locator = Locator { manifest, object: manifest.object(), kind: &object.kind, mask: &decision.private };
    let mask = &Mask::private(review)?;
    let template = template_path(&request.kind).filter(|path| !path.is_empty());
    let policies = explanations.iter().map(|explanation| policy_view(explanation, &locator, mask, template)).collect();
    Ok(Explained {
        file: Arc::clone(&manifest.file),
        line: manifest.place.line,
        operation: request.operation.as_str(),
        subresource: request.sub_resource.clone(),
        user: request.user.username.clone(),
        groups: request.user.groups.clone(),
        allowed: decision.allowed() && mutation.decision.allowed(),
        micros: decision.took.as_micros(),
        policies,
        object,
    })
}

fn policy_view(
    explanation: &Explanation<'_>,
    locator: &Locator<'_>,
    mask: &Mask,
    template: Option<&'static str>,
) -> PolicyView {
    let policy = explanation.policy;
    let (settings, unknown) = match &explanation.settings {
        Ok(settings) => (settings.iter().map(SettingView::of).collect(), None),
        Err(why) => (Vec::new(), Some(why.clone())),
    };
    let mut view = PolicyView {
        policy: Arc::clone(&policy.name),
        title: policy.metadata.title.clone(),
        severity: policy.metadata.severity,
        file: Arc::clone(&policy.file),
        outcome: Seen::Off,
        reasons: Vec::new(),
        template: None,
        settings,
        overrides: explanation.overrides.iter().map(OverrideView::of).collect(),
        exemptions: explanation.exemptions.iter().map(ExemptionView::of).collect(),
        violations: Vec::new(),
        mutation: explanation.mutation.as_ref().map(|reach| mutation_view(reach, mask, template)),
        micros: None,
    };
    let Some(reach) = &explanation.reach else {
        // All that can be said of a policy that only mutates is what it changes.
        if let Some(mutation) = &view.mutation {
            (view.outcome, view.template) = (mutation.outcome, mutation.template);
            view.reasons.clone_from(&mutation.reasons);
        }
        if let Some(Reach::Judged(evaluation, ..)) = &explanation.mutation {
            view.micros = Some(evaluation.took.as_micros());
        }
        return view;
    };
    match reach {
        Reach::NotMatched(reasons) => {
            view.outcome = Seen::NotMatched;
            view.reasons.clone_from(reasons);
        }
        Reach::Off => view.outcome = Seen::Off,
        Reach::LeftAlone(left_alone) => {
            view.outcome = Seen::LeftAlone;
            view.reasons.push(why_left_alone(*left_alone).to_owned());
        }
        Reach::Judged(evaluation, through, fired) => {
            view.template = template.filter(|_| *through == View::Template);
            view.micros = Some(evaluation.took.as_micros());
            (view.outcome, view.violations) = found(evaluation, fired, locator);
            view.reasons.extend(why_no_verdict(evaluation, unknown, locator.mask));
        }
    }
    view
}

fn mutation_view(reach: &Reach<'_>, mask: &Mask, template: Option<&'static str>) -> MutationView {
    let not = |outcome, reasons| MutationView { outcome, reasons, template: None, changes: Vec::new() };
    match reach {
        Reach::NotMatched(reasons) => not(Seen::NotMatched, reasons.clone()),
        Reach::Off => not(Seen::Off, Vec::new()),
        Reach::LeftAlone(left_alone) => not(Seen::LeftAlone, vec![why_left_alone(*left_alone).to_owned()]),
        Reach::Judged(evaluation, view, _) => {
            let changes = changes(evaluation, mask);
            let has = |effect| changes.iter().any(|change: &ChangeView| change.effect == effect);
            let outcome = match &evaluation.verdict {
                Verdict::Error(_) | Verdict::Conflict(_) => Seen::Error,
                Verdict::Unavailable(_) => Seen::Unavailable,
                Verdict::Judged { .. } | Verdict::Mutated { .. } if has(Effect::Made) => Seen::Mutates,
                Verdict::Judged { .. } | Verdict::Mutated { .. } if has(Effect::Warned) || has(Effect::Audited) => {
                    Seen::WouldMutate
                }
                Verdict::Judged { .. } | Verdict::Mutated { .. } if has(Effect::Exempt) => Seen::Exempt,
                Verdict::Judged { .. } | Verdict::Mutated { .. } => Seen::Pass,
            };
            let reasons = why_no_verdict(evaluation, None, mask).into_iter().collect();
            MutationView { outcome, reasons, template: template.filter(|_| *view == View::Template), changes }
        }
    }
}

/// What a mutator changes, what it would, and what an exemption keeps it from.
fn changes(evaluation: &Evaluation, mask: &Mask) -> Vec<ChangeView> {
    let said = |effect, violation: &Violation| ChangeView {
        effect,
        field: violation.field.clone(),
        change: mask.hide(violation.message.strip_prefix("would ").unwrap_or(&violation.message)),
    };
    let made = evaluation.changes().iter().map(|change| ChangeView {
        effect: Effect::Made,
        field: Some(change.field.to_string()),
        change: mask.hide(&change.to_string()),
    });
    let advised = evaluation.violations().iter().map(|violation| match violation.enforcement {
        Enforcement::Warn => said(Effect::Warned, violation),
        Enforcement::Deny | Enforcement::Audit | Enforcement::Off => said(Effect::Audited, violation),
    });
    let exempt = evaluation.exempted().iter().map(|exempted| said(Effect::Exempt, &exempted.violation));
    made.chain(advised).chain(exempt).collect()
}

fn why_left_alone(left_alone: LeftAlone) -> &'static str {
    match left_alone {
        LeftAlone::Mirror => "it is the mirror of a static Pod, which its own node writes",
        LeftAlone::Deletion => "the server is deleting it, and nothing but metadata changes",
    }
}

fn why_no_verdict(evaluation: &Evaluation, unknown: Option<String>, mask: &Mask) -> Option<String> {
    match &evaluation.verdict {
        Verdict::Error(why) | Verdict::Conflict(why) | Verdict::Unavailable(why) => Some(mask.hide(why)),
        Verdict::Judged { .. } | Verdict::Mutated { .. } => unknown,
    }
}

/// What a policy found, the violations that stand before those that are exempt.
fn found(evaluation: &Evaluation, fired: &[Fired], locator: &Locator<'_>) -> (Seen, Vec<ViolationView>) {
    let view = |violation: &Violation, exempt: bool| {
        let ways: Vec<&Fired> = fired.iter().filter(|fired| fired.violation == *violation).collect();
        ViolationView {
            exempt,
            finding: locator.finding(evaluation, violation),
            rules: ways.iter().take(WAYS).map(|fired| rule_view(fired, evaluation, locator.mask)).collect(),
            others: ways.len().saturating_sub(WAYS),
        }
    };
    match &evaluation.verdict {
        Verdict::Error(_) | Verdict::Conflict(_) => (Seen::Error, Vec::new()),
        Verdict::Unavailable(_) => (Seen::Unavailable, Vec::new()),
        Verdict::Judged { .. } | Verdict::Mutated { .. } => {
            let (violations, exempted) = (evaluation.violations(), evaluation.exempted());
            let standing = violations.iter().map(|violation| view(violation, false));
            let exempt = exempted.iter().map(|exempted| view(&exempted.violation, true));
            let outcome = match (violations.is_empty(), exempted.is_empty()) {
                (false, _) => Seen::Violation,
                (true, false) => Seen::Exempt,
                (true, true) => Seen::Pass,
            };
            (outcome, standing.chain(exempt).collect())
        }
    }
}

fn rule_view(fired: &Fired, evaluation: &Evaluation, mask: &Mask) -> RuleView {
    let value = |value: &Value| mask.show(value, VALUE_CHARS);
    let values = fired.firing.bindings.iter().map(|binding| ValueView {
        line: binding.line,
        expression: binding.expression.clone(),
        value: binding.values.first().map(value),
    });
    RuleView {
        rule: fired.rule,
        file: Arc::clone(&evaluation.policy.file),
        line: fired.firing.line,
        values: values.collect(),
    }
}

impl SettingView {
    fn of(setting: &Setting) -> Self {
        let (file, line) = setting.origin.clone();
        Self { name: setting.name.clone(), value: setting.value.clone(), file, line }
    }
}

impl OverrideView {
    fn of(overriding: &Overriding<'_>) -> Self {
        let (file, line) = overriding.place;
        let holds = overriding.holds.clone();
        Self { file: Arc::clone(file), line, holds: holds.clone().ok(), unknown: holds.err() }
    }
}

impl ExemptionView {
    fn of(exempting: &Exempting<'_>) -> Self {
        let exemption = exempting.exemption;
        Self {
            file: Arc::clone(&exemption.file),
            line: exemption.line,
            owner: exemption.owner.clone(),
            reason: exemption.reason.clone(),
            expires: exemption.expires.clone(),
            expired: exempting.is_expired,
            violations: exempting.violations,
        }
    }
}
