//! Where a verdict differs from what a case expects.

use serde::Serialize;

use super::Changed;
use super::wanted::{CaseOutcome, Expectation, Wanted};
use crate::engine::patch::Patch;
use crate::suite::judge::{Finding, Judgement};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Difference {
    /// Another outcome than expected.
    Outcome {
        /// What was expected.
        expected: CaseOutcome,
        /// What came.
        got: CaseOutcome,
    },
    /// A violation that was expected and did not come, or no verdict for another reason than expected.
    Missing {
        /// What was expected.
        expected: String,
    },
    /// A violation that came and was not expected, or why there was no verdict.
    Unexpected {
        /// What came.
        got: String,
    },
    /// Another object than expected, after its mutators.
    Object {
        /// The unified difference of both as YAML, the expected one first.
        diff: String,
    },
}

/// What differs in what mutators did, and whether they find more to do when they are asked again.
pub(super) fn mutations(expect: &Expectation, changed: &Changed) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(wanted) = &expect.patch {
        let mut missing = wanted.clone();
        for got in operations(&changed.patch) {
            match missing.iter().position(|wanted| *wanted == got) {
                Some(at) => drop(missing.remove(at)),
                None => differences.push(Difference::Unexpected { got: format!("patch: {got}") }),
            }
        }
        let missing = missing.into_iter().map(|wanted| Difference::Missing { expected: format!("patch: {wanted}") });
        differences.splice(0..0, missing);
    }
    if !changed.difference.is_empty() {
        differences.push(Difference::Object { diff: changed.difference.clone() });
    }
    differences.extend(operations(&changed.again).map(|operation| Difference::Unexpected {
        got: format!("patch of the patched object, of which nothing must be left to do: {operation}"),
    }));
    differences
}

fn operations(patch: &Patch) -> impl Iterator<Item = serde_json::Value> {
    patch.operations().iter().map(|operation| serde_json::to_value(operation).unwrap_or_default())
}

/// What differs, in the order outcome, missing, unexpected; nothing if the case passes.
pub(super) fn differences(expect: &Expectation, got: CaseOutcome, judgement: &Judgement) -> Vec<Difference> {
    let mut differences = Vec::new();
    if got != expect.outcome {
        differences.push(Difference::Outcome { expected: expect.outcome, got });
    }
    if let Some(pattern) = &expect.error
        && !judgement.errors.iter().any(|failure| pattern.matches(&failure.message))
    {
        differences.push(Difference::Missing { expected: format!("error: {pattern}") });
        differences.extend(judgement.errors.iter().map(|failure| Difference::Unexpected {
            got: format!("{}: {}: {}", failure.policy, failure.outcome, failure.message),
        }));
    }
    if let Some(wanted) = &expect.violations {
        differences.extend(violations(wanted, expect.exact, &judgement.violations));
    } else if got != expect.outcome {
        // What was said explains another outcome.
        differences.extend(judgement.violations.iter().map(unexpected));
    }
    differences
}

fn violations(wanted: &[Wanted], exact: bool, found: &[Finding]) -> Vec<Difference> {
    let slots: Vec<&Wanted> = wanted.iter().flat_map(|one| std::iter::repeat_n(one, one.count)).collect();
    let claims = claim(&slots, found);
    let missing = slots.iter().enumerate().filter(|(slot, _)| !claims.contains(&Some(*slot)));
    let missing = missing.map(|(_, wanted)| Difference::Missing { expected: wanted.to_string() });
    // One too many of what is listed is never among the others that may come.
    let surplus = found.iter().zip(&claims).filter(|(violation, claim)| {
        claim.is_none() && (exact || wanted.iter().any(|wanted| wanted.matches(violation)))
    });
    missing.chain(surplus.map(|(violation, _)| unexpected(violation))).collect()
}

/// For each violation the slot that claims it. As many slots as possible have one, however their patterns overlap: a
/// slot may take a violation from another that finds a different one.
fn claim(slots: &[&Wanted], found: &[Finding]) -> Vec<Option<usize>> {
    let mut claims = vec![None; found.len()];
    for slot in 0..slots.len() {
        place(slot, slots, found, &mut claims, &mut vec![false; found.len()]);
    }
    claims
}

fn place(slot: usize, slots: &[&Wanted], found: &[Finding], claims: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    for (index, violation) in found.iter().enumerate() {
        let fits = slots.get(slot).is_some_and(|wanted| wanted.matches(violation));
        let Some(tried_here) = tried.get_mut(index).filter(|tried| fits && !**tried) else { continue };
        *tried_here = true;
        let holder = claims.get(index).copied().flatten();
        if holder.is_none_or(|holder| place(holder, slots, found, claims, tried)) {
            if let Some(claim) = claims.get_mut(index) {
                *claim = Some(slot);
            }
            return true;
        }
    }
    false
}

fn unexpected(found: &Finding) -> Difference {
    let text = |key: &str, value: Option<&str>| value.map(|value| format!(", {key}: {value}")).unwrap_or_default();
    let got = format!(
        "policy: {}, enforcement: {}, severity: {}, message: {}{}{}",
        found.policy,
        found.enforcement,
        found.severity,
        found.message,
        text("field", found.field.as_deref()),
        text("remedy", found.remedy.as_deref())
    );
    Difference::Unexpected { got }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::wanted::TextPattern;
    use super::*;
    use crate::engine::violation::{Enforcement, Severity};

    fn found(message: &str) -> Finding {
        Finding {
            policy: Arc::from("p"),
            severity: Severity::High,
            enforcement: Enforcement::Deny,
            message: message.to_owned(),
            field: Some("spec.a".to_owned()),
            line: 1,
            column: 1,
            observed: None,
            remedy: None,
        }
    }

    /// The messages of missing and of unexpected violations.
    #[track_caller]
    fn check(wanted: &[(&str, usize)], exact: bool, messages: &[&str], missing: &[&str], surplus: &[&str]) {
        let wanted: Vec<Wanted> = wanted
            .iter()
            .map(|(text, count)| Wanted { count: *count, ..Wanted::message(TextPattern::new(text).unwrap()) })
            .collect();
        let found: Vec<Finding> = messages.iter().map(|message| found(message)).collect();
        let shown: Vec<String> = violations(&wanted, exact, &found)
            .into_iter()
            .map(|difference| match difference {
                Difference::Missing { expected } => format!("-{}", expected.replace("message: ", "")),
                Difference::Unexpected { got } => {
                    format!("+{}", got.split_once("message: ").unwrap().1.split(',').next().unwrap())
                }
                Difference::Outcome { .. } | Difference::Object { .. } => "another".to_owned(),
            })
            .collect();
        let missing = missing.iter().map(|text| format!("-{text}"));
        let expected: Vec<String> = missing.chain(surplus.iter().map(|text| format!("+{text}"))).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn each_listed_violation_comes_as_often_as_it_says() {
        check(&[("a", 1), ("b", 1)], true, &["b", "a"], &[], &[]);
        check(&[("a", 1)], true, &["a", "b"], &[], &["b"]);
        check(&[("a", 1), ("b", 1)], true, &["a"], &["b"], &[]);
        check(&[("*", 2)], true, &["a", "b"], &[], &[]);
        check(&[("*", 3)], true, &["a", "b"], &["*"], &[]);
        check(&[("*", 1)], true, &["a", "b"], &[], &["b"]);
        check(&[], true, &["a"], &[], &["a"]);
        check(&[], true, &[], &[], &[]);
    }

    #[test]
    fn patterns_that_overlap_share_what_there_is() {
        check(&[("*", 1), ("a", 1)], true, &["a", "b"], &[], &[]);
        check(&[("*", 1), ("/a|b/", 1), ("a", 1)], true, &["a", "b", "c"], &[], &[]);
        check(&[("/a|b/", 2), ("b", 1)], true, &["a", "b", "c"], &["b"], &["c"]);
    }

    #[test]
    fn others_may_come_where_the_case_says_so() {
        check(&[("a", 1)], false, &["a", "b"], &[], &[]);
        check(&[("a", 1)], false, &["a", "a"], &[], &["a"]);
        check(&[("a", 0)], false, &["b"], &[], &[]);
        check(&[("a", 0)], false, &["a", "b"], &[], &["a"]);
    }
}
