//! Changes of a document made in its text, line by line, so that comments, quotes and the order of keys stay as their
//! author wrote them.
//!
//! What cannot be changed so for certain is left to [`write()`](super::write::write()). **Invariant:** what is given
//! back has been read again, and says what it must.

use super::parse;
use super::write::{write_entries, write_flow, write_flow_entry, write_inline, write_items};
use crate::engine::document::{Content, Entry, Node, Place};

/// The text of `before` changed into one that says `after`; nothing if that is not possible for certain. `before` is
/// what the text, one document of a stream, is read as.
pub fn edit(text: &str, before: &Node, after: &Node) -> Option<String> {
    let mut editor = Editor::of(text)?;
    editor.node(before, after)?;
    let edited = editor.finish()?;
    let read = parse(&edited);
    let says = |node: &Node| node.says_the_same_as(after);
    (read.errors.is_empty() && matches!(read.documents.as_slice(), [node] if says(node))).then_some(edited)
}

/// A part of the text and what is written instead.
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

struct Editor<'a> {
    text: &'a str,
    /// Each line and where it begins.
    lines: Vec<(usize, &'a str)>,
    ending: &'static str,
    edits: Vec<Edit>,
}

impl<'a> Editor<'a> {
    /// Nothing for a text whose lines end in an old Macintosh's way.
    fn of(text: &'a str) -> Option<Self> {
        let has_crlf = text.contains("\r\n");
        if text.matches('\r').count() != text.matches("\r\n").count() {
            return None;
        }
        let mut start = 0_usize;
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            lines.push((start, line));
            start = start.saturating_add(line.len());
        }
        Some(Self { text, lines, ending: if has_crlf { "\r\n" } else { "\n" }, edits: Vec::new() })
    }

    fn node(&mut self, before: &Node, after: &Node) -> Option<()> {
        if before.says_the_same_as(after) {
            return Some(());
        }
        match (&before.content, &after.content) {
            (Content::Mapping(old), Content::Mapping(new)) if !old.is_empty() => self.mapping(before, old, new),
            (Content::Sequence(old), Content::Sequence(new)) if !old.is_empty() => self.sequence(before, old, new),
            _ => None,
        }
    }

    fn mapping(&mut self, before: &Node, old: &[Entry], new: &[Entry]) -> Option<()> {
        if self.rest_of(before.place)?.starts_with('{') {
            return self.flow_mapping(before, old, new);
        }
        let indent = column(before.place)?;
        for entry in old {
            match new.iter().find(|other| other.key == entry.key) {
                Some(now) if entry.value.says_the_same_as(&now.value) => {}
                Some(now) if is_same_collection(&entry.value, &now.value) => self.node(&entry.value, &now.value)?,
                Some(now) => self.replace_value(entry, &now.value, indent)?,
                None => self.remove(entry, before, indent)?,
            }
        }
        let added: Vec<&Entry> = new.iter().filter(|entry| !old.iter().any(|other| other.key == entry.key)).collect();
        if !added.is_empty() {
            let end = self.end(line(before.place)?, indent, true);
            self.insert(end, &write_entries(added, indent));
        }
        Some(())
    }

    /// Items that were there are changed in their places; new ones come behind them.
    fn sequence(&mut self, before: &Node, old: &[Node], new: &[Node]) -> Option<()> {
        if self.rest_of(before.place)?.starts_with('[') {
            return self.flow_sequence(before, old, new);
        }
        let first = line(old.first()?.place)?;
        let (_, text) = self.lines.get(first)?;
        let indent = text.len().checked_sub(text.trim_start_matches(' ').len())?;
        if !text.trim_start_matches(' ').starts_with("- ") || new.len() < old.len() {
            return None;
        }
        for (item, now) in old.iter().zip(new) {
            if is_same_collection(item, now) {
                self.node(item, now)?;
            } else if !item.says_the_same_as(now) {
                let (start, end) = self.token(item)?;
                self.replace(start, end, write_inline(now)?);
            }
        }
        let added = new.get(old.len()..).unwrap_or_default();
        if !added.is_empty() {
            let end = self.end(first, indent, false);
            self.insert(end, &write_items(added, indent));
        }
        Some(())
    }

    /// In flow style, new keys come before the closing brace.
    fn flow_mapping(&mut self, before: &Node, old: &[Entry], new: &[Entry]) -> Option<()> {
        for entry in old {
            self.node(&entry.value, &new.iter().find(|other| other.key == entry.key)?.value)?;
        }
        let added = new.iter().filter(|entry| !old.iter().any(|other| other.key == entry.key));
        let added: Vec<String> = added.map(write_flow_entry).collect();
        self.close(before, &added)
    }

    fn flow_sequence(&mut self, before: &Node, old: &[Node], new: &[Node]) -> Option<()> {
        if new.len() < old.len() {
            return None;
        }
        for (item, now) in old.iter().zip(new) {
            self.node(item, now)?;
        }
        let added: Vec<String> = new.iter().skip(old.len()).map(write_flow).collect();
        self.close(before, &added)
    }

    /// Adds to a collection in flow style that has something in it already.
    fn close(&mut self, before: &Node, added: &[String]) -> Option<()> {
        if added.is_empty() {
            return Some(());
        }
        let start = self.offset(before.place)?;
        let rest = self.text.get(start..)?;
        let inside = rest.get(..closing(rest)?)?.trim_end();
        let comma = if inside.ends_with(',') { " " } else { ", " };
        let at = start.checked_add(inside.len())?;
        self.replace(at, at, format!("{comma}{}", added.join(", ")));
        Some(())
    }

    /// Another value for a key: on its line, or on lines of its own below.
    fn replace_value(&mut self, entry: &Entry, now: &Node, indent: usize) -> Option<()> {
        let is_empty = entry.value.place == entry.key_place;
        let (start, end) = if is_empty { self.behind_key(entry)? } else { self.token(&entry.value)? };
        if let Some(value) = write_inline(now) {
            let space = if is_empty { " " } else { "" };
            self.replace(start, end, format!("{space}{value}"));
            return Some(());
        }
        if line(entry.value.place)? != line(entry.key_place)? {
            return None;
        }
        // The space between the key and what stood there goes as well.
        let before = self.text.get(..start)?;
        self.replace(before.trim_end_matches(' ').len(), end, String::new());
        let below = match &now.content {
            Content::Mapping(entries) => write_entries(entries, indent.saturating_add(2)),
            Content::Sequence(items) => write_items(items, indent),
            _ => return None,
        };
        self.insert(line(entry.key_place)?.saturating_add(1), &below);
        Some(())
    }

    /// A key goes away with all that is below it. The first of an item of a list shares its line with the dash.
    fn remove(&mut self, entry: &Entry, mapping: &Node, indent: usize) -> Option<()> {
        let first = line(entry.key_place)?;
        let (start, text) = *self.lines.get(first)?;
        let stands_alone = text.len().checked_sub(text.trim_start_matches(' ').len())? == indent;
        let is_only = mapping.entries().is_some_and(|entries| entries.len() == 1);
        if !stands_alone || is_only {
            return None;
        }
        let mut end = first.saturating_add(1);
        for (number, (_, text)) in self.lines.iter().enumerate().skip(end) {
            let rest = text.trim_start_matches(' ');
            let width = text.len().saturating_sub(rest.len());
            let is_inside = width > indent || (width == indent && (rest.starts_with("- ") || rest.trim_end() == "-"));
            match (rest.trim().is_empty(), is_inside) {
                (true, _) => {}
                (false, true) => end = number.saturating_add(1),
                (false, false) => break,
            }
        }
        let end = self.lines.get(end).map_or(self.text.len(), |(start, _)| *start);
        self.replace(start, end, String::new());
        Some(())
    }

    /// The line behind the last of a block whose keys or dashes stand behind `indent` spaces. Comments further to the
    /// left belong to what follows.
    fn end(&self, first: usize, indent: usize, is_mapping: bool) -> usize {
        let mut end = first.saturating_add(1);
        for (number, (_, text)) in self.lines.iter().enumerate().skip(end) {
            let rest = text.trim_start_matches(' ');
            let width = text.len().saturating_sub(rest.len());
            let rest = rest.trim_end();
            if width == 0 && (rest.starts_with("---") || rest.starts_with("...")) {
                break;
            }
            let is_item = rest == "-" || rest.starts_with("- ");
            match rest.starts_with('#') {
                _ if rest.is_empty() => {}
                true if width <= indent => {}
                _ if width > indent || (width == indent && (is_mapping || is_item)) => end = number.saturating_add(1),
                _ => break,
            }
        }
        end
    }

    /// Where a value stands that takes a part of one line; none of blocks, anchors, tags and aliases.
    fn token(&self, node: &Node) -> Option<(usize, usize)> {
        let rest = self.rest_of(node.place)?;
        let start = self.offset(node.place)?;
        let length = match (rest.chars().next()?, &node.content) {
            ('{' | '[', Content::Mapping(_) | Content::Sequence(_))
                if rest.starts_with("{}") || rest.starts_with("[]") =>
            {
                2
            }
            (
                '|' | '>' | '&' | '*' | '!' | '{' | '[' | '?' | '-',
                Content::Mapping(_) | Content::Sequence(_) | Content::String(_),
            ) => {
                return None;
            }
            (quote @ ('"' | '\''), _) => {
                let inside = rest.get(1..)?;
                if inside.contains('\\') || inside.contains("''") {
                    return None;
                }
                inside.find(quote)?.checked_add(2)?
            }
            _ => rest.find(" #").map_or(rest, |at| rest.get(..at).unwrap_or(rest)).trim_end().len(),
        };
        Some((start, start.checked_add(length)?))
    }

    /// Where a value would stand behind the colon of a key that has none.
    fn behind_key(&self, entry: &Entry) -> Option<(usize, usize)> {
        let rest = self.rest_of(entry.key_place)?.strip_prefix(&*entry.key)?;
        let colon = rest.find(':').filter(|at| rest.get(..*at).is_some_and(|between| between.trim().is_empty()))?;
        let key = self.offset(entry.key_place)?.checked_add(entry.key.len())?;
        let at = key.checked_add(colon)?.checked_add(1)?;
        Some((at, at))
    }

    /// The rest of a line from a place on.
    fn rest_of(&self, place: Place) -> Option<&'a str> {
        let start = self.offset(place)?;
        let rest = self.text.get(start..)?;
        Some(rest.split('\n').next().unwrap_or_default().trim_end_matches('\r'))
    }

    fn offset(&self, place: Place) -> Option<usize> {
        let (start, text) = self.lines.get(line(place)?)?;
        let (within, _) = text.char_indices().nth(column(place)?)?;
        start.checked_add(within)
    }

    fn replace(&mut self, start: usize, end: usize, text: String) {
        self.edits.push(Edit { start, end, text });
    }

    /// Lines in front of a line, or at the end.
    fn insert(&mut self, before: usize, lines: &str) {
        let at = self.lines.get(before).map_or(self.text.len(), |(start, _)| *start);
        let text = lines.replace('\n', self.ending);
        self.replace(at, at, text);
    }

    /// All edits made. Of several at one place the one that was noted first comes first: what is inside before what is
    /// around it.
    fn finish(mut self) -> Option<String> {
        self.edits.sort_by_key(|edit| edit.start);
        let mut edited = String::with_capacity(self.text.len());
        let mut at = 0_usize;
        for edit in &self.edits {
            edited.push_str(self.text.get(at..edit.start)?);
            let starts_a_line = edited.is_empty() || edited.ends_with('\n');
            if edit.start == self.text.len() && !starts_a_line && edit.text.ends_with('\n') {
                edited.push_str(self.ending);
            }
            edited.push_str(&edit.text);
            at = edit.end;
        }
        edited.push_str(self.text.get(at..)?);
        Some(edited)
    }
}

/// Where the bracket is closed that a text in flow style begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '{' | '[' => depth = depth.saturating_add(1),
            '}' | ']' if depth == 1 => return Some(at),
            '}' | ']' => depth = depth.checked_sub(1)?,
            quote @ ('"' | '\'') => {
                let mut is_escaped = false;
                chars.find(|(_, char)| {
                    let ends = *char == quote && !is_escaped;
                    is_escaped = quote == '"' && *char == '\\' && !is_escaped;
                    ends
                })?;
            }
            _ => {}
        }
    }
    None
}

/// Lines counted from zero.
fn line(place: Place) -> Option<usize> {
    usize::try_from(place.line).ok()?.checked_sub(1)
}

/// Columns counted from zero.
fn column(place: Place) -> Option<usize> {
    usize::try_from(place.column).ok()?.checked_sub(1)
}

/// Whether both are mappings or both are lists, with something in the first.
fn is_same_collection(a: &Node, b: &Node) -> bool {
    match (&a.content, &b.content) {
        (Content::Mapping(old), Content::Mapping(_)) => !old.is_empty(),
        (Content::Sequence(old), Content::Sequence(_)) => !old.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_one;
    use super::*;

    #[track_caller]
    fn check(text: &str, after: &str, edited: &str) {
        let (before, after) = (parse_one(text).unwrap(), parse_one(after).unwrap());
        assert_eq!(edit(text, &before, &after).as_deref(), Some(edited));
    }

    #[track_caller]
    fn unsure(text: &str, after: &str) {
        let (before, after) = (parse_one(text).unwrap(), parse_one(after).unwrap());
        assert_eq!(edit(text, &before, &after), None);
    }

    #[test]
    fn new_keys_come_at_the_end_of_their_block() {
        check(
            "# head\nkind: Pod # tail\nspec:\n  containers:\n  - name: 'a'\n    image: b\n\n  # the log\n  - name: c\n# end\n",
            "{kind: Pod, spec: {containers: [{name: a, image: b, x: 1}, {name: c, u: {z: [1]}}], v: w}, m: {}}",
            "# head\nkind: Pod # tail\nspec:\n  containers:\n  - name: 'a'\n    image: b\n    x: 1\n\n  # the log\n  \
             - name: c\n    u:\n      z:\n      - 1\n  v: w\nm: {}\n# end\n",
        );
        check("a:\n    b: 1", "{a: {b: 1, c: 2}, d: 3}", "a:\n    b: 1\n    c: 2\nd: 3\n");
        check("---\r\na: 1\r\n...\r\n", "{a: 1, b: {c: d}}", "---\r\na: 1\r\nb:\r\n  c: d\r\n...\r\n");
        check(
            "a: |\n  text\n  # no comment\nb:\n- c: 1\n",
            "{a: \"text\\n# no comment\\n\", b: [{c: 1, d: 2}], e: 3}",
            "a: |\n  text\n  # no comment\nb:\n- c: 1\n  d: 2\ne: 3\n",
        );
    }

    #[test]
    fn new_items_come_behind_the_others() {
        check("a:\n- 1 # one\n\nb: 2\n", "{a: [1, x: 2], b: 2}", "a:\n- 1 # one\n- x: 2\n\nb: 2\n");
        check("a:\n  - b:\n      - 1\n", "{a: [{b: [1, 2]}, c]}", "a:\n  - b:\n      - 1\n      - 2\n  - c\n");
    }

    #[test]
    fn values_change_in_their_places() {
        check("a: 'x' # why\nb: 1  # so\n", "{a: \"yes\", b: 2}", "a: \"yes\" # why\nb: 2  # so\n");
        check(
            "a: {} # none\nb:  # empty\nc: null\n",
            "{a: {x: 1}, b: [1], c: {d: e}}",
            "a: # none\n  x: 1\nb:  # empty\n- 1\nc:\n  d: e\n",
        );
        check("a:\n- x\n- \"y\"\n", "a: [x, z]", "a:\n- x\n- z\n");
        check("a:\nb: 1\n", "{a: true, b: 1}", "a: true\nb: 1\n");
    }

    #[test]
    fn keys_go_with_what_is_below_them() {
        check("a: 1\nb:\n- 1\n- 2\nc:\n  d: 1 # d\n  e: 2\n", "{a: 1, c: {e: 2}}", "a: 1\nc:\n  e: 2\n");
    }

    #[test]
    fn flow_style_stays_flow_style() {
        check(
            "a: {b: 'x}', c: [1, \"]\\\"\" ] } # c\n",
            "{a: {b: 'x}', c: [1, ']\"', {d: e}], f: 'yes'}}",
            "a: {b: 'x}', c: [1, \"]\\\"\", {d: e} ], f: \"yes\" } # c\n",
        );
        check(
            "{\n  \"a\": {b: 1,},\n}\n",
            "{a: {b: 1, c: [x, 'a, b']}, d: {}}",
            "{\n  \"a\": {b: 1, c: [x, \"a, b\"]}, d: {}\n}\n",
        );
        unsure("a: {b: 1}\n", "{a: {b: 2}}");
        unsure("a: {b: 1 # }\n}\n", "{a: {b: 1, c: 2}}");
    }

    #[test]
    fn what_is_not_certain_is_left_to_others() {
        unsure("a: {b: 1, c: 1}\n", "{a: {b: 1}}");
        unsure("a: [1, 2]\n", "{a: [2]}");
        unsure("x: &a\n  b: 1\ny: *a\n", "{x: {b: 1}, y: {b: 1, c: 2}}");
        unsure("a:\n- b: 1\n  c: 2\n", "{a: [c: 2]}");
        unsure("a:\n  b: 1\n", "{a: {}}");
        unsure("a: |\n  x\n", "{a: y}");
        unsure("a: 1\rb: 2\n", "{a: 1, b: 2, c: 3}");
    }
}
