//! Suites and the fixtures beside them: what `policy verify` reads and no server does.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{EMBEDDED, EMBEDDED_ROOT, LoadError, Location, directory, embedded};
use crate::engine::source::Source;

/// What the file of a suite is called.
const SUITE: &str = "suite.yaml";

/// Why a fixture cannot be had, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct FixtureError {
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub remedy: &'static str,
}

impl FixtureError {
    fn new(why: impl Into<String>, remedy: &'static str) -> Self {
        Self { why: why.into(), remedy }
    }
}

impl Location {
    /// The suites among the policies, by name.
    pub fn suites(&self) -> Result<Vec<Source>, LoadError> {
        let mut suites = match &self.policies {
            None => embedded(&EMBEDDED, is_suite),
            // Who names one file of Rego means that file.
            Some(path) if path.is_file() => Vec::new(),
            Some(path) => directory::read(path, is_suite)?,
        };
        if let Some(path) = self.extra.as_deref().filter(|path| !path.is_file()) {
            suites.extend(directory::read(path, is_suite)?);
        }
        suites.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(suites)
    }

    /// A file that a suite names by its path from the suite's directory. It lies among the policies: what leads out of
    /// their directory, by its name or by a link, is refused.
    pub fn fixture(&self, suite: &Source, path: &str) -> Result<Source, FixtureError> {
        let root = self.policies.as_deref().unwrap_or(Path::new(EMBEDDED_ROOT));
        let within = within(root, Path::new(&*suite.file), Path::new(path))?;
        if self.policies.is_some() {
            return read(root, &root.join(&within), Path::new(&*suite.file));
        }
        let text = EMBEDDED.get_file(&within).and_then(include_dir::File::contents_utf8);
        let file = format!("{EMBEDDED_ROOT}/{}", within.display());
        match text {
            Some(text) => Ok(Source::new(file, text)),
            None => {
                Err(FixtureError::new(format!("{file}: no such file among the shipped policies"), "check its name"))
            }
        }
    }
}

fn is_suite(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SUITE)
}

/// The path of a fixture from the root of the policies, by its name alone.
fn within(root: &Path, suite: &Path, path: &Path) -> Result<PathBuf, FixtureError> {
    const REMEDY: &str = "put the file beside the suite and name it from there";
    let from = suite.parent().and_then(|directory| directory.strip_prefix(root).ok()).unwrap_or(Path::new(""));
    let mut within = from.to_owned();
    for component in path.components() {
        match component {
            Component::Normal(name) => within.push(name),
            Component::CurDir => {}
            Component::ParentDir if within.pop() => {}
            Component::ParentDir => {
                let why = format!("{:?} leads out of the directory of policies", path.display().to_string());
                return Err(FixtureError::new(why, REMEDY));
            }
            Component::RootDir | Component::Prefix(_) => {
                let why = format!("{:?} is an absolute path", path.display().to_string());
                return Err(FixtureError::new(why, REMEDY));
            }
        }
    }
    Ok(within)
}

fn read(root: &Path, path: &Path, suite: &Path) -> Result<Source, FixtureError> {
    let unreadable = |error: std::io::Error| {
        FixtureError::new(format!("{}: cannot be read: {error}", path.display()), "check its name and permissions")
    };
    let real = fs::canonicalize(path).map_err(unreadable)?;
    // A directory of policies that is itself a link may hold its suite and fixtures wherever it leads.
    let homes = [Some(root), suite.parent()].into_iter().flatten().filter_map(|home| fs::canonicalize(home).ok());
    if !homes.into_iter().any(|home| real.starts_with(home)) {
        let why = format!("{}: is a link out of the directory of policies", path.display());
        return Err(FixtureError::new(why, "put the file itself there"));
    }
    if !real.is_file() {
        let why = format!("{}: is no regular file", path.display());
        return Err(FixtureError::new(why, "name a file with one object"));
    }
    match directory::read_text(path) {
        Ok(text) => Ok(Source::new(directory::display(path), text)),
        Err(LoadError::Unreadable { why, remedy, .. }) => {
            Err(FixtureError::new(format!("{}: cannot be read: {why}", path.display()), remedy))
        }
        Err(error) => Err(FixtureError::new(error.to_string(), "check the file")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn at(root: &Path) -> Location {
        Location { policies: Some(root.to_owned()), ..Location::default() }
    }

    #[track_caller]
    fn refused(location: &Location, suite: &Source, path: &str, expected: &str) {
        let error = location.fixture(suite, path).unwrap_err().to_string();
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
    }

    #[test]
    fn the_shipped_suites_and_their_fixtures_come_with_the_binary() {
        let suites = Location::default().suites().unwrap();
        assert!(!suites.is_empty());
        let suite = &suites[0];
        assert!(suite.file.starts_with("policies/") && suite.file.ends_with("/suite.yaml"), "{}", suite.file);
        let fixture = Location::default().fixture(suite, "./suite.yaml").unwrap();
        assert_eq!((&fixture.file, &fixture.text), (&suite.file, &suite.text));
        refused(&Location::default(), suite, "../../Cargo.toml", "leads out of the directory of policies");
        refused(&Location::default(), suite, "nothing.yaml", "/nothing.yaml: no such file");
    }

    #[test]
    fn fixtures_lie_among_the_policies() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("policies");
        fs::create_dir_all(root.join("a/objects")).unwrap();
        fs::create_dir_all(root.join("shared")).unwrap();
        for file in ["a/suite.yaml", "a/objects/pod.yaml", "shared/pod.yaml", "../secret.yaml"] {
            fs::write(root.join(file), file).unwrap();
        }
        symlink("../../secret.yaml", root.join("a/link.yaml")).unwrap();
        symlink("../shared/pod.yaml", root.join("a/inner.yaml")).unwrap();
        let location = at(&root);
        let suites = location.suites().unwrap();
        assert_eq!(suites.len(), 1);
        for (path, text) in [
            ("objects/pod.yaml", "a/objects/pod.yaml"),
            ("../shared/pod.yaml", "shared/pod.yaml"),
            ("inner.yaml", "shared/pod.yaml"),
        ] {
            assert_eq!(&*location.fixture(&suites[0], path).unwrap().text, text);
        }
        refused(&location, &suites[0], "../../secret.yaml", "leads out of the directory of policies");
        refused(&location, &suites[0], "objects/../../../policies/shared/pod.yaml", "leads out of");
        refused(&location, &suites[0], "/etc/hostname", "is an absolute path");
        refused(&location, &suites[0], "link.yaml", "is a link out of the directory of policies");
        refused(&location, &suites[0], "objects", "is no regular file");
        refused(&location, &suites[0], "", "is no regular file");
        refused(&location, &suites[0], "pood.yaml", "pood.yaml: cannot be read: No such file");
    }

    #[test]
    fn a_linked_directory_of_a_policy_keeps_its_fixtures() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("elsewhere/a")).unwrap();
        fs::create_dir(home.path().join("policies")).unwrap();
        symlink("../elsewhere/a", home.path().join("policies/a")).unwrap();
        for file in ["a/suite.yaml", "a/pod.yaml", "other.yaml"] {
            fs::write(home.path().join("elsewhere").join(file), file).unwrap();
        }
        symlink("../other.yaml", home.path().join("elsewhere/a/other.yaml")).unwrap();
        let location = at(&home.path().join("policies"));
        let suites = location.suites().unwrap();
        assert_eq!(&*location.fixture(&suites[0], "pod.yaml").unwrap().text, "a/pod.yaml");
        refused(&location, &suites[0], "other.yaml", "is a link out of");
    }
}
