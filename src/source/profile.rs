//! Profiles: configurations that come with policies, in `profiles/` beside them, each a ready mix of what denies, what
//! warns and what is off.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{EMBEDDED, EMBEDDED_ROOT, LoadError, directory};
use crate::engine::source::Source;

/// The directory of profiles in a directory of policies.
const DIRECTORY: &str = "profiles";

/// What a profile's file is called behind its name.
const ENDING: &str = ".yaml";

/// The profile that holds unless another is named.
pub const DEFAULT: &str = "recommended";

/// The name that stands for no profile.
pub const NONE: &str = "none";

/// Which profile to configure policies by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// `recommended` if the policies have it, otherwise none.
    #[default]
    Default,
    /// None: each policy is enforced as its own METADATA says.
    None,
    /// The one of a name.
    Named(String),
}

impl Profile {
    /// The profile that a name means; the default if there is no name.
    pub fn of(name: Option<&str>) -> Self {
        match name {
            None => Self::Default,
            Some(NONE) => Self::None,
            Some(name) => Self::Named(name.to_owned()),
        }
    }

    /// The names of the profiles there are, of a directory of policies or of the embedded ones, in order.
    pub fn known(policies: Option<&Path>) -> Result<Vec<String>, LoadError> {
        let mut names = match policies {
            None => {
                EMBEDDED.get_dir(DIRECTORY).map(|directory| directory.files().map(|file| name(file.path())).collect())
            }
            Some(path) => listed(&path.join(DIRECTORY))?,
        }
        .unwrap_or_else(Vec::new);
        names.retain(|name| !name.is_empty());
        names.sort();
        Ok(names)
    }

    /// The name and the text of the profile, of a directory of policies or of the embedded ones.
    pub(super) fn find(&self, policies: Option<&Path>) -> Result<Option<(String, Source)>, LoadError> {
        let name = match self {
            Self::None => return Ok(None),
            Self::Default => DEFAULT,
            Self::Named(name) => name,
        };
        let known = Self::known(policies)?;
        match (known.iter().any(|known| known == name), self) {
            (true, _) => Ok(Some((name.to_owned(), read(name, policies)?))),
            (false, Self::Named(name)) => Err(LoadError::Profile { profile: name.clone(), known }),
            (false, Self::Default | Self::None) => Ok(None),
        }
    }
}

/// The profile that a file is, or nothing.
fn name(path: &Path) -> String {
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    file.strip_suffix(ENDING).map(str::to_owned).unwrap_or_default()
}

/// The profiles of a directory; nothing if there is no such directory.
fn listed(path: &Path) -> Result<Option<Vec<String>>, LoadError> {
    let wrong = |error: &io::Error| LoadError::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
        remedy: "let this user read it, or say --profile none",
    };
    match fs::read_dir(path) {
        Ok(entries) => {
            let names = entries.map(|entry| entry.map(|entry| name(&entry.path()))).collect::<Result<Vec<_>, _>>();
            names.map(Some).map_err(|error| wrong(&error))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(wrong(&error)),
    }
}

fn read(name: &str, policies: Option<&Path>) -> Result<Source, LoadError> {
    let file = PathBuf::from(DIRECTORY).join(format!("{name}{ENDING}"));
    if let Some(policies) = policies {
        let path = policies.join(file);
        return Ok(Source::new(directory::display(&path), directory::read_text(&path)?));
    }
    let text = EMBEDDED.get_file(&file).and_then(include_dir::File::contents_utf8).unwrap_or_default();
    Ok(Source::new(format!("{EMBEDDED_ROOT}/{}", file.display()), text))
}

/// What there is instead of a profile that is not there.
pub(super) fn known_profiles(known: &[String]) -> String {
    if known.is_empty() {
        format!("these policies have none: put them into {DIRECTORY}/ beside the policies, or leave --profile out")
    } else {
        format!("there are {}, and {NONE}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_profile_names_those_there_are() {
        let error = Profile::of(Some("strict")).find(None).unwrap_err().to_string();
        assert_eq!(error, "strict: no such profile; there are audit-only, baseline, recommended, restricted, and none");
        let empty = tempfile::tempdir().unwrap();
        let error = Profile::of(Some("strict")).find(Some(empty.path())).unwrap_err().to_string();
        assert!(error.starts_with("strict: no such profile; these policies have none"), "{error}");
    }

    #[test]
    fn the_default_is_the_recommended_one_where_there_is_one() {
        let policies = tempfile::tempdir().unwrap();
        let found = |profile: Profile| profile.find(Some(policies.path())).unwrap().map(|(name, _)| name);
        assert_eq!(found(Profile::Default), None);
        fs::create_dir(policies.path().join(DIRECTORY)).unwrap();
        fs::write(policies.path().join(DIRECTORY).join("recommended.yaml"), "").unwrap();
        assert_eq!(found(Profile::Default).as_deref(), Some("recommended"));
        assert_eq!(found(Profile::of(Some("none"))), None);
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let policies = tempfile::tempdir().unwrap();
        fs::create_dir(policies.path().join(DIRECTORY)).unwrap();
        fs::write(policies.path().join("secret.yaml"), "").unwrap();
        assert!(Profile::of(Some("../secret")).find(Some(policies.path())).is_err());
    }
}
