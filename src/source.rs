//! Where policies and configuration come from: the set embedded in the binary or a directory, a directory
//! beside it, and a file.

pub mod directory;
pub mod profile;
pub mod suites;
pub mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::engine::bundle::{Bundle, BundleError};
use crate::engine::config::{self, Config};
use crate::engine::policy::Policy;
use crate::engine::policy_set::PolicySet;
use crate::engine::source::Source;

pub use self::profile::Profile;
use self::profile::known_profiles;

/// The policies shipped in the binary.
static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies");

/// What the names of embedded files begin with.
const EMBEDDED_ROOT: &str = "policies";

/// Where to read from.
#[derive(Clone, Debug, Default)]
pub struct Location {
    /// A directory of policies; the embedded set if none.
    pub policies: Option<PathBuf>,
    /// A directory of further policies, which no profile concerns.
    pub extra: Option<PathBuf>,
    /// The profile that configures them.
    pub profile: Profile,
    /// A configuration file, on top of the profile; none changes nothing.
    pub config: Option<PathBuf>,
}

/// Why no policy set could be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory cannot be read.
    #[error("{}: cannot be read: {why}\n  fix: {remedy}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says, or what is wrong with the content.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The directory holds no policy.
    #[error("{}: holds no policy\n  fix: put *.rego files into it, or leave the option out", .0.display())]
    Empty(PathBuf),
    /// Policies are broken.
    #[error(transparent)]
    Policies(#[from] BundleError),
    /// The profile is not there.
    #[error("{profile}: no such profile; {}", known_profiles(.known))]
    Profile {
        /// What was asked for.
        profile: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(BundleError),
}

/// A set with what only people ask for.
#[derive(Debug)]
pub struct Loaded {
    /// The set.
    pub set: PolicySet,
    /// The profile that it is configured by, if any.
    pub profile: Option<String>,
    /// What the set is configured by: the text of the profile, then that of the configuration.
    pub configuration: Vec<Source>,
}

impl Location {
    /// Reads the policies with their tests.
    pub fn bundle(&self) -> Result<Bundle, LoadError> {
        self.read(|_| true)
    }

    fn read(&self, wanted: impl Fn(&Source) -> bool) -> Result<Bundle, LoadError> {
        let mut sources = match &self.policies {
            None => embedded(&EMBEDDED, is_rego),
            Some(path) => directory::read(path, is_rego)?,
        };
        let mut roots = vec![self.policies.as_deref().map_or_else(|| EMBEDDED_ROOT.to_owned(), directory::display)];
        if let Some(path) = &self.extra {
            // The names of files tell where they come from: none on disk may look embedded.
            let path = if path.starts_with(EMBEDDED_ROOT) { &Path::new(".").join(path) } else { path };
            sources.extend(directory::read(path, is_rego)?);
            roots.push(directory::display(path));
        }
        sources.retain(wanted);
        let roots: Vec<&str> = roots.iter().map(|root| root.trim_end_matches('/')).collect();
        let bundle = Bundle::read_all(&roots, sources)?;
        for (number, path) in [&self.policies, &self.extra].into_iter().enumerate() {
            let is_empty = || bundle.policies.iter().all(|policy| bundle.place(&policy.file).0 != number);
            if let Some(path) = path.as_ref().filter(|_| is_empty()) {
                return Err(LoadError::Empty(path.clone()));
            }
        }
        Ok(bundle)
    }

    /// Reads policies, profile and configuration and puts them together.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        // Tests decide nothing: a server neither waits for them nor fails because of them.
        let bundle = self.read(|source| !source.is_test())?;
        let (profile, below) = self.profile.find(self.policies.as_deref())?.unzip();
        let above = self.config.as_deref().map(read_config).transpose()?;
        // A profile knows the policies that it came with, and no others.
        let (own, extra): (Vec<_>, Vec<_>) =
            bundle.policies.iter().cloned().partition(|policy| bundle.place(&policy.file).0 == 0);
        let extra: Vec<_> = extra.into_iter().map(|policy| Arc::clone(&policy.name)).collect();
        let read = |source: &Source, policies: &[Arc<Policy>]| {
            config::read(source, policies).map_err(|errors| LoadError::Config(BundleError(errors)))
        };
        let mut config = Config::default();
        if let Some(profile) = &below {
            config = read(profile, &own)?.without(&extra);
        }
        if let Some(above) = &above {
            config = read(above, &bundle.policies)?.over(config);
        }
        let sources: Vec<Source> = below.into_iter().chain(above).collect();
        let texts: Vec<&str> = sources.iter().map(|source| source.text.as_ref()).collect();
        let set = PolicySet::new(bundle, config, &texts);
        Ok(Loaded { set, profile, configuration: sources })
    }

    /// Everything whose change may change the set.
    pub fn paths(&self) -> Vec<PathBuf> {
        [&self.policies, &self.extra, &self.config].into_iter().flatten().cloned().collect()
    }
}

fn read_config(path: &Path) -> Result<Source, LoadError> {
    Ok(Source::new(directory::display(path), directory::read_text(path)?))
}

fn embedded(directory: &Dir<'_>, wanted: fn(&Path) -> bool) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut directories = vec![directory];
    while let Some(directory) = directories.pop() {
        directories.extend(directory.dirs());
        for file in directory.files().filter(|file| wanted(file.path())) {
            let name: Arc<str> = Arc::from(format!("{EMBEDDED_ROOT}/{}", file.path().display()));
            sources.push(Source::new(name, file.contents_utf8().unwrap_or_default()));
        }
    }
    sources
}

fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rego")
}
