//! Manifests as a person keeps them: files, directories and stdin, several documents each, Lists, reviews.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::class::Sorted;
use super::cut::{Work, cut};
use super::walk::walk;
use crate::engine::document::{DocumentError, Node, Place, TEMPLATE_HINT};

/// What to do about a chart's template.
const RENDER: &str = "this looks like a Helm template; render it first: helm template . | policy test -";

/// Where manifests are read from.
#[derive(Debug)]
pub enum Input {
    /// A file, or a directory with all below it.
    Path(PathBuf),
    /// What came through stdin.
    Stdin(Vec<u8>),
    /// The same, in a file.
    Spooled(File),
}

/// All manifests of the input, in its order; within a directory by name.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The objects, Lists taken apart.
    pub objects: Vec<Manifest>,
    /// Documents that are no Kubernetes objects.
    pub skipped: Vec<Skipped>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// One object and where it stands.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Where the object begins.
    pub place: Place,
    /// The document.
    pub node: Node,
    /// What the document is.
    pub kind: Kind,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Kubernetes object.
    Object,
    /// An `AdmissionReview`, with its own operation and user.
    Review,
}

/// A document that is no Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Skipped {
    /// Its file.
    pub file: Arc<str>,
    /// The line it begins on.
    pub line: u32,
    /// What it is instead.
    pub reason: String,
}

/// What could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Problem {
    /// The file.
    pub file: Arc<str>,
    /// The line; 0 if the whole file is meant.
    pub line: u32,
    /// The column; 0 if the whole line is meant.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Reads all inputs at once. What cannot be read keeps nothing else away.
pub fn load(inputs: &[Input]) -> Loaded {
    let mut loaded = Loaded::default();
    for source in walk(inputs) {
        match source {
            Ok(source) => cut(&source, &|_| true, &mut |work, _| match work {
                Work::Piece(piece) => piece.read(&mut |sorted| loaded.add(sorted)),
                Work::Sorted(sorted) => loaded.add(sorted),
            }),
            Err(problem) => loaded.problems.push(problem),
        }
    }
    loaded
}

impl Loaded {
    fn add(&mut self, sorted: Sorted) {
        match sorted {
            Sorted::Manifest(manifest) => self.objects.push(manifest),
            Sorted::Skipped(skipped) => self.skipped.push(skipped),
            Sorted::Problem(problem) => self.problems.push(problem),
        }
    }
}

impl Problem {
    /// A file or directory that cannot be read.
    pub(super) fn unreadable(file: &Arc<str>, why: &str, remedy: &str) -> Self {
        Self {
            file: Arc::clone(file),
            line: 0,
            column: 0,
            message: format!("cannot be read: {why}"),
            remedy: Some(remedy.to_owned()),
        }
    }

    /// A document that cannot be understood.
    pub(super) fn document(file: &Arc<str>, error: DocumentError) -> Self {
        let is_template = error.hint.as_deref() == Some(TEMPLATE_HINT);
        Self {
            file: Arc::clone(file),
            line: error.place.line,
            column: error.place.column,
            message: error.message,
            remedy: if is_template { Some(RENDER.to_owned()) } else { error.hint },
        }
    }

    /// A manifest that the API server's own reader would refuse.
    pub(super) fn refused(manifest: &Manifest, why: &impl std::fmt::Display) -> Self {
        Self {
            file: Arc::clone(&manifest.file),
            line: manifest.place.line,
            column: manifest.place.column,
            message: why.to_string(),
            remedy: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn stdin(text: &[u8]) -> Loaded {
        load(&[Input::Stdin(text.to_vec())])
    }

    fn names(loaded: &Loaded) -> Vec<String> {
        let name = |node: &Node| node.get("metadata")?.get("name")?.as_str().map(str::to_owned);
        loaded.objects.iter().map(|manifest| name(&manifest.node).unwrap_or_default()).collect()
    }

    fn pod(name: &str) -> String {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n")
    }

    #[track_caller]
    fn check_problem(text: &[u8], line: u32, message: &str, remedy: &str) {
        let loaded = stdin(text);
        let problem = loaded.problems.first().expect("no problem is told");
        assert_eq!(problem.line, line, "{problem:?}");
        assert!(problem.message.contains(message), "expected `{message}` in {problem:?}");
        assert!(problem.remedy.as_deref().unwrap_or_default().contains(remedy), "expected `{remedy}` in {problem:?}");
    }

    #[test]
    fn reads_every_document_of_a_stream() {
        let loaded = stdin(format!("{}---\n\n---\n{}---\n# nothing\n", pod("a"), pod("b")).as_bytes());
        assert_eq!(names(&loaded), ["a", "b"]);
        assert_eq!(loaded.objects[1].place.line, 7);
        let json = br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}} {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}"#;
        assert_eq!(names(&stdin(json)), ["a", "b"]);
        assert_eq!(names(&stdin(b"{apiVersion: v1, kind: Pod, metadata: {name: flow}}")), ["flow"]);
        assert_eq!(names(&stdin(format!("\u{feff}{}", pod("bom").replace('\n', "\r\n")).as_bytes())), ["bom"]);
    }

    #[test]
    fn takes_lists_apart() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
                    - {apiVersion: v1, kind: PodList, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}\n";
        let loaded = stdin(list.as_bytes());
        assert_eq!(names(&loaded), ["a", "b"]);
        assert_eq!(loaded.objects[0].place.line, 4);
        let raw = b"{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"c\"}},1]}";
        let loaded = stdin(raw);
        assert_eq!(names(&loaded), ["c"]);
        assert_eq!(loaded.objects[0].node.to_json(), r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}"#);
        assert_eq!(loaded.skipped[0].reason, "not a mapping");
        assert!(stdin(b"apiVersion: v1\nkind: List\n").objects.is_empty());
        assert_eq!(stdin(b"apiVersion: x/v1\nkind: AllowList\n").objects.len(), 1);
    }

    #[test]
    fn tells_what_is_neither_json_nor_yaml_as_what_it_seems() {
        check_problem(b"{\"a\": 1,\n \"b\" 2}", 2, "is no JSON: expected `:`", "");
        check_problem(b"{a: 1,\n b: [}", 2, "is no YAML", "");
        assert_eq!(
            names(&stdin(
                format!("\u{feff}{}", r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bom"}}"#).as_bytes()
            )),
            ["bom"]
        );
        assert_eq!(names(&stdin(b"{\"apiVersion\": v1, kind: Pod, metadata: {name: flow}}")), ["flow"]);
        // Markers in another document's text explain nothing.
        check_problem(b"a: '{{ .x }}'\n---\nb: 1\nb: 2\n", 4, "twice", "remove one of them");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reads_a_pipe_that_is_named() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(pod("piped").as_bytes()).unwrap();
        drop(writer);
        let loaded = load(&[Input::Path(PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd())))]);
        assert_eq!(names(&loaded), ["piped"], "{:?}", loaded.problems);
    }

    #[cfg(unix)]
    #[test]
    fn does_not_wait_for_pipes_in_directories() {
        let root = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.yaml")).status();
        if made.is_ok_and(|status| status.success()) {
            let loaded = load(&[Input::Path(root.path().to_owned())]);
            assert!(loaded.objects.is_empty() && loaded.problems.is_empty());
        }
    }

    #[test]
    fn names_what_is_no_object() {
        for (text, reason) in [
            ("replicas: 3\n", "no apiVersion and kind"),
            ("apiVersion: v2\nname: chart\n", "no apiVersion and kind"),
            ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "kustomize build"),
            ("apiVersion: portcullis.dev/v1alpha1\nkind: Config\n", "configuration"),
            ("- a\n", "not a mapping"),
            ("just text\n", "not a mapping"),
        ] {
            let loaded = stdin(text.as_bytes());
            assert!(loaded.objects.is_empty() && loaded.problems.is_empty(), "{text}");
            assert!(loaded.skipped[0].reason.contains(reason), "{:?}", loaded.skipped);
        }
    }

    #[test]
    fn what_is_broken_is_told_and_keeps_nothing_else_away() {
        check_problem(b"a: [\n", 2, "", "");
        check_problem(b"{{- if .Values.x }}\nkind: Pod\n{{- end }}\n", 1, "", "helm template . | policy test -");
        check_problem(b"a: 1\nb: \xff\n", 2, "is not UTF-8", "save it as UTF-8");
        check_problem(b"\xff\xfea\0", 1, "is UTF-16", "save it as UTF-8");
        check_problem(b"\x7fELF\0", 0, "is a binary file", "manifests only");
        check_problem(b"kind: Pod\nkind: Pod\n", 2, "kind", "");
        let loaded = stdin(format!("{}---\na: [\n---\n{}", pod("a"), pod("b")).as_bytes());
        assert_eq!((names(&loaded), loaded.problems.len()), (vec!["a".to_owned(), "b".to_owned()], 1));
    }

    #[test]
    fn walks_directories_by_name_and_reads_each_file_once() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("b.yaml", &pod("b"));
        write("a/deep/x.yml", &pod("x"));
        write("c.json", r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}"#);
        write("notes.txt", "no manifest");
        write(".git/hidden.yaml", &pod("hidden"));
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
        std::os::unix::fs::symlink(root.path().join("nowhere"), root.path().join("dangling.yaml")).unwrap();
        let path = |name: &str| Input::Path(root.path().join(name));
        let loaded = load(&[path(""), path("b.yaml")]);
        assert_eq!(names(&loaded), ["x", "b", "c"]);
        assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
        assert!(loaded.problems[0].file.ends_with("dangling.yaml"));
        assert!(load(&[path("notes.txt")]).skipped[0].reason.contains("not a mapping"));
        assert!(load(&[path("missing.yaml")]).problems[0].message.contains("cannot be read"));
    }
}
