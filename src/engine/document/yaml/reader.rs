//! The events of one part of a stream, turned into nodes: anchors, aliases, merge keys, tags.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::super::build::{Builder, Built};
use super::super::scalar::{self, Notation};
use super::super::{Content, DocumentError, Node, Place};
use super::part::Part;

/// What YAML's own tags begin with.
const CORE_TAG: &str = "tag:yaml.org,2002:";

/// Reads the documents of `part`, empty ones left out.
pub(super) fn read(part: Part<'_>, builder: &mut Builder) -> Result<Vec<Node>, DocumentError> {
    read_watched(part, builder, &mut |_, _| {})
}

/// Reads the documents of `part` without the items of their lists `items`, which are handed out as they are read, each
/// with the number of characters since the last.
pub(super) fn read_items(part: Part<'_>, each: &mut dyn FnMut(Node, usize)) -> Result<Vec<Node>, DocumentError> {
    // A part may be read again from its beginning: what has been handed out is not handed out again.
    let mut given = 0_usize;
    read_watched(part, &mut Builder::default(), &mut |builder, at| {
        if let Some(node) = builder.take_item("items")
            && at > given
        {
            each(node, at.saturating_sub(given));
            given = at;
        }
    })
}

/// Called after each event with the number of characters read.
type Watch<'a> = dyn FnMut(&mut Builder, usize) + 'a;

fn read_watched(mut part: Part<'_>, builder: &mut Builder, watch: &mut Watch<'_>) -> Result<Vec<Node>, DocumentError> {
    part.check_characters()?;
    loop {
        builder.finish();
        match read_once(&part, builder, watch) {
            Ok(documents) => return Ok(documents),
            Err(Failure::Text(error)) if part.loosen(&error) => {}
            Err(Failure::Text(error)) => return Err(part.explain(part.refuse(&error))),
            Err(Failure::Meaning(error)) => return Err(part.explain(error)),
        }
    }
}

/// Why a part cannot be read.
enum Failure {
    /// It is no YAML.
    Text(ScanError),
    /// It is, but its meaning is refused.
    Meaning(DocumentError),
}

fn read_once(part: &Part<'_>, builder: &mut Builder, watch: &mut Watch<'_>) -> Result<Vec<Node>, Failure> {
    let mut documents = Vec::new();
    let mut reader =
        Reader { part, builder, anchors: HashMap::new(), open: Vec::new(), key_end: None, ahead: (0, part.text()) };
    let mut parser = Parser::new_from_str(part.text());
    while let Some(next) = parser.next_event() {
        match next.map_err(Failure::Text)? {
            (Event::DocumentStart(_), _) => reader.anchors.clear(),
            (Event::DocumentEnd, _) => {
                documents.extend(reader.builder.finish().filter(|node| node.content != Content::Null));
            }
            (event, span) => {
                reader.take(event, span).map_err(Failure::Meaning)?;
                watch(reader.builder, span.end.index());
            }
        }
    }
    Ok(documents)
}

/// Turns the events of one part into nodes.
struct Reader<'a, 'b> {
    part: &'a Part<'a>,
    builder: &'b mut Builder,
    /// The anchored nodes by the parser's number; one that is not finished yet is absent.
    anchors: HashMap<usize, Built>,
    /// The anchor of each open mapping and sequence, zero for none.
    open: Vec<usize>,
    /// Where the last event ended if it was a plain scalar, in characters.
    key_end: Option<usize>,
    /// How many characters have been passed by [`Self::skip_to`], and what follows them.
    ahead: (usize, &'a str),
}

impl Reader<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), DocumentError> {
        let place = self.part.place(span.start);
        let key_end = self.key_end.take();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let empty = text.is_empty() && style == ScalarStyle::Plain && anchor == 0 && tag.is_none();
                if style == ScalarStyle::Plain {
                    self.check_plain(&text, place, key_end)?;
                    self.key_end = Some(span.end.index());
                }
                let place = self.builder.key_place().filter(|_| empty).unwrap_or(place);
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

    /// Refuses the two notations that YAML 1.1 and 1.2 read differently: `{?key: value}` and `{key:}`.
    fn check_plain(&mut self, text: &str, place: Place, key_end: Option<usize>) -> Result<(), DocumentError> {
        if text.starts_with('?') {
            let message = "plain text begins with `?`, which kubectl may take for the sign of a key";
            return Err(DocumentError::new(place, message).hint("put it in quotes"));
        }
        let Some(end) = key_end.filter(|_| text.is_empty()) else { return Ok(()) };
        let mut behind = self.skip_to(end).chars();
        if behind.next() == Some(':') && matches!(behind.next(), Some(',' | ']' | '}')) {
            let message = "the colon needs a space behind it, or kubectl takes it for a part of the key";
            return Err(DocumentError::new(place, message).hint("write `key: null` if no value is meant"));
        }
        Ok(())
    }

    /// The part's text from its n-th character on; asked for in the text's order, so each character is counted once.
    fn skip_to(&mut self, index: usize) -> &str {
        let (from, rest) = self.ahead;
        let rest = rest.char_indices().nth(index.saturating_sub(from)).and_then(|(at, _)| rest.get(at..)).unwrap_or("");
        self.ahead = (index.max(from), rest);
        rest
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
            let copy = self.builder.copy(built, place)?;
            return self.place_scalar(copy, place);
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
