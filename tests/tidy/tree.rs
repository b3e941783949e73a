//! The files of the source tree, and how violations in them are told.

use std::fs;
use std::path::Path;

use super::rust::{Keep, strip};

/// A file of the tree.
pub(crate) struct File {
    /// Its path from the package's root, with `/` between its parts.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// Its text without comments and literals.
    pub(crate) code: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: strip(text, Keep::Code) }
    }

    /// The top-level module that the file belongs to; empty for the roots of library and binary.
    pub(crate) fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or_default();
        let module = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if matches!(module, "lib" | "main") { "" } else { module }
    }
}

/// The Rust files below directories, by path. Each directory holds some, or the test that asks would prove nothing.
pub(crate) fn rust_files(directories: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    for directory in directories {
        let paths = paths(directory, "rs");
        assert!(!paths.is_empty(), "{directory} holds no .rs file");
        found.extend(paths.iter().map(|path| File::new(path, &read(path))));
    }
    found
}

/// The files below a directory with an extension, as paths from the package's root.
pub(crate) fn paths(directory: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(absolute(&directory)).unwrap_or_else(|error| panic!("{directory}: {error}")) {
            let entry = entry.unwrap();
            let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if Path::new(&path).extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn exists(path: &str) -> bool {
    absolute(path).exists()
}

fn read(path: &str) -> String {
    fs::read_to_string(absolute(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn absolute(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Fails with every violation of a rule in the tree; `planted` shows that the rule can fail at all.
#[track_caller]
pub(crate) fn check(files: &[File], planted: &[(&str, &str)], rule: impl Fn(&File) -> Vec<String>) {
    for (path, text) in planted {
        assert!(!rule(&File::new(path, text)).is_empty(), "the rule does not see what is planted in {path}: {text}");
    }
    let violations: Vec<String> = files.iter().flat_map(&rule).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
