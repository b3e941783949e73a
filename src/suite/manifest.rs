//! Manifests as a person keeps them: files, directories and stdin, several documents each, Lists, reviews.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::engine::document::{Content, Entry, Node, Parsed, Place, TEMPLATE_HINT, json, yaml};

/// The bytes of one file. The largest rendered charts stay below a tenth of it.
const FILE_BYTES: u64 = 64 << 20;

/// What to do about a chart's template.
const RENDER: &str = "this looks like a Helm template; render it first: helm template . | policy test -";

/// Where manifests are read from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file, or a directory with all below it.
    Path(PathBuf),
    /// What came through stdin.
    Stdin(Vec<u8>),
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its file.
    pub file: Arc<str>,
    /// The line it begins on.
    pub line: u32,
    /// What it is instead.
    pub reason: String,
}

/// What could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// Reads all inputs. What cannot be read keeps nothing else away.
pub fn load(inputs: &[Input]) -> Loaded {
    let mut loaded = Loaded::default();
    let mut seen = BTreeSet::new();
    for input in inputs {
        match input {
            Input::Stdin(bytes) => loaded.text(&Arc::from("<stdin>"), bytes, false),
            Input::Path(path) => loaded.path(path, true, &mut seen),
        }
    }
    loaded
}

impl Loaded {
    /// Reads a path; `named` if the user named it, rather than a directory above it.
    fn path(&mut self, path: &Path, named: bool, seen: &mut BTreeSet<PathBuf>) {
        let file: Arc<str> = Arc::from(path.display().to_string());
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A shell's `<(…)` is a pipe without a name of its own, which can be read all the same.
            Err(_) if named && path.exists() => path.to_owned(),
            Err(error) => return self.unreadable(&file, &error.to_string(), "check the path"),
        };
        // Each file once, however often it is named or linked; so a link to a directory above ends as well.
        if !seen.insert(real.clone()) {
            return;
        }
        if real.is_dir() {
            return self.directory(path, &file, seen);
        }
        // A pipe that the user named is read; one met in a directory could block for ever.
        let wanted = named || has_manifest_extension(path) && real.is_file();
        if !wanted {
            return;
        }
        match read(path) {
            Ok(bytes) => self.text(&file, &bytes, path.extension().is_some_and(|extension| extension == "json")),
            Err(why) => self.unreadable(&file, &why, "check the file and its permissions"),
        }
    }

    fn directory(&mut self, path: &Path, file: &Arc<str>, seen: &mut BTreeSet<PathBuf>) {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(file, &error.to_string(), "let this user read the directory"),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.path(&entry.path(), false, seen);
            }
        }
    }

    fn unreadable(&mut self, file: &Arc<str>, why: &str, remedy: &str) {
        self.problems.push(Problem {
            file: Arc::clone(file),
            line: 0,
            column: 0,
            message: format!("cannot be read: {why}"),
            remedy: Some(remedy.to_owned()),
        });
    }

    fn text(&mut self, file: &Arc<str>, bytes: &[u8], is_json: bool) {
        let text = match decode(bytes) {
            Ok(text) => text,
            Err((line, why, remedy)) => {
                let problem = Problem {
                    file: Arc::clone(file),
                    line,
                    column: 0,
                    message: why.to_owned(),
                    remedy: Some(remedy.to_owned()),
                };
                return self.problems.push(problem);
            }
        };
        let Parsed { documents, errors } = parse(text, is_json);
        for document in documents {
            self.document(file, document);
        }
        for error in errors {
            let is_template = error.hint.as_deref() == Some(TEMPLATE_HINT);
            self.problems.push(Problem {
                file: Arc::clone(file),
                line: error.place.line,
                column: error.place.column,
                message: error.message,
                remedy: if is_template { Some(RENDER.to_owned()) } else { error.hint },
            });
        }
    }

    fn document(&mut self, file: &Arc<str>, node: Node) {
        let place = node.place;
        match classify(&node) {
            Class::Object => self.objects.push(Manifest { file: Arc::clone(file), place, node, kind: Kind::Object }),
            Class::Review => self.objects.push(Manifest { file: Arc::clone(file), place, node, kind: Kind::Review }),
            // The reader bounds nesting, and so this.
            Class::List(items) => items.into_iter().for_each(|item| self.document(file, item)),
            Class::Other(reason) => {
                self.skipped.push(Skipped { file: Arc::clone(file), line: place.line, reason: reason.to_owned() });
            }
        }
    }
}

fn has_manifest_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a larger file from one that just fits.
    file.take(FILE_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!("it is larger than {FILE_BYTES} bytes"));
    }
    Ok(bytes)
}

/// The bytes as text; otherwise the line, what is wrong and what to do.
fn decode(bytes: &[u8]) -> Result<&str, (u32, &'static str, &'static str)> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((1, "is UTF-16", "save it as UTF-8"));
    }
    if bytes.contains(&0) {
        return Err((0, "is a binary file", "name manifests only"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        (u32::try_from(before.saturating_add(1)).unwrap_or(u32::MAX), "is not UTF-8", "save it as UTF-8")
    })
}

/// As `kubectl` does, what begins with a brace is JSON first: several documents need no separator then. What is neither
/// is told as what it seems to be.
fn parse(text: &str, is_json: bool) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(inside) = text.trim_start().strip_prefix('{') else {
        return if is_json { json::parse_stream(text) } else { yaml::parse(text) };
    };
    let json = json::parse_stream(text);
    if is_json || json.errors.is_empty() {
        return json;
    }
    let yaml = yaml::parse(text);
    if !yaml.errors.is_empty() && inside.trim_start().starts_with('"') { json } else { yaml }
}

enum Class {
    Object,
    Review,
    List(Vec<Node>),
    Other(&'static str),
}

fn classify(node: &Node) -> Class {
    if node.entries().is_none() {
        return Class::Other("not a mapping");
    }
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, kind) {
        (_, "Kustomization" | "Component") if group.is_empty() || group == "kustomize.config.k8s.io" => {
            Class::Other("a kustomization; render it: kustomize build . | policy test -")
        }
        ("portcullis.dev", _) => Class::Other("a configuration of policies, not an object of the cluster"),
        _ if api_version.is_empty() || kind.is_empty() => {
            Class::Other("no Kubernetes object: it has no apiVersion and kind")
        }
        ("admission.k8s.io", "AdmissionReview") => Class::Review,
        ("", "List") => Class::List(node.get("items").and_then(Node::items).unwrap_or_default().to_vec()),
        _ => match (kind.strip_suffix("List"), node.get("items").and_then(Node::items)) {
            (Some(kind), Some(items)) => Class::List(items.iter().map(|item| typed(item, api_version, kind)).collect()),
            (Some(_) | None, _) => Class::Object,
        },
    }
}

/// An item of a typed list, which may leave its apiVersion and kind to the list: the API server's own lists do.
fn typed(item: &Node, api_version: &str, kind: &str) -> Node {
    let mut item = item.clone();
    let place = item.place;
    if let Content::Mapping(entries) = &mut item.content
        && !entries.iter().any(|entry| matches!(&*entry.key, "apiVersion" | "kind"))
    {
        let entry = |key: &str, text: &str| Entry {
            key: Arc::from(key),
            key_place: place,
            value: Node { place, content: Content::String(Arc::from(text)) },
        };
        entries.splice(0..0, [entry("apiVersion", api_version), entry("kind", kind)]);
    }
    item
}

#[cfg(test)]
mod tests {
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
