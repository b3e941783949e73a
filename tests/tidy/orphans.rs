//! No test or benchmark is left out: each file is a target of Cargo's, or a module of one.

use std::collections::BTreeSet;

use super::rust::{Keep, declared, strip};
use super::tree::{File, rust_files};

/// The files that no target reaches. A target is a file right in the directory, or `main.rs` one below.
fn orphans<'a>(directory: &str, files: &'a [File]) -> Vec<&'a str> {
    let is_target = |file: &File| {
        let below = file.path.trim_start_matches(directory).trim_start_matches('/');
        !below.contains('/') || below.split('/').collect::<Vec<_>>()[1..] == ["main.rs"]
    };
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    // A root's modules lie beside it, those of any other file in a directory of its name.
    let mut open: Vec<(&File, &str)> =
        files.iter().filter(|file| is_target(file)).map(|file| (file, parent(&file.path))).collect();
    while let Some((file, modules)) = open.pop() {
        if !reached.insert(&file.path) {
            continue;
        }
        for shared in named_by_path(file) {
            let found = files.iter().find(|file| file.path == shared);
            open.extend(found.map(|file| (file, file.path.trim_end_matches(".rs"))));
        }
        for module in declared(&file.code) {
            let paths = [format!("{modules}/{module}.rs"), format!("{modules}/{module}/mod.rs")];
            let found = files.iter().find(|file| paths.contains(&file.path));
            open.extend(found.map(|file| (file, file.path.trim_end_matches(".rs").trim_end_matches("/mod"))));
        }
    }
    files.iter().map(|file| file.path.as_str()).filter(|path| !reached.contains(path)).collect()
}

/// The files that `#[path = "…"]` names, from the directory that the file lies in.
fn named_by_path(file: &File) -> Vec<String> {
    let text = strip(&file.text, Keep::CodeAndStrings);
    let named = text.split("#[path = \"").skip(1).filter_map(|rest| rest.split_once('"'));
    named.map(|(name, _)| format!("{}/{name}", parent(&file.path))).collect()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[test]
fn every_test_and_benchmark_is_compiled() {
    for directory in ["tests", "benches"] {
        let orphans = orphans(directory, &rust_files(&[directory])).join(", ");
        assert!(orphans.is_empty(), "no target of Cargo's reaches {orphans}; declare them as modules");
    }
}

#[test]
fn a_file_that_nothing_declares_is_an_orphan() {
    let files = [
        ("tests/a.rs", "mod a { mod b; }\nmod c;"),
        ("tests/a/b.rs", "mod d; // mod e;"),
        ("tests/a/b/d.rs", ""),
        ("tests/a/b/e.rs", ""),
        ("tests/c/mod.rs", "mod f;"),
        ("tests/c/f.rs", ""),
        ("tests/g/main.rs", "mod h;"),
        ("tests/g/h.rs", ""),
        ("tests/g/i.rs", "mod j;"),
        ("tests/g/i/j.rs", ""),
        ("tests/k.rs", "#[path = \"l/m.rs\"]\nmod m;"),
        ("tests/l/m.rs", ""),
    ];
    let files = files.map(|(path, text)| File::new(path, text));
    assert_eq!(orphans("tests", &files), ["tests/a/b/e.rs", "tests/g/i.rs", "tests/g/i/j.rs"]);
}
