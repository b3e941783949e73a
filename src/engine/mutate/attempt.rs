//! One run of mutators to the point where none of them wants anything more, or to the failures that keep it from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::merge::{Ledger, Wish, merge, moved_items};
use super::operation::{Act, Element, Operations};
use super::{Change, Mutator, Verdicts, edit, sequence};
use crate::engine::budget::Stopwatch;
use crate::engine::config::Exemption;
use crate::engine::decide::{Exempted, Facts, Verdict};
use crate::engine::inspected::Inspected;
use crate::engine::mask::Mask;
use crate::engine::metadata::OnConflict;
use crate::engine::path::FieldPath;
use crate::engine::policy_set::PolicySet;
use crate::engine::rego::Value;
use crate::engine::review::{Operation, Request, Review};
use crate::engine::scope::{self, View};
use crate::engine::violation::Enforcement;

/// How often all mutators are asked. The second pass finds nothing to do unless one of them waits for another.
const PASSES: usize = 4;

/// Mutators at work on one review.
pub(super) struct Attempt<'a> {
    mutators: &'a [Mutator<'a>],
    set: &'a PolicySet,
    review: &'a Review<'a>,
    facts: &'a Facts,
    watch: &'a Stopwatch,
    spent: Vec<Duration>,
}

/// What came of an attempt.
pub(super) struct Done<'a> {
    /// The object in its final state.
    pub(super) after: Inspected<'a>,
    /// What each mutator did.
    pub(super) verdicts: Verdicts,
}

/// What the mutators have done so far.
#[derive(Default)]
struct Progress {
    ledger: Ledger,
    changes: BTreeMap<usize, Vec<Change>>,
    exempted: BTreeMap<usize, Vec<Exempted>>,
    /// Whether items are at other indexes than they were, so that changes' places mean nothing any more.
    is_moved: bool,
}

impl Done<'_> {
    /// Who has changed something.
    pub(super) fn changed(&self) -> impl Iterator<Item = usize> {
        self.verdicts
            .iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Mutated { .. }))
            .map(|(number, _)| *number)
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        mutators: &'a [Mutator<'a>],
        set: &'a PolicySet,
        review: &'a Review<'a>,
        facts: &'a Facts,
        watch: &'a Stopwatch,
    ) -> Self {
        Self { mutators, set, review, facts, watch, spent: vec![Duration::ZERO; mutators.len()] }
    }

    /// How long each mutator has taken.
    pub(super) fn spent(&self) -> &[Duration] {
        &self.spent
    }

    /// Mutates by these mutators until they are content; otherwise whose failure it is.
    pub(super) fn run(&mut self, before: &Inspected<'a>, acting: &BTreeSet<usize>) -> Result<Done<'a>, Verdicts> {
        let mut after = before.clone();
        let mut progress = Progress::default();
        let mut restless = BTreeSet::new();
        for _ in 0..PASSES {
            restless = BTreeSet::new();
            for group in self.by_priority(acting) {
                let changed = self.apply(&group, &mut after, &mut progress)?;
                restless.extend(changed);
            }
            if restless.is_empty() {
                let verdicts = progress.verdicts(acting, before.object(), after.object());
                return Ok(Done { after, verdicts });
            }
        }
        let names: Vec<&str> = restless.iter().map(|number| self.name(*number)).collect();
        let why = format!(
            "mutation does not come to rest: after {PASSES} rounds {} still find something to change",
            names.join(", ")
        );
        Err(restless.into_iter().map(|number| (number, Verdict::Error(why.clone()))).collect())
    }

    /// What a mutator that does not act would do to the object.
    pub(super) fn advise(&mut self, number: usize, mutator: &Mutator<'a>, object: &Inspected<'a>) -> Verdict {
        let mut progress = Progress::default();
        match self.wishes(number, object, &mut progress) {
            Err(verdict) => verdict,
            Ok(wishes) => {
                let says = |wish: Wish| Change::new(wish.place, wish.act).as_violation(mutator.settings.enforcement);
                Verdict::Judged {
                    violations: wishes.into_iter().map(says).collect(),
                    exempted: progress.exempted.remove(&number).unwrap_or_default(),
                }
            }
        }
    }

    fn by_priority(&self, acting: &BTreeSet<usize>) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for number in acting {
            let priority = self.mutators.get(*number).map_or(0, |mutator| mutator.policy.metadata.priority);
            groups.entry(priority).or_default().push(*number);
        }
        groups.into_values().collect()
    }

    fn name(&self, number: usize) -> &'a str {
        self.mutators.get(number).map_or("", |mutator| mutator.policy.name.as_ref())
    }

    /// Has the mutators of one priority act on the object; who of them has changed it.
    fn apply(
        &mut self,
        group: &[usize],
        after: &mut Inspected<'a>,
        progress: &mut Progress,
    ) -> Result<BTreeSet<usize>, Verdicts> {
        let mut wishes = Vec::new();
        let mut failures = Verdicts::new();
        for number in group {
            match self.wishes(*number, after, progress) {
                Ok(found) => wishes.extend(found),
                Err(verdict) => drop(failures.insert(*number, verdict)),
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        let wishes = merge(wishes, &progress.ledger).map_err(|clash| self.conflict(&clash))?;
        let secrets = after.secrets();
        let mut object = after.object().clone();
        let mut changed = BTreeSet::new();
        for wish in wishes {
            if edit::is_done(&object, &wish.place, &wish.act) {
                continue;
            }
            let change = Change::new(wish.place.clone(), wish.act.clone());
            if quotes(&change, &secrets) {
                let why = format!("it would put a value of the Secret into the patch, at {}", wish.place);
                return Err(Verdicts::from([(wish.mutator, Verdict::Error(why))]));
            }
            let failed = |error: edit::EditError| Verdict::Error(format!("it cannot {change}: {error}"));
            edit::apply(&mut object, &wish.place, &wish.act)
                .map_err(|error| Verdicts::from([(wish.mutator, failed(error))]))?;
            progress.ledger.note(&wish);
            progress.is_moved |= moved_items(&wish).is_some();
            progress.changes.entry(wish.mutator).or_default().push(change);
            changed.insert(wish.mutator);
        }
        if !changed.is_empty() {
            *after = after.with(object);
        }
        Ok(changed)
    }

    fn conflict(&self, (first, second, place): &(usize, usize, FieldPath)) -> Verdicts {
        if first == second {
            let why = format!("it wants two different values at {place}");
            return Verdicts::from([(*first, Verdict::Error(why))]);
        }
        let against = |other: usize| {
            Verdict::Conflict(format!("{} wants something else at {place}; neither is done", self.name(other)))
        };
        Verdicts::from([(*first, against(*second)), (*second, against(*first))])
    }

    /// What a mutator wants of the object as it is, exempted and impossible changes left out.
    fn wishes(&mut self, number: usize, object: &Inspected<'a>, progress: &mut Progress) -> Result<Vec<Wish>, Verdict> {
        let Some(mutator) = self.mutators.get(number) else { return Ok(Vec::new()) };
        let view = mutator.view.clone().map_err(Verdict::Unavailable)?;
        let operations = self.evaluate(number, mutator, view, object)?;
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let covering = object.exemptions(mutator.policy, self.set.config());
        let yields = mutator.policy.metadata.on_conflict == OnConflict::Yield;
        let mut wishes = Vec::new();
        for (place, act) in places(&operations, object, view)? {
            let is_possible = is_mutable(&self.review.request, &place);
            if !is_possible || edit::is_done(object.object(), &place, &act) {
                continue;
            }
            let wish = Wish { mutator: number, place, act, yields };
            if covering.is_empty() {
                wishes.push(wish);
                continue;
            }
            let violation = Change::new(wish.place.clone(), wish.act.clone()).as_violation(Enforcement::Audit);
            match covering.iter().find(|exemption| object.covers_images(exemption, &violation)) {
                Some(exemption) => progress.exempt(number, violation, exemption),
                None => wishes.push(wish),
            }
        }
        Ok(wishes)
    }

    fn evaluate(
        &mut self,
        number: usize,
        mutator: &Mutator<'a>,
        view: View,
        object: &Inspected<'a>,
    ) -> Result<Operations, Verdict> {
        let started = self.watch.elapsed();
        let limit = self.facts.policy_budget.min(self.facts.review_budget.saturating_sub(started));
        if limit.is_zero() {
            return Err(Verdict::Error("no time was left for it within the review's deadline".to_owned()));
        }
        let input = object.input_of(mutator.policy, &mutator.settings, view)?;
        let operations = mutator.policy.operations(input, limit);
        if let Some(spent) = self.spent.get_mut(number) {
            *spent = spent.saturating_add(self.watch.elapsed().saturating_sub(started));
        }
        operations.map_err(|error| Verdict::Error(error.to_string()))
    }
}

impl Progress {
    fn exempt(&mut self, number: usize, violation: crate::engine::violation::Violation, exemption: &Exemption) {
        let exempted = self.exempted.entry(number).or_default();
        // Each pass finds it again.
        if exempted.iter().all(|known| known.violation != violation) {
            exempted.push(Exempted {
                violation,
                owner: exemption.owner.clone(),
                reason: exemption.reason.clone(),
                place: (Arc::clone(&exemption.file), exemption.line),
            });
        }
    }

    fn verdicts(mut self, acting: &BTreeSet<usize>, before: &Value, after: &Value) -> Verdicts {
        for changes in self.changes.values_mut() {
            changes.retain(|change| if self.is_moved { before != after } else { change.remains(before, after) });
        }
        self.changes.retain(|_, changes| !changes.is_empty());
        let mut verdict = |number: usize| {
            let exempted = self.exempted.remove(&number).unwrap_or_default();
            match self.changes.remove(&number) {
                Some(changes) => Verdict::Mutated { changes, exempted },
                None => Verdict::Judged { violations: Vec::new(), exempted },
            }
        };
        acting.iter().map(|number| (*number, verdict(*number))).collect()
    }
}

/// Whether a change would carry a value out of the Secret that it is made in.
fn quotes(change: &Change, secrets: &Mask) -> bool {
    !secrets.is_empty()
        && (secrets.is_in(&change.field.to_string())
            || change.value().is_some_and(|value| secrets.is_in(&value.to_string())))
}

/// Where in the object operations act, and how.
fn places(operations: &Operations, object: &Inspected<'_>, view: View) -> Result<Vec<(FieldPath, Act)>, Verdict> {
    let failed =
        |error: edit::EditError| Verdict::Error(format!("mutate yields an operation that cannot be done: {error}"));
    let base = match (view, object.workload()) {
        (View::Template, Some(workload)) => FieldPath::parse(workload.path).unwrap_or_default(),
        (View::Template | View::Object, _) => FieldPath::root(),
    };
    let starts = edit::Starts::of(base, object.workload());
    let mut places = Vec::new();
    for element in &operations.elements {
        match element {
            Element::Patch(instructions) => {
                places.extend(sequence::wanted(instructions, object.object(), starts.base()).map_err(failed)?);
            }
            Element::Own(operation) => {
                let found = starts.resolve(operation, object.object()).map_err(failed)?;
                places.extend(found.into_iter().map(|place| (place, operation.act.clone())));
            }
        }
    }
    Ok(places)
}

/// Whether the API server lets a field be changed at all. On UPDATE of a Pod little more than metadata and images may
/// be (<https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement>), and a Job's template is fixed.
fn is_mutable(request: &Request, place: &FieldPath) -> bool {
    if request.operation != Operation::Update {
        return true;
    }
    let text = place.to_string();
    let is_below =
        |prefix: &str| text.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    if request.kind == scope::pod() {
        return is_below("metadata.labels") || is_below("metadata.annotations") || is_image(&text);
    }
    let is_job = request.kind.group == "batch" && request.kind.kind == "Job";
    !(is_job && is_below("spec.template"))
}

fn is_image(path: &str) -> bool {
    let of_list = |list: &str| path.strip_prefix(list).and_then(|rest| rest.split_once(']'));
    let rest = of_list("spec.containers[").or_else(|| of_list("spec.initContainers["));
    rest.is_some_and(|(_, rest)| rest == ".image")
}
