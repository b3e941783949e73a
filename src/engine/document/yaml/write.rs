//! A document written as YAML, in block style and in the order of its keys, so that `kubectl` and this program's reader
//! understand what was meant, and those that read YAML 1.1 otherwise do as well.

use crate::engine::document::scalar::{Notation, resolve};
use crate::engine::document::{Content, Entry, Node};

/// How much deeper the next level stands.
const STEP: usize = 2;

/// The document, with a line break at its end.
pub fn write(node: &Node) -> String {
    let mut text = String::new();
    if is_block(node) {
        block(&mut text, node, 0, false);
    } else {
        text.push_str(&inline(node));
        text.push('\n');
    }
    text
}

/// Entries of a mapping whose keys stand behind so many spaces.
pub(super) fn write_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>, indent: usize) -> String {
    let mut text = String::new();
    for entry in entries {
        spaces(&mut text, indent);
        text.push_str(&inline_text(&entry.key));
        text.push(':');
        value(&mut text, &entry.value, indent);
    }
    text
}

/// Items of a list whose dashes stand behind so many spaces.
pub(super) fn write_items<'a>(items: impl IntoIterator<Item = &'a Node>, indent: usize) -> String {
    let mut text = String::new();
    for item in items {
        spaces(&mut text, indent);
        item_of(&mut text, item, indent);
    }
    text
}

/// A value on the line where it is written; none of a collection with something in it.
pub(super) fn write_inline(node: &Node) -> Option<String> {
    (!is_block(node)).then(|| inline(node))
}

/// A value in flow style.
pub(super) fn write_flow(node: &Node) -> String {
    match &node.content {
        Content::Mapping(entries) => {
            format!("{{{}}}", entries.iter().map(write_flow_entry).collect::<Vec<_>>().join(", "))
        }
        Content::Sequence(items) => format!("[{}]", items.iter().map(write_flow).collect::<Vec<_>>().join(", ")),
        Content::String(text) => flow_text(text),
        _ => inline(node),
    }
}

/// An entry of a mapping in flow style.
pub(super) fn write_flow_entry(entry: &Entry) -> String {
    format!("{}: {}", flow_text(&entry.key), write_flow(&entry.value))
}

/// Commas part what is in flow style.
fn flow_text(text: &str) -> String {
    if text.contains(',') { quoted(text) } else { inline_text(text) }
}

fn is_block(node: &Node) -> bool {
    match &node.content {
        Content::Mapping(entries) => !entries.is_empty(),
        Content::Sequence(items) => !items.is_empty(),
        _ => false,
    }
}

/// A collection; `is_begun` if what stands before its first line has been written already.
fn block(text: &mut String, node: &Node, indent: usize, is_begun: bool) {
    let written = match &node.content {
        Content::Mapping(entries) => write_entries(entries, indent),
        Content::Sequence(items) => write_items(items, indent),
        _ => return,
    };
    text.push_str(if is_begun { written.trim_start_matches(' ') } else { &written });
}

/// What follows a key and its colon.
fn value(text: &mut String, node: &Node, indent: usize) {
    let deeper = indent.saturating_add(STEP);
    match &node.content {
        Content::Mapping(_) if is_block(node) => {
            text.push('\n');
            block(text, node, deeper, false);
        }
        // As kubectl writes them, lists stand no deeper than their key.
        Content::Sequence(_) if is_block(node) => {
            text.push('\n');
            block(text, node, indent, false);
        }
        _ => scalar(text, node, deeper),
    }
}

fn item_of(text: &mut String, node: &Node, indent: usize) {
    text.push('-');
    let deeper = indent.saturating_add(STEP);
    if is_block(node) {
        text.push(' ');
        block(text, node, deeper, true);
    } else {
        scalar(text, node, deeper);
    }
}

/// A scalar behind a colon or a dash, and the end of its line.
fn scalar(text: &mut String, node: &Node, indent: usize) {
    text.push(' ');
    match &node.content {
        Content::String(written) if is_literal(written) => {
            text.push_str(match (written.strip_suffix('\n'), written.ends_with("\n\n")) {
                (None, _) => "|-\n",
                (Some(_), false) => "|\n",
                (Some(_), true) => "|+\n",
            });
            let body = written.strip_suffix('\n').unwrap_or(written);
            for line in body.split('\n') {
                if !line.is_empty() {
                    spaces(text, indent);
                }
                text.push_str(line);
                text.push('\n');
            }
        }
        _ => {
            text.push_str(&inline(node));
            text.push('\n');
        }
    }
}

fn spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

fn inline(node: &Node) -> String {
    match &node.content {
        Content::String(text) => inline_text(text),
        _ => node.to_json(),
    }
}

fn inline_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text may stand without quotes: it looks like nothing else, in YAML 1.1 and 1.2.
fn is_plain(text: &str) -> bool {
    let known = |char: char| char.is_ascii_alphanumeric() || " _-./:@+=,()*%$~;".contains(char);
    let begins = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '/';
    let is_digital = text.starts_with(|char: char| char.is_ascii_digit());
    // Times, sexagesimal numbers and dates are something of their own to some readers.
    let is_time = is_digital && (text.contains(':') || text.get(4..).is_some_and(|rest| rest.starts_with('-')));
    text.starts_with(begins)
        && !text.ends_with([' ', ':'])
        && text.chars().all(known)
        && !text.contains(": ")
        && !is_time
        && matches!(resolve(text, Notation::Plain), Ok(Content::String(_)))
}

/// Double quotes as JSON has them, which YAML understands; what YAML does not call printable is escaped.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    let is_odd = |char: char| {
        matches!(char, '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let escape = |char: char| if is_odd(char) { format!("\\u{:04x}", u32::from(char)) } else { char.to_string() };
    if json.contains(is_odd) { json.chars().map(escape).collect() } else { json }
}

/// Whether a text of several lines can stand as a literal block.
fn is_literal(text: &str) -> bool {
    let is_shown = |char: char| char == '\n' || (' '..='~').contains(&char) || ('\u{a1}'..'\u{2028}').contains(&char);
    text.contains('\n') && !text.starts_with([' ', '\n']) && text.chars().all(is_shown)
}

#[cfg(test)]
mod tests {
    use super::super::parse_one;
    use super::*;
    use crate::engine::document::json;

    #[track_caller]
    fn check(json: &str, yaml: &str) {
        let node = json::parse(json).unwrap();
        let written = write(&node);
        assert_eq!(written, yaml);
        assert!(parse_one(&written).unwrap().says_the_same_as(&node), "{written}");
    }

    #[test]
    fn blocks_are_those_of_kubectl() {
        check(
            r#"{"a":{"b":[{"c":1,"d":[]},[2,[3]],"x"]},"e":{},"f":null}"#,
            "a:\n  b:\n  - c: 1\n    d: []\n  - - 2\n    - - 3\n  - x\ne: {}\nf: null\n",
        );
        check("[1]", "- 1\n");
    }

    #[test]
    fn texts_stay_texts() {
        for text in [
            "yes",
            "",
            "1",
            "0x1f",
            "1e3",
            "null",
            "~",
            "a: b",
            "a #b",
            "- a",
            "2001-01-01",
            "12:30",
            "<<",
            "=",
            "é",
            "a:",
        ] {
            check(&serde_json::to_string(text).unwrap(), &format!("{}\n", serde_json::to_string(text).unwrap()));
        }
        for text in ["RuntimeDefault", "64Mi", "100m", "a.b/c", "nginx:1.27", "/var/run", "two words"] {
            check(&serde_json::to_string(text).unwrap(), &format!("{text}\n"));
        }
    }

    #[test]
    fn lines_stand_as_lines() {
        check(r#"{"a":"x\n\n y\n"}"#, "a: |\n  x\n\n   y\n");
        check(r#"["x\ny"]"#, "- |-\n  x\n  y\n");
        check(r#"{"a":"x\n\n","b":1}"#, "a: |+\n  x\n\nb: 1\n");
        check(r#"{"a":"x\ty\n z"}"#, "a: \"x\\ty\\n z\"\n");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_what_is_read(texts in proptest::collection::vec("[a~\\-: \n\t#'\"\\\\\u{85}\u{2028}\u{feff}é0.]{0,8}|\\PC{0,6}", 1..4)) {
            let node = json::parse(&serde_json::json!({"a": texts, "b": {texts[0].clone(): texts[0]}}).to_string()).unwrap();
            let written = write(&node);
            let read = parse_one(&written).map_err(|error| proptest::test_runner::TestCaseError::fail(format!("{error}: {written}")))?;
            proptest::prop_assert!(read.says_the_same_as(&node), "{}", written);
        }
    }
}
