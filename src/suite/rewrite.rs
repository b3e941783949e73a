//! Files of manifests written anew with the patches of their objects: what nobody changed stays byte for byte, and in a
//! document that was changed all but the changed lines, as far as that can be done for certain.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::class::places;
use super::document::Documents;
use super::manifest::{Input, Problem};
use super::values::values;
use super::walk::walk;
use crate::engine::document::change::Misfit;
use crate::engine::document::yaml::edit::edit;
use crate::engine::document::yaml::write::write;
use crate::engine::document::{Node, Place, json, yaml};
use crate::engine::patch::Patch;

/// A file of the input.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// As reports name it.
    pub name: Arc<str>,
    /// Where it lies.
    pub path: PathBuf,
    /// Its path from the directory that the user named; of a file that the user named itself, its name.
    pub relative: PathBuf,
    /// Whether its name says that it is JSON.
    pub is_json: bool,
}

/// The patches of the objects of one file, by their number in it.
pub type Patches = BTreeMap<usize, Patched>;

/// What is known of an object that was patched.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The line that it begins on.
    pub line: u32,
    /// What changes it.
    pub patch: Patch,
}

/// A file written anew.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The lines on which documents begin whose comments and layout could not be kept.
    pub reflowed: Vec<u32>,
}

/// Why a file cannot be written anew.
#[derive(Debug, Error)]
pub enum RewriteError {
    /// It cannot be read again.
    #[error("cannot be read again: {0}")]
    Unreadable(#[source] io::Error),
    /// It is another file than the one that was judged.
    #[error("has changed while it was judged: run it again")]
    Changed,
    /// A patch does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// What would be written says something else than it must.
    #[error(
        "line {0}: what would be written does not say what the mutators want; report it, with this manifest if you may"
    )]
    Wrong(u32),
}

/// The files that inputs name, with the paths that what is made of them has in another directory. What cannot be found
/// is told instead.
pub fn files(inputs: &[Input]) -> Result<Vec<InputFile>, Problem> {
    let named: Vec<&Path> = inputs
        .iter()
        .filter_map(|input| if let Input::Path(path) = input { Some(path.as_path()) } else { None })
        .collect();
    let mut files = Vec::new();
    for source in walk(inputs) {
        let source = source?;
        let Some(path) = source.path() else {
            let why = "can be read only once, and has no name of its own in another directory";
            return Err(Problem::unreadable(&source.file, why, "save it in a file first"));
        };
        let below = named.iter().find_map(|named| path.strip_prefix(named).ok());
        let relative = match below {
            Some(below) if below.components().next().is_some() => below.to_owned(),
            Some(_) | None => PathBuf::from(path.file_name().unwrap_or_default()),
        };
        files.push(InputFile {
            name: Arc::clone(&source.file),
            path: path.to_owned(),
            relative,
            is_json: source.is_json,
        });
    }
    Ok(files)
}

/// The bytes of a file with its patches applied.
pub fn rewrite(bytes: &[u8], is_json: bool, patches: &Patches) -> Result<Rewritten, RewriteError> {
    if patches.is_empty() {
        return Ok(Rewritten { bytes: bytes.to_vec(), reflowed: Vec::new() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| RewriteError::Changed)?;
    let mut rewriter =
        Rewriter { patches, objects: 0, written: String::with_capacity(text.len()), reflowed: Vec::new() };
    let is_braced = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    if is_json || (is_braced && values(text.trim_start_matches('\u{feff}')).all(|value| value.is_ok())) {
        rewriter.values(text)?;
    } else {
        rewriter.documents(text)?;
    }
    let is_whole = patches.keys().all(|number| *number < rewriter.objects);
    let Rewriter { written, reflowed, .. } = rewriter;
    is_whole.then_some(Rewritten { bytes: written.into_bytes(), reflowed }).ok_or(RewriteError::Changed)
}

struct Rewriter<'a> {
    patches: &'a Patches,
    /// How many objects have been passed.
    objects: usize,
    written: String,
    reflowed: Vec<u32>,
}

impl Rewriter<'_> {
    fn documents(&mut self, text: &str) -> Result<(), RewriteError> {
        let mut documents = Documents::of(text.as_bytes());
        let mut rest = text;
        while let Some(document) = documents.next().map_err(RewriteError::Unreadable)? {
            let part = document.bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(RewriteError::Changed)?;
            // Blank documents, and a byte order mark, are left out when documents are read.
            let at = rest.find(&part).ok_or(RewriteError::Changed)?;
            self.written.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
            self.document(&part, document.line)?;
        }
        self.written.push_str(rest);
        Ok(())
    }

    fn document(&mut self, text: &str, line: u32) -> Result<(), RewriteError> {
        let parsed = yaml::parse(text);
        let [before] = parsed.documents.as_slice() else {
            let first = self.objects;
            let count: usize = parsed.documents.iter().map(|node| places(node).len()).sum();
            self.objects = first.saturating_add(count);
            self.written.push_str(text);
            let is_untouched = self.patches.range(first..self.objects).next().is_none();
            return is_untouched.then_some(()).ok_or(RewriteError::Wrong(line));
        };
        let origin = Place { line, column: 1 };
        let Some(after) = self.patched(before, origin)? else {
            self.written.push_str(text);
            return Ok(());
        };
        if let Some(edited) = edit(text, before, &after) {
            self.written.push_str(&edited);
            return Ok(());
        }
        let marker = if text.trim_start().starts_with("---") || !self.written.is_empty() { "---\n" } else { "" };
        let whole = format!("{marker}{}", write(&after));
        let is_right = yaml::parse_one(&whole).is_ok_and(|read| read.says_the_same_as(&after));
        if !is_right {
            return Err(RewriteError::Wrong(line));
        }
        self.reflowed.push(line);
        self.written.push_str(&whole);
        Ok(())
    }

    fn values(&mut self, text: &str) -> Result<(), RewriteError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut at = 0_usize;
        for value in values(text) {
            let value = value.map_err(|_| RewriteError::Changed)?;
            let start = value.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            let before = text.get(at..start).ok_or(RewriteError::Changed)?;
            self.written.push_str(before);
            at = start.saturating_add(value.len());
            let origin = Place::START.after(text.get(..start).unwrap_or_default());
            let node = json::parse(value).map_err(|_| RewriteError::Changed)?;
            match self.patched(&node, origin)? {
                None => self.written.push_str(value),
                Some(after) => self.value(value, &node, &after, origin.line)?,
            }
        }
        self.written.push_str(text.get(at..).unwrap_or_default());
        Ok(())
    }

    /// On one line if it was on one. Written anew as a whole, it keeps the layout that is written here.
    fn value(&mut self, text: &str, before: &Node, after: &Node, line: u32) -> Result<(), RewriteError> {
        let pretty = |node: &Node| serde_json::to_string_pretty(node).unwrap_or_default();
        let written = |node: &Node| if text.contains('\n') { pretty(node) } else { node.to_json() };
        if written(before) != text {
            self.reflowed.push(line);
        }
        let whole = written(after);
        let is_right = json::parse(&whole).is_ok_and(|read| read.says_the_same_as(after));
        self.written.push_str(&whole);
        is_right.then_some(()).ok_or(RewriteError::Wrong(line))
    }

    /// A document with the patches of its objects; nothing if there are none.
    fn patched(&mut self, node: &Node, origin: Place) -> Result<Option<Node>, RewriteError> {
        let mut after = None;
        for place in places(node) {
            let number = self.objects;
            self.objects = number.saturating_add(1);
            let Some(Patched { line, patch }) = self.patches.get(&number) else { continue };
            // A review is told of where it begins, as all of it is judged.
            let object = if is_review(&place) { node } else { node.at(&place).node };
            let at = object.place.line.saturating_add(origin.line).saturating_sub(1);
            if at != *line {
                return Err(RewriteError::Changed);
            }
            after = Some(after.as_ref().unwrap_or(node).patched(&place, patch)?);
        }
        Ok(after)
    }
}

fn is_review(place: &crate::engine::path::FieldPath) -> bool {
    place.to_string() == "request.object"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose objects of these numbers get a label.
    fn labelled(text: &str, is_json: bool, objects: &[(usize, u32)]) -> Result<Rewritten, RewriteError> {
        let value = |text: &str| yaml::parse_one(text).unwrap().to_value();
        let patch = Patch::between(&value("metadata: {name: a}"), &value("metadata: {name: a, labels: {x: z}}"));
        let patches = objects.iter().map(|(number, line)| (*number, Patched { line: *line, patch: patch.clone() }));
        rewrite(text.as_bytes(), is_json, &patches.collect())
    }

    #[track_caller]
    fn check(text: &str, is_json: bool, objects: &[(usize, u32)], written: &str, reflowed: &[u32]) {
        let rewritten = labelled(text, is_json, objects).unwrap();
        assert_eq!(String::from_utf8(rewritten.bytes).unwrap(), written);
        assert_eq!(rewritten.reflowed, reflowed);
    }

    const POD: &str = "apiVersion: v1 # one\nkind: Pod\nmetadata:\n  name: a\n";
    const ANCHORED: &str = "apiVersion: v1\nkind: Pod\nmetadata: &m # lost\n  name: a\nmore: *m\n";
    const LABELLED: &str = "apiVersion: v1 # one\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    x: z\n";
    const REFLOWED: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    x: z\nmore:\n  name: a\n";

    #[test]
    fn only_the_changed_lines_of_changed_documents_differ() {
        let text = format!("\u{feff}# head\n---\n\n---\n{POD}---\n# none\n{POD}...\n---\nnote: 1\n---\n{POD}");
        check(&text, false, &[], &text, &[]);
        let expected =
            format!("\u{feff}# head\n---\n\n---\n{POD}---\n# none\n{LABELLED}...\n---\nnote: 1\n---\n{LABELLED}");
        check(&text, false, &[(1, 11), (2, 19)], &expected, &[]);
    }

    #[test]
    fn what_cannot_be_edited_is_written_whole_and_told() {
        let text = format!("{POD}---\n# lost\n{ANCHORED}---\n{POD}");
        check(&text, false, &[(1, 7)], &format!("{POD}---\n{REFLOWED}---\n{POD}"), &[5]);
    }

    #[test]
    fn items_of_lists_and_objects_of_reviews_are_changed_where_they_are() {
        let list = "apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: a # a\n- metadata:\n    name: b\n";
        check(list, false, &[(1, 6)], &format!("{list}    labels:\n      x: z\n"), &[]);
        let review = "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n  object:\n    metadata:\n      name: a\n";
        check(review, false, &[(0, 1)], &format!("{review}      labels:\n        x: z\n"), &[]);
    }

    #[test]
    fn json_stays_json() {
        let one = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}"#;
        let labelled = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"x":"z"}}}"#;
        check(&format!("{one}\n {one}"), false, &[(1, 2)], &format!("{one}\n {labelled}"), &[]);
        check(
            "{\"kind\": \"Pod\",\n \"apiVersion\": \"v1\"}\n",
            true,
            &[(0, 1)],
            "{\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {\n    \"labels\": {\n      \"x\": \"z\"\n    }\n  }\n}\n",
            &[1],
        );
        let pretty = |labels: &str| format!("{{\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\"{labels}\n}}");
        let labels = ",\n  \"metadata\": {\n    \"labels\": {\n      \"x\": \"z\"\n    }\n  }";
        check(&pretty(""), true, &[(0, 1)], &pretty(labels), &[]);
    }

    #[test]
    fn a_number_may_be_written_otherwise() {
        for number in ["1.0", "1e2", "-0.0", "0.1e1", "9007199254740993.0", "1.50", "18446744073709551615"] {
            let text = format!(r#"{{"kind":"Pod","apiVersion":"v1","spec":{number}}}"#);
            let read = json::parse(&text).unwrap();
            let expected = read.to_json().replace('}', r#","metadata":{"labels":{"x":"z"}}}"#);
            let reflowed: &[u32] = if read.to_json() == text { &[] } else { &[1] };
            check(&text, true, &[(0, 1)], &expected, reflowed);
        }
        let anchored = "apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: a\n  n: 1.0\nmore: *m\n";
        assert_eq!(labelled(anchored, false, &[(0, 1)]).unwrap().reflowed, [1]);
    }

    #[test]
    fn a_file_that_has_changed_is_not_written() {
        assert!(matches!(labelled(POD, false, &[(0, 3)]), Err(RewriteError::Changed)));
        assert!(matches!(labelled(POD, false, &[(1, 1)]), Err(RewriteError::Changed)));
    }
}
