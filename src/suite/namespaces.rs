//! The namespaces among the input, which give their labels to the objects in them.

use std::collections::BTreeMap;

use super::manifest::{Kind, Manifest};
use crate::admission::FactSource;
use crate::engine::document::Node;
use crate::engine::pattern::Labels;
use crate::engine::scope::NamespaceFact;

/// What the input tells of namespaces, by name.
#[derive(Clone, Debug, Default)]
pub struct Namespaces(BTreeMap<String, NamespaceFact>);

impl Namespaces {
    /// The namespaces among manifests.
    pub fn of<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> Self {
        let mut namespaces = Self::default();
        manifests.into_iter().for_each(|manifest| namespaces.add(manifest));
        namespaces
    }

    /// Remembers a manifest if it is a namespace; the last of a name counts, as it would if all were applied.
    pub fn add(&mut self, manifest: &Manifest) {
        let node = &manifest.node;
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        let is_namespace = text("kind") == Some("Namespace") && text("apiVersion") == Some("v1");
        let name = node.get("metadata").and_then(|metadata| metadata.get("name")?.as_str());
        if let (true, Kind::Object, Some(name)) = (is_namespace, manifest.kind, name) {
            let mut labels = text_map(node, "labels");
            // The API server adds it to every namespace.
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
            let annotations = text_map(node, "annotations");
            self.0.insert(name.to_owned(), NamespaceFact::Known { labels, annotations });
        }
    }
}

impl FactSource for Namespaces {
    fn namespace(&self, name: &str) -> NamespaceFact {
        let unknown = || {
            NamespaceFact::Unknown(format!(
                "the labels of namespace {name:?} are not known: add its manifest to the input"
            ))
        };
        self.0.get(name).cloned().unwrap_or_else(unknown)
    }
}

fn text_map(node: &Node, key: &str) -> Labels {
    let entries = node.get("metadata").and_then(|metadata| metadata.get(key)?.entries()).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.to_string(), entry.value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Input, load};
    use super::*;

    #[test]
    fn a_namespace_among_the_input_tells_its_labels() {
        let yaml = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team, labels: {tier: web}}\n";
        let loaded = load(&[Input::Stdin(yaml.as_bytes().to_vec())]);
        match Namespaces::of(&loaded.objects).namespace("team") {
            NamespaceFact::Known { labels, .. } => {
                assert_eq!(labels["tier"], "web");
                assert_eq!(labels["kubernetes.io/metadata.name"], "team");
            }
            fact @ NamespaceFact::Unknown(_) => panic!("{fact:?}"),
        }
        let is_unknown = |name: &str| matches!(Namespaces::default().namespace(name), NamespaceFact::Unknown(_));
        assert!(is_unknown("team"));
    }
}
