//! Which fields the built-in kinds of Kubernetes have: the table that `tests/tools/fields` reads off their types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::super::review::GroupVersionKind;
use super::super::scope::KindPattern;

/// The table's text.
const TEXT: &str = include_str!("fields.txt");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// A type as the table writes it: a structure's name, `[]` and a type, `{}` and a type, or a scalar.
pub(super) type TypeName = &'static str;

/// What can be read of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// An object of these fields.
    Structure,
    /// A list of elements.
    List(TypeName),
    /// An object of any keys.
    Map(TypeName),
    /// A scalar: `string`, `boolean`, `integer`, `number`, `scalar`.
    Scalar,
    /// Whatever JSON there is.
    Any,
}

struct Table {
    kinds: Vec<(GroupVersionKind, TypeName)>,
    types: BTreeMap<TypeName, Vec<(TypeName, TypeName)>>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { kinds: Vec::new(), types: BTreeMap::new() };
        for line in text.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next()) {
                (Some("kind"), Some(group_version)) => {
                    let (group, version) = group_version.split_once('/').unwrap_or_default();
                    if let (Some(kind), Some(name)) = (words.next(), words.next()) {
                        let [group, version, kind] = [group, version, kind].map(str::to_owned);
                        table.kinds.push((GroupVersionKind { group, version, kind }, name));
                    }
                }
                (Some("type"), Some(name)) => {
                    table.types.insert(name, words.filter_map(|field| field.split_once('=')).collect());
                }
                _ => {}
            }
        }
        table
    }
}

/// Every kind of the table with its type.
pub(super) fn kinds() -> impl Iterator<Item = (&'static GroupVersionKind, TypeName)> {
    TABLE.kinds.iter().map(|(kind, name)| (kind, *name))
}

/// The built-in kind that a pattern means; of several versions the newest that the table has.
pub fn builtin_kind(pattern: &KindPattern) -> Option<&'static GroupVersionKind> {
    // Versions that are no longer served come last in the table.
    kinds().map(|(kind, _)| kind).find(|kind| pattern.matches(kind))
}

/// What can be read of a type. One that the table does not describe may be anything.
pub(super) fn describe(name: TypeName) -> Type {
    if let Some(element) = name.strip_prefix("[]") {
        return Type::List(element);
    }
    if let Some(value) = name.strip_prefix("{}") {
        return Type::Map(value);
    }
    match name {
        "string" | "boolean" | "integer" | "number" | "scalar" => Type::Scalar,
        _ if TABLE.types.contains_key(name) => Type::Structure,
        _ => Type::Any,
    }
}

/// The fields of a structure with their types; none of anything else.
pub(super) fn fields(name: TypeName) -> &'static [(TypeName, TypeName)] {
    TABLE.types.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(of: TypeName, wanted: &str) -> Option<TypeName> {
        fields(of).iter().find(|(name, _)| *name == wanted).map(|(_, name)| *name)
    }

    #[test]
    fn the_table_knows_the_kinds_that_policies_are_about() {
        for (group, kind) in [
            ("", "Pod"),
            ("", "Service"),
            ("", "Namespace"),
            ("apps", "Deployment"),
            ("batch", "CronJob"),
            ("networking.k8s.io", "Ingress"),
            ("networking.k8s.io", "NetworkPolicy"),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("policy", "PodDisruptionBudget"),
        ] {
            assert!(kinds().any(|(known, _)| known.group == group && known.kind == kind), "{group}/{kind}");
        }
        assert!(TEXT.len() < 200_000, "the table is in every binary");
    }

    #[test]
    fn every_type_that_the_table_names_is_described_or_a_scalar() {
        for (name, fields) in &TABLE.types {
            for (field, of) in fields {
                let element = of.trim_start_matches("[]").trim_start_matches("{}").trim_start_matches("[]");
                assert!(element == "any" || describe(element) != Type::Any, "{name}.{field} is {of}");
            }
        }
    }

    #[test]
    fn fields_lead_from_a_kind_to_its_scalars() {
        assert_eq!(field("Pod", "spec"), Some("PodSpec"));
        assert_eq!(field("Pod", "apiVersion"), Some("string"));
        assert_eq!(field("PodSpec", "containers"), Some("[]Container"));
        assert_eq!(field("EphemeralContainer", "securityContext"), Some("SecurityContext"), "embedded fields count");
        assert_eq!(field("ObjectMeta", "labels"), Some("{}string"));
        assert_eq!(field("ResourceRequirements", "limits"), Some("{}scalar"));
        assert_eq!(field("PodSpec", "securtyContext"), None);
        assert_eq!(describe("[]Container"), Type::List("Container"));
        assert_eq!(describe("{}string"), Type::Map("string"));
    }
}
