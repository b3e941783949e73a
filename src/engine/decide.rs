//! The decision: a review, a policy set and the facts in, a decision out. Pure, total, deterministic.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use super::budget::Stopwatch;
use super::config::{self, Config, Exemption, Settings, Subject};
use super::mask::Mask;
use super::metadata::Need;
use super::policy::Policy;
use super::policy_set::PolicySet;
use super::rego::Value;
use super::review::{Contents, Operation, Request, Review, ReviewError};
use super::scope::{Concern, NamespaceFact, View};
use super::violation::{Enforcement, FailMode, Violation};
use super::workload::{self, Container, MalformedWorkload, Workload, object_of};

/// What a decision depends on beside the review and the policies.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What is known of the request's namespace.
    pub namespace: NamespaceFact,
    /// The time of the request, RFC 3339 in UTC.
    pub now: String,
    /// How long each policy may take.
    pub policy_budget: Duration,
    /// How long the whole decision may take.
    pub review_budget: Duration,
}

/// The default time budget of a policy.
pub const POLICY_BUDGET: Duration = Duration::from_millis(50);

/// The outcome of a request: the worst of what decided the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing stood against it.
    Allow,
    /// A policy denied.
    Deny,
    /// A fact could not be had, and the fail mode refused.
    Unavailable,
    /// A policy broke, and its fail mode refused.
    Error,
}

/// A decision, one evaluation for each policy in scope, by name.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// What each policy in scope found.
    pub evaluations: Vec<Evaluation>,
    /// What the answer must not quote: the values of a Secret under review.
    pub secrets: Mask,
    /// What logs must not quote: the same, and environment variables.
    pub private: Mask,
    /// How long it took; no part of the decision.
    pub took: Duration,
}

/// What one policy found.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The policy.
    pub policy: Arc<Policy>,
    /// How it is enforced here.
    pub enforcement: Enforcement,
    /// What follows if it could not be evaluated, here.
    pub on_error: FailMode,
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took; no part of the decision.
    pub took: Duration,
}

/// A policy's verdict on a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was evaluated.
    Judged {
        /// What stands against the request.
        violations: Vec<Violation>,
        /// What would, were it not exempt.
        exempted: Vec<Exempted>,
    },
    /// It broke, or ran out of time.
    Error(String),
    /// A fact that it needs could not be had.
    Unavailable(String),
}

/// A violation that an exemption covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Exempted {
    /// The violation.
    pub violation: Violation,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The file and the line that the exemption stands on.
    pub place: (Arc<str>, u32),
}

impl Evaluation {
    /// Whether the policy found nothing, not even something exempt.
    pub fn passed(&self) -> bool {
        matches!(&self.verdict, Verdict::Judged { violations, exempted } if violations.is_empty() && exempted.is_empty())
    }

    /// What the verdict means for the request.
    pub fn outcome(&self) -> Outcome {
        match &self.verdict {
            Verdict::Judged { violations, .. } if violations.iter().any(|v| v.enforcement == Enforcement::Deny) => {
                Outcome::Deny
            }
            Verdict::Error(_) if self.on_error == FailMode::Deny => Outcome::Error,
            Verdict::Unavailable(_) if self.on_error == FailMode::Deny => Outcome::Unavailable,
            Verdict::Judged { .. } | Verdict::Error(_) | Verdict::Unavailable(_) => Outcome::Allow,
        }
    }

    /// What stands against the request, exempted violations left out.
    pub fn violations(&self) -> &[Violation] {
        match &self.verdict {
            Verdict::Judged { violations, .. } => violations,
            Verdict::Error(_) | Verdict::Unavailable(_) => &[],
        }
    }
}

impl Decision {
    /// The decision where no policy is in scope.
    pub fn nothing() -> Self {
        Self {
            outcome: Outcome::Allow,
            evaluations: Vec::new(),
            secrets: Mask::default(),
            private: Mask::default(),
            took: Duration::ZERO,
        }
    }

    /// Whether the request goes through.
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allow
    }
}

/// Decides a review. An error if the review cannot be read, or must be refused for its form.
pub fn decide(review: &Review<'_>, set: &PolicySet, facts: &Facts) -> Result<Decision, ReviewError> {
    let watch = Stopwatch::start();
    let mut subject: Option<Inspected<'_>> = None;
    let mut evaluations = Vec::new();
    for policy in set.policies() {
        let Some((settings, concern)) = concern(policy, set, &review.request, facts) else { continue };
        let inspected = match subject.take() {
            Some(inspected) => inspected,
            None => Inspected::new(review, facts)?,
        };
        let inspected = subject.insert(inspected);
        if inspected.left_alone.is_some() {
            break;
        }
        let started = watch.elapsed();
        let limit = facts.policy_budget.min(facts.review_budget.saturating_sub(started));
        let verdict = match concern {
            Ok(view) => inspected.judge(policy, &settings, view, limit, set.config()),
            Err(why) => Verdict::Unavailable(why),
        };
        evaluations.push(Evaluation {
            policy: Arc::clone(policy),
            enforcement: settings.enforcement,
            on_error: settings.on_error.under(settings.enforcement),
            verdict,
            took: watch.elapsed().saturating_sub(started),
        });
    }
    let outcome = evaluations.iter().map(Evaluation::outcome).max().unwrap_or(Outcome::Allow);
    let (secrets, private) = match &subject {
        Some(inspected) if evaluations.iter().any(|evaluation| !evaluation.passed()) => inspected.masks(),
        Some(_) | None => (Mask::default(), Mask::default()),
    };
    Ok(Decision { outcome, evaluations, secrets, private, took: watch.elapsed() })
}

/// How a policy is enforced for a request and through which view, if it concerns it; the view is an error if that
/// depends on something unknown.
fn concern(
    policy: &Arc<Policy>,
    set: &PolicySet,
    request: &Request,
    facts: &Facts,
) -> Option<(Settings, Result<View, String>)> {
    let concern = match policy.metadata.scope.concerns(request, &facts.namespace) {
        Concern::No => return None,
        Concern::Yes(view) => Ok(view),
        Concern::Unknown(_, why) => Err(why),
    };
    let (settings, concern) = match set.settings(policy, request, &facts.namespace) {
        Ok(settings) => (settings, concern),
        // Which settings hold is not known: the policy's own do for the answer.
        Err(why) => (Settings::of(policy), Err(why)),
    };
    (settings.enforcement != Enforcement::Off).then_some((settings, concern))
}

/// A review whose objects are parsed, with what policies see of them, made when first needed.
pub(super) struct Inspected<'a> {
    review: &'a Review<'a>,
    facts: &'a Facts,
    contents: Contents,
    /// Why no policy may hold it up, if none may.
    pub(super) left_alone: Option<LeftAlone>,
    workload: Result<Option<Workload>, MalformedWorkload>,
    as_object: OnceCell<Value>,
    as_template: OnceCell<Value>,
}

impl<'a> Inspected<'a> {
    pub(super) fn new(review: &'a Review<'a>, facts: &'a Facts) -> Result<Self, ReviewError> {
        let contents = review.contents()?;
        let path = workload::template_path(&review.request.kind);
        let workload = match path {
            Some(path) if contents.object != Value::Null => Workload::of(path, &contents.object).map(Some),
            Some(_) | None => Ok(None),
        };
        let left_alone = left_alone(&review.request, &contents);
        let (as_object, as_template) = (OnceCell::new(), OnceCell::new());
        Ok(Self { review, facts, contents, left_alone, workload, as_object, as_template })
    }

    fn masks(&self) -> (Mask, Mask) {
        let secrets = Mask::secrets(&self.contents);
        let private = secrets.clone().and_environment(self.workload.as_ref().ok().and_then(Option::as_ref));
        (secrets, private)
    }

    fn judge(
        &self,
        policy: &Arc<Policy>,
        settings: &Settings,
        view: View,
        limit: Duration,
        config: &Config,
    ) -> Verdict {
        if limit.is_zero() {
            return Verdict::Error("no time was left for it within the review's deadline".to_owned());
        }
        let input = match self.input_of(policy, settings, view) {
            Ok(input) => input,
            Err(verdict) => return verdict,
        };
        match policy.evaluate(input, settings.enforcement, limit) {
            Ok(violations) => self.exempt(policy, violations, config),
            Err(error) => Verdict::Error(error.to_string()),
        }
    }

    /// What a policy is evaluated on, or the verdict that is given without it.
    pub(super) fn input_of(&self, policy: &Policy, settings: &Settings, view: View) -> Result<Value, Verdict> {
        if let Err(malformed) = &self.workload {
            return Err(Verdict::Error(malformed.to_string()));
        }
        let namespace = self.namespace(policy).map_err(Verdict::Unavailable)?;
        Ok(self.input(view, namespace, &settings.parameters))
    }

    fn namespace(&self, policy: &Policy) -> Result<Value, String> {
        let needed = policy.metadata.needs.contains(&Need::Namespace);
        let name = self.review.request.namespace.as_str();
        match &self.facts.namespace {
            NamespaceFact::Known { labels, annotations } if !name.is_empty() => Ok(object_of([
                ("name", Value::from(name)),
                ("labels", text_map(labels)),
                ("annotations", text_map(annotations)),
            ])),
            NamespaceFact::Unknown(why) if needed && !name.is_empty() => Err(why.clone()),
            NamespaceFact::Known { .. } | NamespaceFact::Unknown(_) => Ok(Value::Null),
        }
    }

    fn input(&self, view: View, namespace: Value, parameters: &Value) -> Value {
        let base = match view {
            View::Object => self.as_object.get_or_init(|| self.base_input(self.contents.request.clone())),
            View::Template => self.as_template.get_or_init(|| self.base_input(self.request_of_template())),
        };
        let mut input = base.clone();
        if let Ok(fields) = input.as_object_mut() {
            fields.insert(Value::from("namespace"), namespace);
            fields.insert(Value::from("parameters"), parameters.clone());
        }
        input
    }

    fn base_input(&self, request: Value) -> Value {
        let workload = self.workload.as_ref().ok().and_then(Option::as_ref);
        object_of([
            ("request", request),
            ("workload", workload.map_or(Value::Null, |workload| self.workload_value(workload))),
            ("pod", workload.map_or(Value::Null, |workload| workload.pod.clone())),
            ("containers", workload.map_or_else(Value::new_array, Workload::containers_value)),
            ("now", Value::from(self.facts.now.as_str())),
            // Places for what differs from policy to policy: a new key would have the object built anew.
            ("namespace", Value::Null),
            ("parameters", Value::Null),
        ])
    }

    /// What the user really sent, if it is not the Pod itself.
    fn workload_value(&self, workload: &Workload) -> Value {
        if workload.path.is_empty() {
            return Value::Null;
        }
        object_of([
            ("kind", Value::from(self.review.request.kind.kind.as_str())),
            ("name", Value::from(self.object_name())),
            ("path", Value::from(workload.path)),
        ])
    }

    /// The request as if the template's Pod were created or changed.
    fn request_of_template(&self) -> Value {
        let mut request = self.contents.request.clone();
        let template_path = workload::template_path(&self.review.request.kind).unwrap_or_default();
        let as_pod = |object: &Value| match Workload::of(template_path, object) {
            Ok(workload) if *object != Value::Null => workload.as_pod(),
            Ok(_) | Err(_) => Value::Null,
        };
        let text = |text: &str| Value::from(text);
        let kind = object_of([("group", text("")), ("version", text("v1")), ("kind", text("Pod"))]);
        let resource = object_of([("group", text("")), ("version", text("v1")), ("resource", text("pods"))]);
        if let Ok(fields) = request.as_object_mut() {
            fields.insert(text("kind"), kind);
            fields.insert(text("resource"), resource);
            fields.insert(text("object"), as_pod(&self.contents.object));
            fields.insert(text("oldObject"), as_pod(&self.contents.old_object));
        }
        request
    }

    /// The object's name; its `generateName` if the server has not named it yet.
    fn object_name(&self) -> &str {
        let text = |value: &'_ Value| value.as_string().is_ok_and(|text| !text.is_empty());
        if !self.review.request.name.is_empty() {
            return &self.review.request.name;
        }
        let candidates = [
            &self.contents.object["metadata"]["name"],
            &self.contents.old_object["metadata"]["name"],
            &self.contents.object["metadata"]["generateName"],
        ];
        let named = candidates.into_iter().find(|value| text(value));
        named.and_then(|value| value.as_string().ok()).map_or("", |name| name.as_ref())
    }

    /// What exemptions look at.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            request: &self.review.request,
            name: self.object_name(),
            object: &self.contents.object,
            namespace: &self.facts.namespace,
            today: self.facts.now.get(..10).unwrap_or(&self.facts.now),
        }
    }

    /// Splits violations into those that stand and those that an exemption covers, the most severe first.
    fn exempt(&self, policy: &Policy, mut violations: Vec<Violation>, config: &Config) -> Verdict {
        violations.sort_by(|a, b| b.enforcement.cmp(&a.enforcement).then_with(|| a.cmp(b)));
        let subject = self.subject();
        let covering: Vec<&Exemption> = config
            .exemptions
            .iter()
            .filter(|exemption| exemption.covers(&policy.name, &subject, config.trusts_labels()))
            .collect();
        let (mut standing, mut exempted) = (Vec::new(), Vec::new());
        for violation in violations {
            match covering.iter().find(|exemption| self.covers_images(exemption, &violation)) {
                Some(exemption) => exempted.push(Exempted {
                    violation,
                    owner: exemption.owner.clone(),
                    reason: exemption.reason.clone(),
                    place: (Arc::clone(&exemption.file), exemption.line),
                }),
                None => standing.push(violation),
            }
        }
        Verdict::Judged { violations: standing, exempted }
    }

    /// Whether the violation is one of a container whose image the exemption names, if it names any.
    pub(super) fn covers_images(&self, exemption: &Exemption, violation: &Violation) -> bool {
        let images = &exemption.matches.images;
        images.is_empty()
            || self
                .container_of(violation)
                .and_then(Container::image)
                .is_some_and(|image| super::pattern::any(images, image))
    }

    fn container_of(&self, violation: &Violation) -> Option<&Container> {
        let field = violation.field.as_deref()?;
        let containers = &self.workload.as_ref().ok()?.as_ref()?.containers;
        containers.iter().find(|container| {
            let rest = field.strip_prefix(container.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// What no policy may hold up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// The mirror of a static Pod, which its own node writes.
    Mirror,
    /// The last finalizers of an object that the server is deleting.
    Deletion,
}

fn left_alone(request: &Request, contents: &Contents) -> Option<LeftAlone> {
    if is_mirror_of_own_node(request, &contents.object) {
        return Some(LeftAlone::Mirror);
    }
    is_being_deleted(request, contents).then_some(LeftAlone::Deletion)
}

fn is_being_deleted(request: &Request, contents: &Contents) -> bool {
    let (new, old) = (&contents.object, &contents.old_object);
    // The mark is read from the stored object, where only the server sets it; the rest must not change.
    request.operation == Operation::Update
        && old["metadata"]["deletionTimestamp"].as_string().is_ok()
        && without_metadata(new) == without_metadata(old)
}

fn is_mirror_of_own_node(request: &Request, pod: &Value) -> bool {
    let user = &request.user;
    let is_mirror = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].as_string().is_ok();
    let node = pod["spec"]["nodeName"].as_string().map(AsRef::as_ref).unwrap_or_default();
    is_mirror
        && !node.is_empty()
        && request.kind == super::scope::pod()
        && user.username.strip_prefix("system:node:") == Some(node)
        && user.groups.iter().any(|group| group == "system:nodes")
}

fn without_metadata(object: &Value) -> Vec<(&Value, &Value)> {
    let skipped = [Value::from("metadata"), Value::from("status")];
    object
        .as_object()
        .map_or_else(|_| Vec::new(), |fields| fields.iter_sorted().filter(|(key, _)| !skipped.contains(key)).collect())
}

fn text_map(map: &super::pattern::Labels) -> Value {
    let pairs = map.iter().map(|(key, value)| (Value::from(key.as_str()), Value::from(value.as_str())));
    Value::from(pairs.collect::<std::collections::BTreeMap<_, _>>())
}

/// The input of an ordinary Pod, on which every policy is proven when it is loaded.
pub fn sample_input() -> Value {
    let review = Review::parse(SAMPLE_REVIEW.as_bytes());
    let namespace =
        NamespaceFact::Known { labels: config::labels(&Value::Null), annotations: config::labels(&Value::Null) };
    let facts = Facts {
        namespace,
        now: "2026-01-01T00:00:00Z".to_owned(),
        policy_budget: POLICY_BUDGET,
        review_budget: POLICY_BUDGET,
    };
    let input = review.ok().and_then(|review| {
        let inspected = Inspected::new(&review, &facts).ok()?;
        Some(inspected.input(View::Object, Value::Null, &Value::new_object()))
    });
    input.unwrap_or_else(Value::new_object)
}

/// A Pod that asks for nothing special.
const SAMPLE_REVIEW: &str = include_str!("decide/sample_review.json");

#[cfg(test)]
mod tests;
