//! Name patterns with `*`, and Kubernetes label selectors: how configuration and METADATA choose.

use std::collections::BTreeMap;
use std::fmt;

/// A name with `*` standing for any run of characters, as in `team-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a whole name fits. Case counts, white space too: what Kubernetes tells apart is not the same here.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // The first fit is as good as any: what follows has the most room.
            let Some((_, behind)) = rest.split_once(part) else { return false };
            rest = behind;
        }
        rest.ends_with(last)
    }
}

/// Whether any of the patterns fits.
pub fn any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// Labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// A label selector: all of its requirements hold
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What must hold of it.
    pub test: Test,
}

/// What a requirement asks of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Present, with one of these values.
    In(Vec<String>),
    /// Absent, or with none of these values.
    NotIn(Vec<String>),
    /// Present.
    Exists,
    /// Absent.
    DoesNotExist,
}

impl Selector {
    /// Whether the labels fulfil it.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Exists => value.is_some(),
                Test::DoesNotExist => value.is_none(),
            }
        })
    }
}

/// As `kubectl` writes it.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, test }) in self.requirements.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match test {
                Test::In(values) => write!(f, "{comma}{key} in ({})", values.join(", "))?,
                Test::NotIn(values) => write!(f, "{comma}{key} notin ({})", values.join(", "))?,
                Test::Exists => write!(f, "{comma}{key}")?,
                Test::DoesNotExist => write!(f, "{comma}!{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fits: &[&str], others: &[&str]) {
        let pattern = Pattern::new(pattern);
        for name in fits {
            assert!(pattern.matches(name), "{name:?} does not fit");
        }
        for name in others {
            assert!(!pattern.matches(name), "{name:?} fits");
        }
    }

    #[test]
    fn patterns_fit_whole_names() {
        check("team-a", &["team-a"], &["team-ab", "xteam-a", "Team-a", " team-a", ""]);
        check("team-*", &["team-", "team-a"], &["team", "a-team-b"]);
        check("*-ci-*", &["-ci-", "a-ci-b-ci-c"], &["-ci", "ci-"]);
        check("*", &["", "x"], &[]);
        check("a*a", &["aa", "aba"], &["a"]);
        check("a**b", &["ab", "axb"], &["a"]);
        check("*ab*ab", &["abab", "abxab"], &["ab"]);
        check("", &[""], &["x"]);
    }

    #[test]
    fn selectors_hold_when_every_requirement_does() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let selector = |key: &str, test| Selector { requirements: vec![Requirement { key: key.to_owned(), test }] };
        let some = labels(&[("tier", "web"), ("empty", "")]);
        let values = || vec!["web".to_owned(), "db".to_owned()];
        assert!(selector("tier", Test::In(values())).matches(&some));
        assert!(!selector("tier", Test::NotIn(values())).matches(&some));
        assert!(selector("absent", Test::NotIn(values())).matches(&some));
        assert!(!selector("absent", Test::In(values())).matches(&some));
        assert!(selector("empty", Test::Exists).matches(&some));
        assert!(selector("absent", Test::DoesNotExist).matches(&some));
        assert!(Selector::default().matches(&some));
    }
}
