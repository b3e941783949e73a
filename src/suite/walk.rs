//! Which files the user means: those named, and the manifests below the directories named, in order.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::manifest::{Input, Problem};
use super::spool::spool;

/// How much of a file is asked for at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// A file to be read, as often as one likes.
pub(super) struct Source<'a> {
    /// As the user named it.
    pub(super) file: Arc<str>,
    /// Whether its name says that it is JSON.
    pub(super) is_json: bool,
    from: From<'a>,
}

enum From<'a> {
    Path(PathBuf),
    Memory(&'a [u8]),
    /// What can be read only once, and has been.
    Spooled(Input),
}

/// All files of the inputs, in their order; within a directory by name. What cannot be found is told in its place.
pub(super) fn walk(inputs: &[Input]) -> Vec<Result<Source<'_>, Problem>> {
    let mut walk = Walk { found: Vec::new(), seen: BTreeSet::new() };
    for input in inputs {
        match input {
            Input::Path(path) => walk.named(path),
            Input::Stdin(bytes) => walk.add(Arc::from("<stdin>"), false, From::Memory(bytes)),
            Input::Spooled(file) => match file.try_clone() {
                Ok(file) => walk.add(Arc::from("<stdin>"), false, From::Spooled(Input::Spooled(file))),
                Err(error) => walk.unreadable(Path::new("<stdin>"), &error.to_string(), "give it as a file"),
            },
        }
    }
    walk.found
}

impl Source<'_> {
    /// Where it lies; nothing for what can be read only once.
    pub(super) fn path(&self) -> Option<&Path> {
        if let From::Path(path) = &self.from { Some(path) } else { None }
    }

    /// Its bytes, from the beginning.
    pub(super) fn open(&self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(match &self.from {
            From::Path(path) | From::Spooled(Input::Path(path)) => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
            }
            From::Memory(bytes) => Box::new(Cursor::new(*bytes)),
            From::Spooled(Input::Stdin(bytes)) => Box::new(Cursor::new(bytes)),
            From::Spooled(Input::Spooled(file)) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
            }
        })
    }
}

struct Walk<'a> {
    found: Vec<Result<Source<'a>, Problem>>,
    /// Each file once, however often it is named or linked; so a link to a directory above ends as well.
    seen: BTreeSet<PathBuf>,
}

impl<'a> Walk<'a> {
    fn add(&mut self, file: Arc<str>, is_json: bool, from: From<'a>) {
        self.found.push(Ok(Source { file, is_json, from }));
    }

    /// A path that the user named, whatever it is.
    fn named(&mut self, path: &Path) {
        match fs::canonicalize(path) {
            Ok(real) if real.is_dir() => self.below(path, real),
            Ok(real) if real.is_file() => self.file(path, real),
            // A pipe, a terminal, or a shell's `<(…)`, which has no name of its own: it can be read once.
            Ok(_) => self.pipe(path),
            Err(_) if path.exists() => self.pipe(path),
            Err(error) => self.unreadable(path, &error.to_string(), "check the path"),
        }
    }

    fn pipe(&mut self, path: &Path) {
        match File::open(path).and_then(spool) {
            Ok(input) => self.add(name(path), is_json(path), From::Spooled(input)),
            Err(error) => self.unreadable(path, &error.to_string(), "check the file and its permissions"),
        }
    }

    fn file(&mut self, path: &Path, real: PathBuf) {
        if self.seen.insert(real) {
            self.add(name(path), is_json(path), From::Path(path.to_owned()));
        }
    }

    /// All manifests below a directory. Not recursive: directories may be nested deeper than a stack is.
    fn below(&mut self, path: &Path, real: PathBuf) {
        let mut open = vec![(path.to_owned(), Some(real))];
        while let Some((path, real)) = open.pop() {
            match real.map_or_else(|| fs::canonicalize(&path), Ok) {
                Ok(real) if real.is_dir() => {
                    if self.seen.insert(real) {
                        // Taken from the end, so that the first comes first.
                        open.extend(self.entries(&path).into_iter().rev().map(|path| (path, None)));
                    }
                }
                // A pipe in a directory could block for ever.
                Ok(real) if has_manifest_extension(&path) && real.is_file() => self.file(&path, real),
                Ok(_) => {}
                Err(error) => self.unreadable(&path, &error.to_string(), "check the path"),
            }
        }
    }

    /// What a directory holds, by name; what is hidden is not for us.
    fn entries(&mut self, path: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.unwrap_or_else(|error| {
            self.unreadable(path, &error.to_string(), "let this user read the directory");
            Vec::new()
        });
        entries.sort_by_key(fs::DirEntry::file_name);
        let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
        entries.iter().filter(|entry| !is_hidden(entry)).map(fs::DirEntry::path).collect()
    }

    fn unreadable(&mut self, path: &Path, why: &str, remedy: &str) {
        self.found.push(Err(Problem::unreadable(&name(path), why, remedy)));
    }
}

fn name(path: &Path) -> Arc<str> {
    Arc::from(path.display().to_string())
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn has_manifest_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}
