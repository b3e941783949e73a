//! Suites: cases that test policies without Rego, an object and what must be said of it. Each case is judged by the
//! same act that answers the API server; what it expects is compared with that verdict and with nothing else.

mod compare;
mod read;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::compare::Difference;
pub use self::read::{Fixtures, read};
pub use self::wanted::{CaseOutcome, Expectation, TextPattern, Wanted};
use super::judge::{Judgement, one};
use super::manifest::{Kind, Manifest};
use super::mutation::{mutate, unified};
use super::review::{Options, review_json};
use super::unit::TestResult;
use crate::admission::FactSource;
use crate::engine::bundle::Bundle;
use crate::engine::config::{Config, Override, Place as Everywhere, Select};
use crate::engine::document::yaml::write::write;
use crate::engine::document::{Content, Node, Place, json};
use crate::engine::patch::Patch;
use crate::engine::policy::Policy;
use crate::engine::policy_set::PolicySet;
use crate::engine::rego::Value;
use crate::engine::review::{Operation, ReviewError};
use crate::engine::scope::NamespaceFact;
use crate::engine::violation::Enforcement;

/// The cases of one file.
#[derive(Debug)]
pub struct Suite {
    /// The file.
    pub file: Arc<str>,
    /// What the names of its cases begin with: the policy's name, or the directory's if it tests several.
    pub name: String,
    /// The policies it tests.
    pub policies: Vec<Arc<str>>,
    /// The cases, in the file's order.
    pub cases: Vec<Case>,
}

/// One object, who asks for what, and what must come of it.
#[derive(Debug)]
pub struct Case {
    /// Its name, unique in its suite.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// The object, or a whole review.
    pub object: Manifest,
    /// What the object was before an update; the same if none is given.
    pub old_object: Option<Manifest>,
    /// Who asks for what.
    pub options: Options,
    /// What is known of the object's namespace.
    pub namespace: NamespaceFact,
    /// Changes to the policies' parameters.
    pub parameters: Option<Value>,
    /// How the policies are enforced, other than their METADATA says.
    pub enforcement: Option<Enforcement>,
    /// What must come of it.
    pub expect: Expectation,
}

/// What a case did.
#[derive(Debug, Serialize)]
pub struct CaseReport {
    /// Its file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// Its name with the suite's in front.
    pub path: String,
    /// What it did.
    pub result: TestResult,
    /// Why there was no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where the verdict differs from what was expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl Suite {
    /// The whole name of one of its cases.
    pub fn path(&self, case: &Case) -> String {
        format!("{}/{}", self.name, case.name)
    }
}

/// Judges a case by those of `policies` that its suite tests, with so much time for each of them.
pub fn run(suite: &Suite, case: &Case, policies: &[Arc<Policy>], limit: Duration) -> CaseReport {
    let report = |result, error, differences| CaseReport {
        file: Arc::clone(&suite.file),
        line: case.place.line,
        name: case.name.clone(),
        path: suite.path(case),
        result,
        error,
        differences,
    };
    match judge(suite, case, policies, limit) {
        Err(error) => report(TestResult::Error, Some(error), Vec::new()),
        Ok((judgement, changed)) => {
            let got = CaseOutcome::of(&judgement);
            let mut differences = compare::differences(&case.expect, got, &judgement);
            differences.extend(changed.iter().flat_map(|changed| compare::mutations(&case.expect, changed)));
            let why = judgement.errors.first().map(|failure| format!("{}: {}", failure.policy, failure.message));
            match (differences.is_empty(), got) {
                (true, _) => report(TestResult::Pass, None, differences),
                (false, CaseOutcome::Error | CaseOutcome::Unavailable) if got != case.expect.outcome => {
                    report(TestResult::Error, why, differences)
                }
                (false, _) => report(TestResult::Fail, None, differences),
            }
        }
    }
}

/// What mutators did with the object of a case.
struct Changed {
    patch: Patch,
    /// How the object differs from the one that was expected, if one was.
    difference: String,
    /// What they would change of the result.
    again: Patch,
}

type Judged = (Judgement, Option<Changed>);

fn judge(suite: &Suite, case: &Case, policies: &[Arc<Policy>], limit: Duration) -> Result<Judged, String> {
    let tested = policies.iter().filter(|policy| suite.policies.contains(&policy.name)).map(Arc::clone).collect();
    let bundle = Bundle { policies: tested, ..Bundle::default() };
    let set = PolicySet::new(bundle, case.config(suite), &[]);
    let updated;
    let manifest = match &case.old_object {
        None => &case.object,
        Some(old) => {
            updated = update(&case.object, old, &case.options)
                .ok_or_else(|| "the update could not be written as a review".to_owned())?;
            &updated
        }
    };
    let judged = if set.policies().iter().any(|policy| policy.mutates()) {
        case.judge_mutated(manifest, &set, limit)
    } else {
        one(manifest, &set, &case.options, &Known(&case.namespace), limit).map(|judgement| (judgement, None))
    };
    judged.map_err(|error| error.to_string())
}

impl Case {
    /// Judges the object as mutators leave it, and asks them what they would change of that.
    fn judge_mutated(&self, manifest: &Manifest, set: &PolicySet, limit: Duration) -> Result<Judged, ReviewError> {
        let (options, known) = (&self.options, Known(&self.namespace));
        let outcome = mutate(manifest, set, options, &known, limit)?;
        let patch = outcome.mutation.patch.clone();
        let again = if patch.is_empty() {
            Patch::default()
        } else {
            mutate(&outcome.after, set, options, &known, limit)?.mutation.patch
        };
        let difference = self.expect.patched.as_ref().map(|wanted| self.difference(wanted, &outcome.after));
        let changed = Changed { patch, difference: difference.unwrap_or_default(), again };
        let judgement = outcome.judge(manifest, set, options, &known, limit)?;
        Ok((judgement, Some(changed)))
    }

    /// How an object differs from the one that was expected, both as they are sent; empty if it does not.
    fn difference(&self, wanted: &Manifest, got: &Manifest) -> String {
        let reviewed = got.node.get("request").filter(|_| got.kind == Kind::Review);
        let namespace = reviewed.map(|request| request.get("namespace").and_then(Node::as_str).unwrap_or_default());
        let namespace = namespace.map_or_else(|| self.options.namespace.clone(), str::to_owned);
        let options = Options { operation: Operation::Create, namespace, ..self.options.clone() };
        let sent = |manifest: &Manifest| {
            let review = json::parse(&review_json(manifest, &options)).ok()?;
            Some(review.get("request")?.get("object")?.clone())
        };
        let (Some(wanted), Some(got)) = (sent(wanted), sent(got)) else { return String::new() };
        if wanted.says_the_same_as(&got) {
            return String::new();
        }
        // In the order of keys of the one that was expected nothing differs but what is said.
        unified(&write(&wanted), &write(&got.in_order_of(&wanted)), "expected", "got")
    }

    /// A configuration that says what the case says. The METADATA says the rest: no profile holds in a suite.
    fn config(&self, suite: &Suite) -> Config {
        let change = Override {
            file: Arc::clone(&suite.file),
            line: self.place.line,
            select: Select::default(),
            place: Everywhere::default(),
            enforcement: self.enforcement,
            on_error: None,
            parameters: self.parameters.clone(),
        };
        Config { overrides: vec![change], ..Config::default() }
    }
}

/// What a case says of the one namespace it knows.
struct Known<'a>(&'a NamespaceFact);

impl FactSource for Known<'_> {
    fn namespace(&self, name: &str) -> NamespaceFact {
        match self.0 {
            known if !name.is_empty() => known.clone(),
            _ => NamespaceFact::Unknown("the object belongs to no namespace".to_owned()),
        }
    }
}

/// The review of an update, as the API server would send it, with both objects.
fn update(object: &Manifest, old: &Manifest, options: &Options) -> Option<Manifest> {
    let stored = |manifest: &Manifest, operation, key: &str| {
        let review = json::parse(&review_json(manifest, &Options { operation, ..options.clone() })).ok()?;
        let stored = review.get("request")?.get(key)?.clone();
        Some((review, stored))
    };
    let (mut review, _) = stored(object, Operation::Update, "object")?;
    let (_, before) = stored(old, Operation::Delete, "oldObject")?;
    *field(field(&mut review, "request")?, "oldObject")? = before;
    Some(Manifest { node: review, kind: Kind::Review, ..object.clone() })
}

fn field<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Content::Mapping(entries) = &mut node.content else { return None };
    entries.iter_mut().find(|entry| &*entry.key == key).map(|entry| &mut entry.value)
}
