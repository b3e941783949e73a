//! What makes a violation the same one when lines have moved: its policy, its object, what is said and of which field.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::suite::judge::{Finding, Judgement};

/// Fingerprints of one report. Equal violations of one object are told apart by their order.
#[derive(Debug, Default)]
pub struct Fingerprints {
    seen: HashMap<[u8; 16], u32>,
}

impl Fingerprints {
    /// The fingerprint of a violation: 32 hexadecimal digits.
    pub fn of(&mut self, judgement: &Judgement, finding: &Finding) -> String {
        let field = finding.field.as_deref().map(without_indexes).unwrap_or_default();
        self.of_parts(judgement, [&finding.policy, &finding.message, &field])
    }

    /// The fingerprint of what else is said of an object.
    pub fn of_parts(&mut self, judgement: &Judgement, said: [&str; 3]) -> String {
        let object = &judgement.object;
        let named = [&*judgement.file, &object.api_version, &object.kind, &object.namespace, &object.name];
        self.unique(named.into_iter().chain(said))
    }

    /// A fingerprint of parts, unlike all before it.
    pub fn unique<'a>(&mut self, parts: impl Iterator<Item = &'a str>) -> String {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut first = [0; 16];
        first.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        let times = self.seen.entry(first).or_default();
        let mut number = u128::from_be_bytes(first);
        number ^= u128::from(*times);
        *times = times.saturating_add(1);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = write!(text, "{number:032x}");
        text
    }
}

/// `spec.containers[0].image` as `spec.containers[].image`: an item is the same wherever it stands in its list.
fn without_indexes(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut in_index = false;
    for c in field.chars() {
        in_index = match c {
            '[' => true,
            '0'..='9' if in_index => continue,
            _ => false,
        };
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_do_not_count_and_keys_do() {
        assert_eq!(without_indexes("spec.containers[12].ports[0].hostPort"), "spec.containers[].ports[].hostPort");
        assert_eq!(without_indexes("metadata.labels[\"a/1\"]"), "metadata.labels[\"a/1\"]");
    }

    #[test]
    fn equal_parts_are_told_apart_by_their_order() {
        let parts = || ["a", "b"].into_iter();
        let (mut one, mut other) = (Fingerprints::default(), Fingerprints::default());
        let (first, second) = (one.unique(parts()), one.unique(parts()));
        assert_ne!(first, second);
        assert_eq!((first, second), (other.unique(parts()), other.unique(parts())));
        assert_ne!(one.unique(["ab", ""].into_iter()), other.unique(["a", "b", ""].into_iter()));
    }
}
