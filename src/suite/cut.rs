//! A file cut into pieces, so that neither the file nor what it holds needs to be in memory as a whole. Lists are taken
//! apart on the way.

use std::io::{self, BufRead};
use std::sync::Arc;

use super::class::{Class, Sorted, sort, typed};
use super::document::{DOCUMENT_BYTES, Document, Documents};
use super::manifest::Problem;
use super::piece::{Form, ItemType, Piece, Text};
use super::values::{List, values};
use super::walk::Source;
use crate::engine::document::yaml::parse_items;
use crate::engine::document::{Node, Place};

/// How many bytes of memory a byte of text takes when it is read, roughly.
const NODE_BYTES: usize = 10;

/// What is to be done next.
pub(super) enum Work {
    /// To be read.
    Piece(Piece),
    /// Has been read.
    Sorted(Sorted),
}

/// Takes work, each with its size in bytes.
pub(super) type Take<'a> = dyn FnMut(Work, usize) + 'a;

/// Cuts a source. Of text that is not wanted nothing is handed out.
pub(super) fn cut(source: &Source<'_>, wants: &dyn Fn(&str) -> bool, take: &mut Take<'_>) {
    let mut cut = Cutting { file: &source.file, wants, take };
    if let Err(error) = source.open().and_then(|reader| cut.file(reader, source.is_json)) {
        cut.problem(Problem::unreadable(&source.file, &error.to_string(), "check the file and its permissions"));
    }
}

struct Cutting<'a, 'b> {
    file: &'a Arc<str>,
    wants: &'a dyn Fn(&str) -> bool,
    take: &'a mut Take<'b>,
}

impl Cutting<'_, '_> {
    fn file(&mut self, mut reader: impl BufRead, is_json: bool) -> io::Result<()> {
        if let Some(problem) = binary(self.file, reader.fill_buf()?) {
            self.problem(problem);
            return Ok(());
        }
        let mut documents = Documents::of(reader);
        let Some(mut first) = documents.next()? else { return Ok(()) };
        // As `kubectl` does, what begins with a brace is JSON first: several values need no separator then.
        if !is_json && !first.bytes.as_deref().is_some_and(|bytes| bytes.trim_ascii_start().starts_with(b"{")) {
            self.document(first, || Form::Yaml);
            return self.documents(documents, || Form::Yaml);
        }
        if let Some(bytes) = first.bytes.take().map_or(Ok(None), |bytes| documents.rest(bytes))? {
            return self.braced(bytes, is_json);
        }
        self.problem(Problem {
            file: Arc::clone(self.file),
            line: 0,
            column: 0,
            message: format!("holds more than {DOCUMENT_BYTES} bytes of JSON"),
            remedy: Some("split it into several files".to_owned()),
        });
        Ok(())
    }

    fn documents(&mut self, mut documents: Documents<impl BufRead>, form: impl Fn() -> Form) -> io::Result<()> {
        while let Some(document) = documents.next()? {
            self.document(document, &form);
        }
        Ok(())
    }

    fn document(&mut self, document: Document, form: impl Fn() -> Form) {
        let origin = Place { line: document.line, column: 1 };
        let Some(bytes) = document.bytes else {
            return self.problem(Problem {
                file: Arc::clone(self.file),
                line: document.line,
                column: 1,
                message: format!("document of more than {DOCUMENT_BYTES} bytes"),
                remedy: Some("split it into several documents".to_owned()),
            });
        };
        match decode(self.file, origin, bytes) {
            Err(problem) => self.problem(problem),
            Ok(text) if !(self.wants)(&text) => {}
            Ok(text) => match list_head(&text) {
                Some(head) => self.list(&text, origin, &head),
                None => self.piece(origin, Text::Own(text), form()),
            },
        }
    }

    /// A file that is JSON if its name says so; otherwise JSON or YAML, whatever it can be read as.
    fn braced(&mut self, bytes: Vec<u8>, is_json: bool) -> io::Result<()> {
        let text = match decode(self.file, Place::START, bytes) {
            Ok(text) => Arc::new(text),
            Err(problem) => {
                self.problem(problem);
                return Ok(());
            }
        };
        if is_json || values(&text).all(|value| value.is_ok()) {
            self.values(&text);
            return Ok(());
        }
        self.documents(Documents::of(text.as_bytes()), || Form::Either)
    }

    fn values(&mut self, whole: &Arc<String>) {
        let mut tracker = Tracker { whole: whole.as_str(), at: 0, place: Place::START };
        for value in values(whole) {
            let Ok(value) = value else {
                // What is wrong with it is told when it is read.
                let rest = tracker.rest();
                return self.shared(whole, &mut tracker, rest, Form::Json);
            };
            match List::of(value) {
                None => self.shared(whole, &mut tracker, value, Form::Json),
                Some((list, item_type)) => {
                    let item_type: ItemType = item_type.map(|(version, kind)| (version.into(), kind.into()));
                    list.each(|item| self.shared(whole, &mut tracker, item, Form::Item(item_type.clone())));
                }
            }
            tracker.pass(value);
        }
    }

    fn shared(&mut self, whole: &Arc<String>, tracker: &mut Tracker<'_>, part: &str, form: Form) {
        let origin = tracker.find(part);
        let wanted = match &form {
            Form::Item(Some((_, kind))) if (self.wants)(kind) => true,
            Form::Item(_) | Form::Json | Form::Yaml | Form::Either => (self.wants)(part),
        };
        if wanted {
            let range = tracker.at..tracker.at.saturating_add(part.len());
            self.piece(origin, Text::Part(Arc::clone(whole), range), form);
        }
    }

    /// A List in YAML, taken apart while it is read.
    fn list(&mut self, text: &str, origin: Place, head: &Head) {
        let file = self.file;
        let read = parse_items(text, origin, |node, length| {
            let item = typed(node, &head.item_type);
            sort(file, item, &mut |sorted| (self.take)(Work::Sorted(sorted), length.saturating_mul(NODE_BYTES)));
        });
        match read.as_deref() {
            Ok([shell]) if !head.fits(shell) => self.problem(head.misread(file, shell.place)),
            Ok([shell]) if shell.get("items").is_some_and(|items| items.items().is_some()) => {}
            Ok([shell]) => sort(file, shell.clone(), &mut |sorted| (self.take)(Work::Sorted(sorted), 0)),
            Ok(_) => self.problem(head.misread(file, origin)),
            Err(error) => self.problem(Problem::document(file, error.clone())),
        }
    }

    fn piece(&mut self, origin: Place, text: Text, form: Form) {
        let size = text.as_str().len();
        (self.take)(Work::Piece(Piece { file: Arc::clone(self.file), origin, text, form }), size);
    }

    fn problem(&mut self, problem: Problem) {
        (self.take)(Work::Sorted(Sorted::Problem(problem)), 0);
    }
}

/// What a file is that begins so and is no text.
fn binary(file: &Arc<str>, head: &[u8]) -> Option<Problem> {
    let problem = |line, message: &str, remedy: &str| Problem {
        file: Arc::clone(file),
        line,
        column: line,
        message: message.to_owned(),
        remedy: Some(remedy.to_owned()),
    };
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Some(problem(1, "is UTF-16", "save it as UTF-8"));
    }
    head.contains(&0).then(|| problem(0, "is a binary file", "name manifests only"))
}

fn decode(file: &Arc<str>, origin: Place, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let place = origin.after(before.unwrap_or_default());
        Problem {
            file: Arc::clone(file),
            line: place.line,
            column: place.column,
            message: "is not UTF-8".to_owned(),
            remedy: Some("save it as UTF-8".to_owned()),
        }
    })
}

/// Knows where parts of a text stand that are asked for in its order.
struct Tracker<'a> {
    whole: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Tracker<'a> {
    /// Where `part` stands, which is a part of the text.
    fn find(&mut self, part: &str) -> Place {
        let start = part.as_ptr().addr().saturating_sub(self.whole.as_ptr().addr());
        self.place = self.place.after(self.whole.get(self.at..start).unwrap_or_default());
        self.at = start;
        self.place
    }

    /// Moves on behind `part`.
    fn pass(&mut self, part: &str) {
        let start = part.as_ptr().addr().saturating_sub(self.whole.as_ptr().addr());
        let end = start.saturating_add(part.len());
        self.place = self.place.after(self.whole.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn rest(&self) -> &'a str {
        self.whole.get(self.at..).unwrap_or_default()
    }
}

/// What the lines of a YAML document say of it that begin with a key of its own.
struct Head {
    api_version: String,
    kind: String,
    item_type: ItemType,
}

/// Looks whether a document is a List that can be taken apart while it is read. Its kind stands behind the items as a
/// rule, so the lines are looked at first. What is written in any other way is read as a whole.
fn list_head(text: &str) -> Option<Head> {
    if !text.contains("\nitems:") {
        return None;
    }
    let only = |key: &str| {
        let mut found = text.lines().filter_map(|line| line.strip_prefix(key));
        let value = found.next().filter(|_| found.next().is_none())?.trim();
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '/' | '-');
        value.chars().all(is_plain).then(|| value.to_owned())
    };
    let (api_version, kind) = (only("apiVersion:")?, only("kind:")?);
    let item_type = match Class::of(&api_version, &kind, true) {
        Class::List => None,
        Class::ListOf(item) => Some((Arc::from(api_version.as_str()), Arc::from(item))),
        Class::Object | Class::Review | Class::Other(_) => return None,
    };
    Some(Head { api_version, kind, item_type })
}

impl Head {
    fn fits(&self, shell: &Node) -> bool {
        let text = |key: &str| shell.get(key).and_then(Node::as_str);
        text("apiVersion") == Some(&self.api_version) && text("kind") == Some(&self.kind)
    }

    fn misread(&self, file: &Arc<str>, place: Place) -> Problem {
        Problem {
            file: Arc::clone(file),
            line: place.line,
            column: place.column,
            message: format!("its kind is not the {} of the line that seems to say it", self.kind),
            remedy: Some("begin each document with `---`, and a line with its key only".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
