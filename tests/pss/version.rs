//! A version of the standards, `v1.NN` or `latest`, in the order of time.

use std::fmt;

/// The latest version is newer than all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// The NN of `v1.NN`.
    Minor(u32),
    Latest,
}

impl Version {
    pub(super) fn parse(text: &str) -> Self {
        match text.strip_prefix("v1.") {
            Some(minor) => Self::Minor(minor.parse().unwrap()),
            None if text == "latest" => Self::Latest,
            None => panic!("{text} is no version"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}
