//! What `input` looks like for the requests that a policy matches.

use std::collections::BTreeMap;

use super::super::rego::Value;
use super::super::review::{GroupVersionKind, Operation};
use super::super::scope::{KindPattern, Scope, pod};
use super::super::workload::template_path;
use super::fields::{self, TypeName};
use super::shape::Shape;

/// The input of a policy, as far as its scope tells.
pub(super) struct Input {
    /// Its shape.
    pub(super) shape: Shape,
    /// The kinds that match, for messages.
    pub(super) kinds: String,
    /// Whether a Pod or a template may come.
    pub(super) has_pods: bool,
    /// Whether a Pod itself may come, which unlike a template has ephemeral containers.
    pub(super) has_bare_pods: bool,
}

impl Input {
    pub(super) fn of(scope: &Scope) -> Self {
        let matched = Matched::of(scope);
        let workloads = fields::kinds().filter(|(kind, _)| template_path(kind).is_some());
        let takes = |kind: &GroupVersionKind| scope.kinds.is_empty() || scope.kinds.iter().any(|p| p.matches(kind));
        let has_pods = workloads.into_iter().any(|(kind, _)| takes(kind));
        let kinds: Vec<String> = scope.kinds.iter().map(ToString::to_string).collect();
        Self {
            shape: input(scope, &matched, has_pods),
            kinds: if kinds.is_empty() { "*".to_owned() } else { kinds.join(", ") },
            has_pods,
            has_bare_pods: takes(&pod()),
        }
    }
}

/// The built-in kinds that a scope names, if it names nothing else.
struct Matched(Option<Vec<(&'static GroupVersionKind, TypeName)>>);

impl Matched {
    fn of(scope: &Scope) -> Self {
        // A subresource brings an object of another kind: an Eviction, a Scale.
        if scope.kinds.is_empty() || !scope.sub_resources.is_empty() {
            return Self(None);
        }
        let each: Option<Vec<_>> = scope.kinds.iter().map(builtin).collect();
        Self(each.map(|kinds| kinds.concat()))
    }

    /// The object under review.
    fn object(&self, is_old: bool) -> Shape {
        let Some(kinds) = &self.0 else { return Shape::Unknown };
        Shape::one_of(kinds.iter().map(|(kind, of)| {
            let typed = |(name, of): &(TypeName, TypeName)| {
                let shape = match *name {
                    "kind" => Shape::literal(&kind.kind),
                    _ => Shape::Kubernetes { of, is_old },
                };
                ((*name).to_owned(), shape)
            };
            Shape::Host(of.rsplit('.').next().unwrap_or(of), fields::fields(of).iter().map(typed).collect())
        }))
    }

    fn each(&self, part: impl Fn(&GroupVersionKind) -> &str) -> Shape {
        let Some(kinds) = &self.0 else { return Shape::Text };
        Shape::one_of(kinds.iter().map(|(kind, _)| Shape::literal(part(kind))))
    }
}

/// The built-in kinds that a pattern means; nothing if it may mean others.
fn builtin(pattern: &KindPattern) -> Option<Vec<(&'static GroupVersionKind, TypeName)>> {
    let kinds: Vec<_> = fields::kinds().filter(|(kind, _)| pattern.matches(kind)).collect();
    let is_exact = !pattern.to_string().contains(['*', '?']);
    (is_exact && !kinds.is_empty()).then_some(kinds)
}

fn host<const N: usize>(name: &'static str, fields: [(&str, Shape); N]) -> Shape {
    Shape::Host(name, fields.into_iter().map(|(key, shape)| (key.to_owned(), shape)).collect())
}

fn input(scope: &Scope, matched: &Matched, has_pods: bool) -> Shape {
    let null = || Shape::Literal(Value::Null);
    let pod =
        host("input.pod", [("metadata", Shape::kubernetes("ObjectMeta")), ("spec", Shape::kubernetes("PodSpec"))]);
    let workload = host("input.workload", [("kind", Shape::Text), ("name", Shape::Text), ("path", Shape::Text)]);
    let texts = || Shape::Map(Box::new(Shape::Text));
    let namespace = host("input.namespace", [("name", Shape::Text), ("labels", texts()), ("annotations", texts())]);
    host(
        "input",
        [
            ("request", request(scope, matched)),
            ("pod", if has_pods { pod } else { null() }),
            ("workload", null().or(if has_pods { workload } else { null() })),
            ("containers", Shape::List(Box::new(if has_pods { container() } else { Shape::Nothing }))),
            ("namespace", null().or(namespace)),
            ("parameters", Shape::Parameters),
            ("now", Shape::Text),
        ],
    )
}

fn container() -> Shape {
    let kinds = ["container", "init", "sidecar", "ephemeral"].map(Shape::literal);
    let spec = ["Container", "EphemeralContainer"].map(Shape::kubernetes);
    host(
        "a container of input.containers",
        [
            ("name", Shape::Text),
            ("kind", Shape::one_of(kinds)),
            ("path", Shape::Text),
            ("image", Shape::Text),
            ("spec", Shape::one_of(spec)),
        ],
    )
}

fn request(scope: &Scope, matched: &Matched) -> Shape {
    let operations = || scope.operations.iter();
    let old = operations().any(|operation| matches!(operation, Operation::Update | Operation::Delete));
    let new = operations().any(|operation| *operation != Operation::Delete);
    let connects = operations().any(|operation| *operation == Operation::Connect);
    let kind = host(
        "input.request.kind",
        [
            ("group", matched.each(|kind| &kind.group)),
            ("version", Shape::Text),
            ("kind", matched.each(|kind| &kind.kind)),
        ],
    );
    let mut all: BTreeMap<String, Shape> = fields::fields("AdmissionRequest")
        .iter()
        .map(|(name, of)| ((*name).to_owned(), if *of == "any" { Shape::Unknown } else { Shape::kubernetes(of) }))
        .collect();
    let object = |exists: bool, is_old: bool| match (connects, exists) {
        (true, _) => Shape::Unknown,
        (false, true) => matched.object(is_old),
        (false, false) => Shape::Literal(Value::Null),
    };
    let operation = Shape::one_of(operations().map(|operation| Shape::literal(operation.as_str())));
    for (name, shape) in [
        ("kind", kind),
        ("operation", if scope.operations.is_empty() { Shape::Text } else { operation }),
        ("object", object(new || scope.operations.is_empty(), false)),
        ("oldObject", object(old || scope.operations.is_empty(), true)),
    ] {
        all.insert(name.to_owned(), shape);
    }
    Shape::Host("input.request", all)
}
