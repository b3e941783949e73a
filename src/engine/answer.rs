//! The answer to a review: an `AdmissionReview` with what the user, the machine and the auditor need to know.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use serde::Serialize;

use super::decide::{Decision, Evaluation, Outcome, Verdict};
use super::mask::Mask;
use super::mutate::Mutation;
use super::review::API_VERSION;
use super::violation::{Enforcement, FailMode, Violation};

/// The bytes of a denial's message: what a terminal shows of it without scrolling.
const MESSAGE_BYTES: usize = 1_000;

/// The causes listed for machines, and the bytes of each one's message and field.
const CAUSES: usize = 50;
const CAUSE_BYTES: usize = 500;

/// The API server's limits on warnings, in characters; longer ones are cut or dropped there.
const WARNING_CHARS: usize = 256;
const WARNINGS_CHARS: usize = 4_096;

/// An `AdmissionReview` that answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    kind: &'static str,
    api_version: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// A JSON Patch in base64, and what it is: both or neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Debug, Serialize)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Serialize)]
struct Cause {
    reason: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl<'a> Answer<'a> {
    /// The answer that a decision means.
    pub fn of(uid: &'a str, revision: &str, decision: &Decision) -> Self {
        let mask = &decision.secrets;
        let status = (!decision.allowed()).then(|| denial(decision, mask));
        Self::new(uid, decision.allowed(), status, audit_annotations(revision, decision), warnings(decision, mask))
    }

    /// The answer that a mutation means. Nothing to do is said by no patch, not by an empty one.
    pub fn of_mutation(uid: &'a str, revision: &str, mutation: &Mutation) -> Self {
        let mut answer = Self::of(uid, revision, &mutation.decision);
        if mutation.decision.allowed() && !mutation.patch.is_empty() {
            answer.response.patch = Some(BASE64.encode(&mutation.patch.to_json()));
            answer.response.patch_type = Some("JSONPatch");
        }
        answer
    }

    /// A denial for the review's form, not its content.
    pub fn refuse(uid: &'a str, reason: &str) -> Self {
        let message = cut(&format!("review refused: {reason}"), MESSAGE_BYTES);
        let status = Status { code: 403, reason: "Forbidden", message, details: None };
        Self::new(uid, false, Some(status), BTreeMap::new(), Vec::new())
    }

    fn new(
        uid: &'a str,
        allowed: bool,
        status: Option<Status>,
        audit_annotations: BTreeMap<&'static str, String>,
        warnings: Vec<String>,
    ) -> Self {
        let (patch, patch_type) = (None, None);
        let response = Response { uid, allowed, status, patch, patch_type, audit_annotations, warnings };
        Self { kind: "AdmissionReview", api_version: API_VERSION, response }
    }

    /// The answer as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and string-keyed maps: there is nothing that JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The evaluations, the most severe policy first, then by name.
fn by_severity(decision: &Decision) -> Vec<&Evaluation> {
    let mut evaluations: Vec<&Evaluation> = decision.evaluations.iter().collect();
    evaluations.sort_by(|a, b| {
        let severity = |evaluation: &Evaluation| evaluation.policy.metadata.severity;
        severity(b).cmp(&severity(a)).then_with(|| a.policy.name.cmp(&b.policy.name))
    });
    evaluations
}

fn denied(evaluation: &Evaluation) -> impl Iterator<Item = &Violation> {
    evaluation.violations().iter().filter(|violation| violation.enforcement == Enforcement::Deny)
}

/// What a policy that has no verdict leads to, in words.
fn failure(evaluation: &Evaluation) -> Option<String> {
    let name = &evaluation.policy.name;
    match &evaluation.verdict {
        Verdict::Error(why) => Some(format!("{name} could not be evaluated: {why}")),
        Verdict::Conflict(why) => Some(format!("{name} could not be applied: {why}")),
        Verdict::Unavailable(why) => Some(format!("{name} could not be evaluated, a fact is missing: {why}")),
        Verdict::Judged { .. } | Verdict::Mutated { .. } => None,
    }
}

fn refusing_failure(evaluation: &Evaluation) -> Option<String> {
    let refuses = matches!(evaluation.outcome(), Outcome::Error | Outcome::Unavailable);
    failure(evaluation).filter(|_| refuses).map(|text| format!("{text}; refused because on_error is deny"))
}

fn denial(decision: &Decision, mask: &Mask) -> Status {
    let evaluations = by_severity(decision);
    let mut causes = Vec::new();
    for evaluation in &evaluations {
        let reason = evaluation.policy.name.to_string();
        let shown = |text: &str| cut(&mask.hide(text), CAUSE_BYTES);
        causes.extend(denied(evaluation).take(CAUSES).map(|violation| Cause {
            reason: reason.clone(),
            message: shown(&violation.message),
            field: violation.field.as_deref().map(shown),
        }));
        causes.extend(refusing_failure(evaluation).map(|text| Cause {
            reason: reason.clone(),
            message: shown(&text),
            field: None,
        }));
    }
    causes.truncate(CAUSES);
    let message = cut(&message(&evaluations, mask), MESSAGE_BYTES);
    Status { code: 403, reason: "Forbidden", message, details: Some(Details { causes }) }
}

/// One entry of a denial: its policy, a line, and what to do about it.
struct Entry<'a> {
    policy: &'a str,
    line: String,
    fix: Option<String>,
    /// Whether the policy has no verdict.
    is_failure: bool,
}

fn entries<'a>(evaluations: &[&'a Evaluation], mask: &Mask) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for evaluation in evaluations {
        let policy: &str = &evaluation.policy.name;
        entries.extend(refusing_failure(evaluation).map(|text| Entry {
            policy,
            line: mask.hide(&text),
            fix: None,
            is_failure: true,
        }));
        entries.extend(denied(evaluation).map(|violation| Entry {
            policy,
            line: mask.hide(&said(policy, violation)),
            fix: violation.remedy.as_deref().map(|remedy| mask.hide(remedy)),
            is_failure: false,
        }));
    }
    entries
}

/// `<policy>: <message> (<field>)`.
fn said(policy: &str, violation: &Violation) -> String {
    match &violation.field {
        Some(field) => format!("{policy}: {} ({field})", violation.message),
        None => format!("{policy}: {}", violation.message),
    }
}

/// What the bullets below it are. A policy without a verdict is no violation.
fn headline(entries: &[Entry<'_>]) -> String {
    let policies: BTreeSet<&str> = entries.iter().map(|entry| entry.policy).collect();
    let names = policies.iter().copied().collect::<Vec<_>>().join(", ");
    let counted = |count: usize| if count == 1 { "1 policy".to_owned() } else { format!("{count} policies") };
    let failures = entries.iter().filter(|entry| entry.is_failure).count();
    let violations = entries.len().saturating_sub(failures);
    match (violations, failures) {
        (_, 0) => format!("{violations} violations of {}: {names}", counted(policies.len())),
        (0, _) => format!("{} could not be evaluated: {names}", counted(failures)),
        (1, _) => format!("1 violation, and {} could not be evaluated: {names}", counted(failures)),
        _ => format!("{violations} violations, and {} could not be evaluated: {names}", counted(failures)),
    }
}

fn message(evaluations: &[&Evaluation], mask: &Mask) -> String {
    let entries = entries(evaluations, mask);
    let with_fix = |entry: &Entry<'_>, indent: &str| match &entry.fix {
        Some(fix) => format!("{}\n{indent}fix: {fix}", entry.line),
        None => entry.line.clone(),
    };
    if let [only] = entries.as_slice() {
        return with_fix(only, "");
    }
    let mut text = cut(&headline(&entries), 300);
    for (index, entry) in entries.iter().enumerate() {
        let bullet = format!("\n- {}", with_fix(entry, "  "));
        let more = |said: usize| format!("\nand {} more", entries.len().saturating_sub(said));
        let room = MESSAGE_BYTES.saturating_sub(text.len()).saturating_sub(more(index).len());
        if bullet.len() <= room {
            text.push_str(&bullet);
            continue;
        }
        let mut said = index;
        if index == 0 {
            // Part of the worst one says more than a number.
            text.push_str(&cut(&bullet, room));
            said = 1;
        }
        text.push_str(&more(said));
        break;
    }
    text
}

fn warnings(decision: &Decision, mask: &Mask) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut used = 0_usize;
    for evaluation in by_severity(decision) {
        let failed = failure(evaluation).filter(|_| evaluation.on_error == FailMode::Warn);
        let warned = evaluation.violations().iter().filter(|violation| violation.enforcement == Enforcement::Warn);
        for text in failed.into_iter().chain(warned.map(|violation| said(&evaluation.policy.name, violation))) {
            let warning = single_line(&mask.hide(&text));
            if warnings.contains(&warning) {
                continue;
            }
            used = used.saturating_add(warning.chars().count());
            if used > WARNINGS_CHARS {
                return warnings;
            }
            warnings.push(warning);
        }
    }
    warnings
}

/// A line of at most [`WARNING_CHARS`] characters, none of them a control character.
fn single_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(WARNING_CHARS) {
        None => clean,
        Some(_) => clean.chars().take(WARNING_CHARS.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A text of at most so many bytes, cut between characters.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

fn audit_annotations(revision: &str, decision: &Decision) -> BTreeMap<&'static str, String> {
    let names = |wanted: &dyn Fn(&Evaluation) -> bool| {
        let names: BTreeSet<&str> =
            decision.evaluations.iter().filter(|e| wanted(e)).map(|e| e.policy.name.as_ref()).collect();
        names.into_iter().collect::<Vec<_>>().join(",")
    };
    let said = |enforcement: Enforcement| {
        names(&move |evaluation: &Evaluation| evaluation.violations().iter().any(|v| v.enforcement == enforcement))
    };
    let exempted = |evaluation: &Evaluation| !evaluation.exempted().is_empty();
    let mutated = |evaluation: &Evaluation| !evaluation.changes().is_empty();
    let failed = |evaluation: &Evaluation| {
        matches!(evaluation.verdict, Verdict::Error(_) | Verdict::Conflict(_) | Verdict::Unavailable(_))
    };
    let all = [
        ("revision", revision.to_owned()),
        ("denied-by", said(Enforcement::Deny)),
        ("warned-by", said(Enforcement::Warn)),
        ("audited-by", said(Enforcement::Audit)),
        ("exempted-by", names(&exempted)),
        ("errors", names(&failed)),
        // Where the request is refused, nothing was changed.
        ("mutated-by", if decision.allowed() { names(&mutated) } else { String::new() }),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests;
