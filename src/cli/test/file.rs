//! A report's file, which is there when it is complete, and not before.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

/// A file being written. Dropped before it is complete, it leaves what was there before.
#[derive(Debug)]
pub(super) struct ReportFile {
    file: File,
    path: PathBuf,
    /// Where it is written until it is complete; none if the path is no regular file, such as a pipe.
    draft: Option<Draft>,
}

/// A file that goes away with its handle.
#[derive(Debug)]
struct Draft(PathBuf);

impl ReportFile {
    /// Begins a file at a path that [`resolve`] gave. An error if it could not be written in the end either: no
    /// permission, or a directory in its place.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(&path)?;
                return Ok(Self { file, path, draft: None });
            }
            // What may not be written may still be replaced, as that is up to its directory: not what its owner wants.
            Ok(_) => drop(OpenOptions::new().append(true).open(&path)?),
            Err(_) => {}
        }
        let draft = path.with_file_name(draft_name(&path));
        let file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
        Ok(Self { file, path, draft: Some(Draft(draft)) })
    }

    /// What writes to it.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Puts it in its place.
    pub(super) fn complete(self) -> io::Result<()> {
        let Some(draft) = self.draft else { return Ok(()) };
        // Some file systems tell only now that there was no room.
        self.file.sync_all()?;
        fs::rename(&draft.0, &self.path)
    }
}

/// Where a report will lie in truth: two names of one file are one path. A link stays, and the file behind it is
/// written. An error if there is no directory to hold it.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(fs::canonicalize(directory)?.join(name))
    })
}

/// A hidden name beside the report. The time is in it because the processes of containers often have equal numbers.
fn draft_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!(".{name}.{}-{:x}", process::id(), time.as_nanos())
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone already if it was put in its place.
        let _ = fs::remove_file(&self.0);
    }
}
