//! Reading policies from a directory, as a person keeps it or as the kubelet mounts it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{LoadError, is_rego};
use crate::engine::source::Source;

/// The files of a directory of policies.
const FILES: usize = 10_000;

/// The bytes of one file. The engine takes no larger policy.
const FILE_BYTES: u64 = 4 << 20;

/// A path as shown to a person, with `/` between its parts.
pub fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Reads every `*.rego` file below a directory, by name. A single file is a directory of one. Directories that begin
/// with a dot are left out: so are the kubelet's `..data` and what it points to, of which the visible names are links.
pub fn read(root: &Path) -> Result<Vec<Source>, LoadError> {
    let mut files = Vec::new();
    if fs::metadata(root).map_err(|error| unreadable(root, &error))?.is_file() {
        files.push(root.to_owned());
    } else {
        collect(root, &mut BTreeSet::new(), &mut files)?;
    }
    files.sort();
    files.iter().map(|path| Ok(Source::new(display(path), read_text(path)?))).collect()
}

fn collect(directory: &Path, seen: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
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
            collect(&path, seen, files)?;
        } else if is_rego(&path) {
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
