//! YAML as `kubectl` reads it, with places: the stream is cut at `---` lines, each part is read on its own, scalars
//! mean what YAML 1.1 says.
//!
//! Where `kubectl` quietly picks one of two meanings, such as the last of two equal keys, this reader refuses.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::build::{Builder, Built};
use super::scalar::{self, Notation};
use super::{Content, DocumentError, Node, Parsed, Place};

/// What YAML's own tags begin with.
const CORE_TAG: &str = "tag:yaml.org,2002:";

/// Reads all documents of a stream. A byte order mark at its beginning is ignored.
pub fn parse(text: &str) -> Parsed {
    parse_from(text, Place::START)
}

/// Reads a text that holds one document, such as a configuration file.
pub fn parse_one(text: &str) -> Result<Node, DocumentError> {
    parse_one_from(text, Place::START)
}

/// Like [`parse_one`] for a text cut out of another, such as a comment block: `origin` is where its first character
/// stands, and each of its lines begins in that column.
pub fn parse_one_from(text: &str, origin: Place) -> Result<Node, DocumentError> {
    let Parsed { mut documents, errors } = parse_from(text, origin);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    if let Some(second) = documents.get(1) {
        return Err(DocumentError::new(second.place, "holds a second document")
            .hint("keep one document in this file; remove the `---` line"));
    }
    documents.pop().ok_or_else(|| DocumentError::new(origin, "is empty"))
}

fn parse_from(text: &str, origin: Place) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::default();
    for part in Parts::of(text.strip_prefix('\u{feff}').unwrap_or(text), origin) {
        let read = part.check_characters().and_then(|()| part.read(&mut builder, &mut parsed.documents));
        if let Err(error) = read {
            builder.finish();
            parsed.errors.push(part.explain(error));
        }
    }
    parsed
}

/// A part of the stream, cut as `kubectl` cuts it: before lines that begin with `---`.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    origin: Place,
}

struct Parts<'a> {
    rest: &'a str,
    origin: Place,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str, origin: Place) -> Self {
        Self { rest: text, origin }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut end = 0_usize;
        let mut has_content = false;
        for line in self.rest.split_inclusive('\n') {
            let separated =
                line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
            if separated.is_some() && has_content {
                break;
            }
            // Comments and directives belong to the document below them.
            let content = separated.unwrap_or(line).trim();
            has_content |=
                !content.is_empty() && content != "..." && !content.starts_with('#') && !line.starts_with('%');
            end = end.saturating_add(line.len());
        }
        let (text, rest) = self.rest.split_at_checked(end)?;
        let part = Part { text, origin: self.origin };
        self.rest = rest;
        self.origin.line = self.origin.line.saturating_add(count_lines(text));
        Some(part)
    }
}

/// How many lines end in `text`; a carriage return alone ends one too.
fn count_lines(text: &str) -> u32 {
    let mut bytes = text.bytes().peekable();
    let mut lines = 0_u32;
    while let Some(byte) = bytes.next() {
        if byte == b'\n' || byte == b'\r' && bytes.peek() != Some(&b'\n') {
            lines = lines.saturating_add(1);
        }
    }
    lines
}

impl Part<'_> {
    fn read(self, builder: &mut Builder, documents: &mut Vec<Node>) -> Result<(), DocumentError> {
        let mut parser = Parser::new_from_str(self.text);
        let mut reader = Reader { part: self, builder, anchors: HashMap::new(), open: Vec::new() };
        loop {
            match self.next(&mut parser)? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), _) => reader.anchors.clear(),
                (Event::DocumentEnd, _) => {
                    documents.extend(reader.builder.finish().filter(|node| node.content != Content::Null));
                }
                (event, span) => reader.take(event, span)?,
            }
        }
    }

    fn next<'p>(self, parser: &mut Parser<'p, StrInput<'p>>) -> Result<(Event<'p>, Span), DocumentError> {
        match parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.scan_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// A place within this part as a place in the whole text.
    fn place(self, line: usize, column: usize) -> Place {
        let from = |count: usize, first: u32| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(first);
        Place { line: from(line.saturating_sub(1), self.origin.line), column: from(column, self.origin.column) }
    }

    fn scan_error(self, error: &ScanError) -> DocumentError {
        let place = self.place(error.marker().line(), error.marker().col());
        let indent = self.text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
        let tabbed = indent.chars().take_while(|char| char.is_whitespace()).any(|char| char == '\t');
        let error = DocumentError::new(place, format!("is no YAML: {}", error.info()));
        if tabbed { error.hint("indent with spaces, YAML allows no tabs") } else { error }
    }

    /// Refuses characters that `kubectl` refuses or takes for line breaks where this reader sees none: what the two
    /// read would differ.
    fn check_characters(self) -> Result<(), DocumentError> {
        let odd = |char: char| match char {
            '\t' | '\n' | '\r' => false,
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
            _ => char.is_control(),
        };
        let Some((at, char)) = self.text.char_indices().find(|(_, char)| odd(*char)) else {
            return Ok(());
        };
        let before = self.text.get(..at).unwrap_or_default();
        let lines = usize::try_from(count_lines(before)).unwrap_or(usize::MAX).saturating_add(1);
        let column = before.rsplit(['\n', '\r']).next().map_or(0, |line| line.chars().count());
        let error =
            DocumentError::new(self.place(lines, column), format!("holds the character U+{:04X}", u32::from(char)));
        Err(match char {
            '\u{feff}' => error.hint("remove this byte order mark; it is allowed only at the beginning of a file"),
            _ => error.hint(format!("write it as \"\\u{:04x}\" in double quotes", u32::from(char))),
        })
    }

    /// Adds a hint to an error that a template's markers explain.
    fn explain(self, error: DocumentError) -> DocumentError {
        if error.hint.is_none() && super::looks_like_template(self.text) {
            error.hint("it holds template markers `{{ }}`: render the template first")
        } else {
            error
        }
    }
}

/// Turns the events of one part into nodes.
struct Reader<'a, 'b> {
    part: Part<'a>,
    builder: &'b mut Builder,
    /// The anchored nodes by the parser's number; one that is not finished yet is absent.
    anchors: HashMap<usize, Built>,
    /// The anchor of each open mapping and sequence, zero for none.
    open: Vec<usize>,
}

impl Reader<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), DocumentError> {
        let place = self.part.place(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let bare = text.is_empty() && style == ScalarStyle::Plain && span.is_empty();
                let place = self.builder.key_place().filter(|_| bare).unwrap_or(place);
                self.scalar(&text, style, anchor, tag.as_deref(), place)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection(anchor, tag.as_deref(), "seq", place)?;
                self.builder.open_sequence(place)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection(anchor, tag.as_deref(), "map", place)?;
                self.builder.open_mapping(place)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), DocumentError> {
        let name = tag.map(tag_name);
        let notation = match name.as_deref() {
            None if style == ScalarStyle::Plain => Notation::Plain,
            None | Some("!") => Notation::Text,
            Some(name) => Notation::Tagged(name.strip_prefix(CORE_TAG).ok_or_else(|| unknown_tag(name, place))?),
        };
        let is_key = self.builder.expects_key();
        if is_key && text == "<<" && matches!(notation, Notation::Plain | Notation::Tagged("merge")) {
            self.builder.merge_key(place);
            return Ok(());
        }
        let content = scalar::resolve(text, notation).map_err(|message| DocumentError::new(place, message))?;
        let built = Built::scalar(place, content);
        self.remember(anchor, &built)?;
        self.place_scalar(built, place)
    }

    /// Puts a scalar where it belongs, as key or as value.
    fn place_scalar(&mut self, built: Built, place: Place) -> Result<(), DocumentError> {
        if self.builder.expects_key() {
            let key = scalar::key_text(&built.node.content).map_err(|message| DocumentError::new(place, message))?;
            return self.builder.key(&key, place);
        }
        if let Content::Float(value) = built.node.content
            && !value.is_finite()
        {
            return Err(DocumentError::new(place, "infinity and NaN have no form in JSON")
                .hint("put it in quotes if text is meant"));
        }
        self.builder.scalar(built)
    }

    /// Checks what precedes a mapping or sequence and remembers its anchor.
    fn collection(&mut self, anchor: usize, tag: Option<&Tag>, kind: &str, place: Place) -> Result<(), DocumentError> {
        if let Some(name) = tag.map(tag_name)
            && name != "!"
            && name.strip_prefix(CORE_TAG) != Some(kind)
        {
            return Err(unknown_tag(&name, place));
        }
        if self.builder.expects_key() {
            return Err(DocumentError::new(place, "a key must not be a list or a mapping"));
        }
        self.open.push(anchor);
        Ok(())
    }

    fn close(&mut self) -> Result<(), DocumentError> {
        let anchor = self.open.pop().unwrap_or_default();
        let Some(built) = self.builder.close() else {
            return Ok(());
        };
        self.remember(anchor, &built)?;
        self.builder.add(built)
    }

    fn remember(&mut self, anchor: usize, built: &Built) -> Result<(), DocumentError> {
        if anchor > 0 {
            self.anchors.insert(anchor, self.builder.copy(built, built.node.place)?);
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), DocumentError> {
        let Some(built) = self.anchors.get(&anchor) else {
            let message =
                if self.open.contains(&anchor) { "alias stands within its own anchor" } else { "alias has no anchor" };
            return Err(DocumentError::new(place, message));
        };
        if built.height == 0 {
            let built = built.clone();
            return self.place_scalar(built, place);
        }
        if self.builder.expects_key() {
            return Err(DocumentError::new(place, "a key must not be a list or a mapping"));
        }
        if self.builder.expects_merge() && built.node.items().is_some() {
            return Err(DocumentError::new(
                place,
                "merge key `<<` needs a mapping or a list of mappings, not an alias of a list",
            ));
        }
        self.builder.repeat(built, place)
    }
}

/// The whole tag: `tag:yaml.org,2002:str` for `!!str`.
fn tag_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

fn unknown_tag(name: &str, place: Place) -> DocumentError {
    let shown = name.strip_prefix(CORE_TAG).map_or_else(|| name.to_owned(), |name| format!("!!{name}"));
    DocumentError::new(place, format!("tag `{shown}` means nothing to Kubernetes")).hint("remove the tag")
}

#[cfg(test)]
mod tests;
