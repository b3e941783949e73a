//! What was there at a revision of git: which objects are unchanged, and so no fault of the change under test.
//!
//! An object is unchanged if its file held the same object then, wherever in the file, in whatever order of keys. A
//! file that was renamed is compared with what it was called.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::manifest::{Input, Manifest, load};

/// Why nothing can be compared with a revision.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// Git is not there.
    #[error("git cannot be run: {0}; install git, or leave --diff-base out")]
    Git(#[source] std::io::Error),
    /// Git says no.
    #[error("--diff-base {revision}: git says: {said}")]
    Refused {
        /// The revision asked for.
        revision: String,
        /// What git says.
        said: String,
    },
}

type ObjectDigest = [u8; 32];

/// A revision to compare with.
#[derive(Debug)]
pub struct Base {
    revision: String,
    root: PathBuf,
    /// Each file of the revision as it is called now, and as it was called then.
    files: HashMap<PathBuf, PathBuf>,
    /// Files that are as they were.
    unchanged: HashSet<PathBuf>,
    /// The objects of files that were read, by the name the input has for them.
    read: Mutex<HashMap<Arc<str>, Arc<Then>>>,
}

/// What a file held then.
#[derive(Debug)]
enum Then {
    /// All that it holds now.
    Same,
    /// These objects.
    Objects(HashSet<ObjectDigest>),
}

impl Base {
    /// The revision of the repository that a directory belongs to.
    pub fn open(revision: &str, directory: &Path) -> Result<Self, BaseError> {
        let git = |directory: &Path, arguments: &[&str]| git(revision, directory, arguments);
        let root = git(directory, &["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(OsStr::from_bytes(root.trim_ascii_end()));
        let commit = git(&root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit(revision)])
            .map_err(|error| unknown(error, revision))?;
        let commit = String::from_utf8_lossy(commit.trim_ascii_end()).into_owned();
        let tree = git(&root, &["ls-tree", "-r", "-z", "--name-only", &commit])?;
        let changes = git(&root, &["diff", "--name-status", "--find-renames", "--no-ext-diff", "-z", &commit])?;
        let mut unchanged: HashSet<PathBuf> = parts(&tree).map(PathBuf::from).collect();
        let mut files: HashMap<PathBuf, PathBuf> = unchanged.iter().map(|path| (path.clone(), path.clone())).collect();
        let mut changes = parts(&changes);
        while let Some(status) = changes.next() {
            let Some(before) = changes.next().map(PathBuf::from) else { break };
            unchanged.remove(&before);
            if status.as_bytes().starts_with(b"R") {
                let now = changes.next().map(PathBuf::from).unwrap_or_default();
                files.insert(now, before);
            }
        }
        Ok(Self { revision: commit, root, files, unchanged, read: Mutex::default() })
    }

    /// Whether the object was there as it is.
    pub fn holds(&self, manifest: &Manifest) -> Result<bool, BaseError> {
        let then = self.objects_then(&manifest.file)?;
        Ok(match &*then {
            Then::Same => true,
            Then::Objects(objects) => objects.contains(&digest(manifest)),
        })
    }

    /// What a file held then; read once.
    fn objects_then(&self, file: &Arc<str>) -> Result<Arc<Then>, BaseError> {
        let read = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(then) = read().get(file) {
            return Ok(Arc::clone(then));
        }
        let then = Arc::new(self.then(file)?);
        read().insert(Arc::clone(file), Arc::clone(&then));
        Ok(then)
    }

    fn then(&self, file: &str) -> Result<Then, BaseError> {
        let real = fs::canonicalize(file).unwrap_or_default();
        // What lies outside the repository was not there.
        let Ok(path) = real.strip_prefix(fs::canonicalize(&self.root).unwrap_or_default()) else {
            return Ok(Then::Objects(HashSet::new()));
        };
        if self.unchanged.contains(path) {
            return Ok(Then::Same);
        }
        let Some(before) = self.files.get(path) else { return Ok(Then::Objects(HashSet::new())) };
        let mut name = self.revision.clone().into_bytes();
        name.push(b':');
        name.extend_from_slice(before.as_os_str().as_bytes());
        let text =
            run(&self.revision, &self.root, &[OsStr::new("cat-file"), OsStr::new("blob"), OsStr::from_bytes(&name)])?;
        let loaded = load(&[Input::Stdin(text)]);
        Ok(Then::Objects(loaded.objects.iter().map(digest).collect()))
    }
}

/// The digest of what an object says, whatever the order of its keys.
fn digest(manifest: &Manifest) -> ObjectDigest {
    let json = manifest.node.to_json();
    // Keys of a parsed value are in order.
    let sorted = serde_json::from_str::<serde_json::Value>(&json).map_or(json, |value| value.to_string());
    Sha256::digest(sorted).into()
}

fn commit(revision: &str) -> String {
    format!("{revision}^{{commit}}")
}

fn unknown(error: BaseError, revision: &str) -> BaseError {
    match error {
        BaseError::Refused { said, .. } if said.is_empty() => BaseError::Refused {
            revision: revision.to_owned(),
            said: "there is no such commit; in CI, fetch it first (a shallow clone lacks it)".to_owned(),
        },
        error => error,
    }
}

fn parts(text: &[u8]) -> impl Iterator<Item = &OsStr> {
    text.split(|byte| *byte == 0).filter(|part| !part.is_empty()).map(OsStr::from_bytes)
}

fn git(revision: &str, directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, BaseError> {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    run(revision, directory, &arguments)
}

fn run(revision: &str, directory: &Path, arguments: &[&OsStr]) -> Result<Vec<u8>, BaseError> {
    let output = Command::new("git").arg("-C").arg(directory).args(arguments).output().map_err(BaseError::Git)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(BaseError::Refused { revision: revision.to_owned(), said })
}
