//! What a document is: a Kubernetes object, a review of one, a List to be taken apart, or none of these.

use std::sync::Arc;

use super::manifest::{Kind, Manifest, Problem, Skipped};
use super::piece::ItemType;
use crate::engine::document::{Content, Entry, Node};
use crate::engine::path::FieldPath;

/// What the apiVersion and the kind of a document say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class<'a> {
    /// A Kubernetes object.
    Object,
    /// An `AdmissionReview`.
    Review,
    /// A `List`, whose items say themselves what they are.
    List,
    /// A list of this kind. Its items may leave apiVersion and kind to it: those of the API server's own lists do.
    ListOf(&'a str),
    /// No object, and why.
    Other(&'static str),
}

/// What was found in the input.
pub(super) enum Sorted {
    /// To be judged.
    Manifest(Manifest),
    /// No object.
    Skipped(Skipped),
    /// What could not be read.
    Problem(Problem),
}

impl<'a> Class<'a> {
    /// By what a mapping says; `has_items` if it has a list of that name.
    pub(super) fn of(api_version: &str, kind: &'a str, has_items: bool) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            (_, "Kustomization" | "Component") if group.is_empty() || group == "kustomize.config.k8s.io" => {
                Self::Other("a kustomization; render it: kustomize build . | policy test -")
            }
            ("portcullis.dev", _) => Self::Other("a configuration of policies, not an object of the cluster"),
            _ if api_version.is_empty() || kind.is_empty() => {
                Self::Other("no Kubernetes object: it has no apiVersion and kind")
            }
            ("admission.k8s.io", "AdmissionReview") => Self::Review,
            ("", "List") => Self::List,
            _ => kind.strip_suffix("List").filter(|_| has_items).map_or(Self::Object, Self::ListOf),
        }
    }

    fn of_node(node: &'a Node) -> Self {
        if node.entries().is_none() {
            return Self::Other("not a mapping");
        }
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        Self::of(text("apiVersion"), text("kind"), node.get("items").and_then(Node::items).is_some())
    }
}

/// Hands out the objects of a document, Lists taken apart.
pub(super) fn sort(file: &Arc<str>, node: Node, each: &mut impl FnMut(Sorted)) {
    let place = node.place;
    let kind = match Class::of_node(&node) {
        Class::Object => Kind::Object,
        Class::Review => Kind::Review,
        Class::List => return take_items(node).into_iter().for_each(|item| sort(file, item, each)),
        Class::ListOf(kind) => {
            let api_version = node.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
            let item_type = Some((Arc::from(api_version), Arc::from(kind)));
            // The reader bounds nesting, and so this.
            return take_items(node).into_iter().for_each(|item| sort(file, typed(item, &item_type), each));
        }
        Class::Other(reason) => {
            return each(Sorted::Skipped(Skipped { file: Arc::clone(file), line: place.line, reason: reason.into() }));
        }
    };
    each(Sorted::Manifest(Manifest { file: Arc::clone(file), place, node, kind }));
}

/// Where the objects of a document lie in it, in the order in which [`sort`] hands them out; of a review, where its
/// object lies.
pub(super) fn places(node: &Node) -> Vec<FieldPath> {
    fn below(node: &Node, path: &FieldPath, is_typed: bool, found: &mut Vec<FieldPath>) {
        let class = match Class::of_node(node) {
            Class::Other(_) if is_typed && node.entries().is_some() && !has_type(node) => Class::Object,
            class => class,
        };
        match class {
            Class::Object => found.push(path.clone()),
            Class::Review => found.push(path.key("request").key("object")),
            Class::List | Class::ListOf(_) => {
                let items = node.get("items").and_then(Node::items).unwrap_or_default();
                let is_typed = matches!(class, Class::ListOf(_));
                for (index, item) in items.iter().enumerate() {
                    below(item, &path.key("items").index(index), is_typed, found);
                }
            }
            Class::Other(_) => {}
        }
    }
    let mut found = Vec::new();
    below(node, &FieldPath::root(), false, &mut found);
    found
}

fn has_type(item: &Node) -> bool {
    item.get("apiVersion").is_some() || item.get("kind").is_some()
}

fn take_items(node: Node) -> Vec<Node> {
    let Content::Mapping(entries) = node.content else { return Vec::new() };
    let items = entries.into_iter().find(|entry| &*entry.key == "items").map(|entry| entry.value.content);
    if let Some(Content::Sequence(items)) = items { items } else { Vec::new() }
}

/// An item of a list with the apiVersion and kind that it left to the list.
pub(super) fn typed(mut item: Node, item_type: &ItemType) -> Node {
    let place = item.place;
    if let (Some((api_version, kind)), Content::Mapping(entries)) = (item_type, &mut item.content)
        && !entries.iter().any(|entry| matches!(&*entry.key, "apiVersion" | "kind"))
    {
        let entry = |key: &str, text: &Arc<str>| Entry {
            key: Arc::from(key),
            key_place: place,
            value: Node { place, content: Content::String(Arc::clone(text)) },
        };
        entries.splice(0..0, [entry("apiVersion", api_version), entry("kind", kind)]);
    }
    item
}
