//! A review opened: its objects parsed once, and what policies see of them, made when first needed.

use std::cell::OnceCell;

use super::config::{self, Config, Exemption, Settings, Subject};
use super::decide::{Facts, POLICY_BUDGET, Verdict};
use super::mask::Mask;
use super::metadata::Need;
use super::policy::Policy;
use super::rego::Value;
use super::review::{Contents, Operation, Request, Review, ReviewError};
use super::scope::{NamespaceFact, View};
use super::violation::Violation;
use super::workload::{self, Container, MalformedWorkload, Workload, object_of};

/// A review whose objects are parsed, with what policies see of them, made when first needed.
#[derive(Clone)]
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
    /// Parses a review's objects.
    pub(super) fn new(review: &'a Review<'a>, facts: &'a Facts) -> Result<Self, ReviewError> {
        Ok(Self::of(review, facts, review.contents()?))
    }

    /// The same review with another object.
    pub(super) fn with(&self, object: Value) -> Self {
        let mut contents = self.contents.clone();
        if let Ok(fields) = contents.request.as_object_mut() {
            fields.insert(Value::from("object"), object.clone());
        }
        contents.object = object;
        Self::of(self.review, self.facts, contents)
    }

    fn of(review: &'a Review<'a>, facts: &'a Facts, contents: Contents) -> Self {
        let path = workload::template_path(&review.request.kind);
        let workload = match path {
            Some(path) if contents.object != Value::Null => Workload::of(path, &contents.object).map(Some),
            Some(_) | None => Ok(None),
        };
        let left_alone = left_alone(&review.request, &contents);
        let (as_object, as_template) = (OnceCell::new(), OnceCell::new());
        Self { review, facts, contents, left_alone, workload, as_object, as_template }
    }

    /// The object, or null.
    pub(super) fn object(&self) -> &Value {
        &self.contents.object
    }

    /// The Pod in it, if it has one and is well-formed.
    pub(super) fn workload(&self) -> Option<&Workload> {
        self.workload.as_ref().ok().and_then(Option::as_ref)
    }

    /// What answers must not quote.
    pub(super) fn secrets(&self) -> Mask {
        Mask::secrets(&self.contents)
    }

    /// What answers, and what logs, must not quote.
    pub(super) fn masks(&self) -> (Mask, Mask) {
        let secrets = self.secrets();
        let private = secrets.clone().and_environment(self.workload());
        (secrets, private)
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
        let workload = self.workload();
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

    /// The exemptions that cover this review from a policy, those for some images only among them.
    pub(super) fn exemptions<'c>(&self, policy: &Policy, config: &'c Config) -> Vec<&'c Exemption> {
        if config.exemptions.is_empty() {
            return Vec::new();
        }
        let subject = self.subject();
        let covers = |exemption: &&Exemption| exemption.covers(&policy.name, &subject, config.trusts_labels());
        config.exemptions.iter().filter(covers).collect()
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
        let containers = &self.workload()?.containers;
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
const SAMPLE_REVIEW: &str = include_str!("inspected/sample_review.json");
