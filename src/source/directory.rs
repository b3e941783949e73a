//! Reading policies from a directory, as a person keeps it or as the kubelet mounts it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::LoadError;
use crate::engine::source::Source;

/// The files of a directory of policies.
const FILES: usize = 10_000;

/// The bytes of one file. The engine takes no larger policy.
const FILE_BYTES: u64 = 4 << 20;

/// A path as shown to a person, with `/` between its parts.
pub fn display(path: &Path) -> String {
    path.display().to_string()
}

/// How often a directory is read again because it was swapped meanwhile.
const READINGS: usize = 5;

/// Reads every wanted file below a directory, by name. A single file is a directory of one. Directories that begin
/// with a dot are left out: so are the kubelet's `..data` and what it points to, of which the visible names are links.
///
/// The kubelet swaps all files of a mount at once, by swapping the link that they lead through. So do we read them:
/// what was read while a link changed is read again.
pub fn read(root: &Path, wanted: fn(&Path) -> bool) -> Result<Vec<Source>, LoadError> {
    for _ in 0..READINGS {
        let files = list(root, wanted)?;
        let before = targets(&files);
        let sources = files.iter().map(|path| Ok(Source::new(display(path), read_text(path)?))).collect();
        if targets(&files) == before {
            return sources;
        }
    }
    Err(LoadError::Unreadable {
        path: root.to_owned(),
        why: "it kept changing while it was read".to_owned(),
        remedy: "see who writes it",
    })
}

fn list(root: &Path, wanted: fn(&Path) -> bool) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    if fs::metadata(root).map_err(|error| unreadable(root, &error))?.is_file() {
        files.push(root.to_owned());
    } else {
        collect(root, wanted, &mut BTreeSet::new(), &mut files)?;
    }
    files.sort();
    Ok(files)
}

/// Where files lead through all links; nothing where one leads nowhere.
fn targets(files: &[PathBuf]) -> Vec<Option<PathBuf>> {
    files.iter().map(|path| fs::canonicalize(path).ok()).collect()
}

fn collect(
    directory: &Path,
    wanted: fn(&Path) -> bool,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), LoadError> {
    let real = fs::canonicalize(directory).map_err(|error| unreadable(directory, &error))?;
    if !seen.insert(real) {
        return Ok(());
    }
    for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
        let entry = entry.map_err(|error| unreadable(directory, &error))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link that leads nowhere may be half of a swap: it is an error, not an absent policy.
        let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
        if metadata.is_dir() {
            collect(&path, wanted, seen, files)?;
        } else if wanted(&path) {
            if !metadata.is_file() {
                // Reading a pipe would wait for ever.
                let why = "it is no regular file".to_owned();
                return Err(LoadError::Unreadable { path, why, remedy: "move it out of the directory of policies" });
            }
            files.push(path);
        }
        if files.len() > FILES {
            return Err(LoadError::Unreadable {
                path: directory.to_owned(),
                why: format!("it holds more than {FILES} policies"),
                remedy: "name the directory that holds your policies",
            });
        }
    }
    Ok(())
}

/// Reads a text file of bounded size.
pub fn read_text(path: &Path) -> Result<String, LoadError> {
    let wrong = |why: String, remedy| LoadError::Unreadable { path: path.to_owned(), why, remedy };
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a larger file from one that just fits.
    file.take(FILE_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(wrong(format!("it is larger than {FILE_BYTES} bytes"), "split it"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
        wrong(format!("line {} is not UTF-8", line.saturating_add(1)), "save it as UTF-8")
    })
}

fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "check the path, or leave the option out for what is shipped",
        io::ErrorKind::PermissionDenied => "let this user read it",
        _ => "check the path and its file system",
    };
    LoadError::Unreadable { path: path.to_owned(), why: error.to_string(), remedy }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    /// Puts another version into a mount as the kubelet does, and takes the one before away.
    fn swap(mount: &Path, version: usize) {
        let name = format!("..{version}");
        fs::create_dir(mount.join(&name)).unwrap();
        for file in ["a.rego", "b.rego", "c.rego"] {
            fs::write(mount.join(&name).join(file), &name).unwrap();
        }
        symlink(&name, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        if let Some(before) = version.checked_sub(1) {
            fs::remove_dir_all(mount.join(format!("..{before}"))).unwrap();
        }
    }

    #[test]
    fn never_mixes_two_versions_of_a_mount() {
        let mount = tempfile::tempdir().unwrap();
        swap(mount.path(), 0);
        for file in ["a.rego", "b.rego", "c.rego"] {
            symlink(format!("..data/{file}"), mount.path().join(file)).unwrap();
        }
        let done = AtomicBool::new(false);
        let read = thread::scope(|scope| {
            scope.spawn(|| {
                let mut version = 1;
                while !done.load(Ordering::Relaxed) {
                    swap(mount.path(), version);
                    version += 1;
                }
            });
            let read: Vec<_> = (0..300).map(|_| read(mount.path(), |_| true)).collect();
            done.store(true, Ordering::Relaxed);
            read
        });
        let whole: Vec<_> = read.into_iter().flatten().collect();
        assert!(!whole.is_empty());
        for sources in whole {
            assert!(sources.len() == 3 && sources.iter().all(|source| source.text == sources[0].text), "{sources:?}");
        }
    }

    #[test]
    fn a_pipe_among_policies_is_an_error_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("x.rego");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = read(directory.path(), |_| true).unwrap_err().to_string();
        assert!(error.contains("x.rego: cannot be read: it is no regular file"), "{error}");
    }
}
