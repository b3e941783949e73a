//! Reading what a case expects.

use super::Errors;
use crate::engine::document::fields::Fields;
use crate::engine::document::{DocumentError, Node, Place};
use crate::engine::violation::{Enforcement, Severity};
use crate::suite::cases::wanted::{CaseOutcome, Expectation, TextPattern, Wanted};

/// The most violations that one line of a suite may stand for.
const COUNT: u64 = 1_000;

/// An expectation; nothing if it names no outcome.
pub(super) fn expectation(fields: &mut Fields<'_>) -> Option<Expectation> {
    let outcome = fields.take_choice("outcome", &CaseOutcome::ALL);
    let outcome = fields.require("outcome", outcome);
    let exact = fields.take_bool("exact").unwrap_or(true);
    let error = pattern(fields, "error");
    let violations = fields.take_list("violations").map(|nodes| {
        let mut violations = Vec::new();
        for node in nodes {
            let read = wanted(node);
            violations.extend(fields.absorb(read));
        }
        violations
    });
    let outcome = outcome?;
    let has_verdict = !matches!(outcome, CaseOutcome::Error | CaseOutcome::Unavailable);
    if let (true, Some(entry)) = (has_verdict, fields.take("error")) {
        let message = format!("an error is expected, and the outcome {outcome}");
        fields.refuse(DocumentError::new(entry.key_place, message).hint("say `outcome: error` or `unavailable`"));
    }
    let patch = fields.take_list("patch").map(|nodes| {
        let mut operations = Vec::new();
        for node in nodes {
            let read = operation(node);
            operations.extend(fields.absorb(read));
        }
        operations
    });
    Some(Expectation { outcome, violations, exact, error, patch, patched: None })
}

/// An operation of a JSON Patch, of those that mutation knows.
fn operation(node: &Node) -> Result<serde_json::Value, Errors> {
    let mut fields = Fields::of(node, "operation").map_err(|error| vec![error])?;
    let op = fields.take_choice("op", &[("add", true), ("replace", true), ("remove", false)]);
    let op = fields.require("op", op);
    let path = fields.take("path");
    let path = fields.require("path", path);
    if let Some(path) = path.filter(|path| !path.value.as_str().is_some_and(|text| text.starts_with('/'))) {
        let error = DocumentError::new(path.value.place, "path of operation is no JSON Pointer");
        fields.refuse(error.hint("write it such as /spec/containers/0/image, with ~1 for / in a key and ~0 for ~"));
    }
    match (op, fields.take("value")) {
        (Some(true), None) => {
            fields.refuse(DocumentError::new(fields.place(), "operation has no value").hint("add `value: …`"));
        }
        (Some(false), Some(entry)) => {
            let error = DocumentError::new(entry.key_place, "operation remove takes no value");
            fields.refuse(error.hint("leave it out"));
        }
        (Some(_) | None, _) => {}
    }
    fields.finish()?;
    // A JSON document that was read as one is one.
    Ok(serde_json::from_str(&node.to_json()).unwrap_or_default())
}

/// Refuses what only mutators bring about in a case of policies that do not mutate.
pub(super) fn check_mutation(fields: &mut Fields<'_>, mutates: bool) {
    for key in ["patch", "patched"] {
        if let (false, Some(entry)) = (mutates, fields.take(key)) {
            let message = format!("{key} is expected, and no policy of the suite has a rule mutate");
            fields.refuse(DocumentError::new(entry.key_place, message).hint("leave it out"));
        }
    }
}

/// A violation: a text for its message, or a mapping.
fn wanted(node: &Node) -> Result<Wanted, Errors> {
    if let Some(text) = node.as_str() {
        return compile(text, node.place).map(Wanted::message).map_err(|error| vec![error]);
    }
    let mut fields = Fields::of(node, "violation").map_err(|error| vec![error])?;
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let enforcements = [Enforcement::Deny, Enforcement::Warn, Enforcement::Audit].map(|it| (it.as_str(), it));
    let wanted = Wanted {
        policy: pattern(&mut fields, "policy"),
        message: pattern(&mut fields, "message"),
        field: pattern(&mut fields, "field"),
        remedy: pattern(&mut fields, "remedy"),
        severity: fields.take_choice("severity", &severities),
        enforcement: fields.take_choice("enforcement", &enforcements),
        count: count(&mut fields),
    };
    fields.finish().map(|()| wanted)
}

fn count(fields: &mut Fields<'_>) -> usize {
    let count = fields.take_count("count").unwrap_or(1);
    if let (true, Some(entry)) = (count > COUNT, fields.take("count")) {
        let message = format!("count is {count}, more than {COUNT}");
        fields.refuse(DocumentError::new(entry.value.place, message).hint("expect fewer violations in one case"));
    }
    usize::try_from(count.min(COUNT)).unwrap_or_default()
}

fn pattern(fields: &mut Fields<'_>, key: &'static str) -> Option<TextPattern> {
    let text = fields.take_string(key)?;
    let place = fields.take(key)?.value.place;
    compile(text, place).map_err(|error| fields.refuse(error)).ok()
}

fn compile(text: &str, place: Place) -> Result<TextPattern, DocumentError> {
    TextPattern::new(text).map_err(|error| {
        let why = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        DocumentError::new(place, format!("{text:?} is no regular expression: {why}"))
            .hint("https://docs.rs/regex/latest/regex/#syntax tells what one may hold")
    })
}
