//! The fields of one of our own mappings (a policy's METADATA, the configuration), taken one by one with their types;
//! what is left over is refused, with the name that was probably meant.

use super::{Content, DocumentError, Entry, Node, Place};

/// A mapping being read. Take each known field, then [`Fields::finish`].
///
/// An absent field is `None` without an error; a field of the wrong type is `None` with one.
#[derive(Debug)]
pub struct Fields<'a> {
    what: String,
    place: Place,
    entries: &'a [Entry],
    known: Vec<&'static str>,
    errors: Vec<DocumentError>,
}

impl<'a> Fields<'a> {
    /// Begins to read `node`; `what` names it in messages, such as `exemption`.
    pub fn of(node: &'a Node, what: impl Into<String>) -> Result<Self, DocumentError> {
        let what = what.into();
        match node.entries() {
            Some(entries) => Ok(Self { what, place: node.place, entries, known: Vec::new(), errors: Vec::new() }),
            None => Err(DocumentError::new(node.place, format!("{what} must be a mapping, found {}", found(node)))),
        }
    }

    /// Where the mapping begins.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The entry of `key`, whatever its type.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// A string that is not empty.
    pub fn take_string(&mut self, key: &'static str) -> Option<&'a str> {
        self.take_as(key, "a string", |node| node.as_str().filter(|text| !text.is_empty()))
    }

    /// `true` or `false`.
    pub fn take_bool(&mut self, key: &'static str) -> Option<bool> {
        self.take_as(
            key,
            "true or false",
            |node| {
                if let Content::Bool(value) = node.content { Some(value) } else { None }
            },
        )
    }

    /// An integer from zero on.
    pub fn take_count(&mut self, key: &'static str) -> Option<u64> {
        self.take_as(key, "an integer from 0 on", |node| match node.content {
            Content::Integer(value) => u64::try_from(value).ok(),
            Content::Unsigned(value) => Some(value),
            _ => None,
        })
    }

    /// A list.
    pub fn take_list(&mut self, key: &'static str) -> Option<&'a [Node]> {
        self.take_as(key, "a list", Node::items)
    }

    /// A list of strings that are not empty, each with its place.
    pub fn take_strings(&mut self, key: &'static str) -> Option<Vec<(&'a str, Place)>> {
        let items = self.take_as(key, "a list of strings", Node::items)?;
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            match item.as_str() {
                Some(text) if !text.is_empty() => strings.push((text, item.place)),
                _ => self.mismatch(key, item, "strings only"),
            }
        }
        Some(strings)
    }

    /// A mapping, whose errors are to be given to [`Self::absorb`] when it is finished.
    pub fn take_mapping(&mut self, key: &'static str) -> Option<Fields<'a>> {
        let node = self.take_as(key, "a mapping", |node| node.entries().map(|_| node))?;
        Fields::of(node, format!("{}.{key}", self.what)).ok()
    }

    /// One of the words of `choices`, as what stands beside it.
    pub fn take_choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let node = &self.take(key)?.value;
        let chosen = node.as_str().and_then(|text| choices.iter().find(|(word, _)| *word == text));
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let meant = node.as_str().and_then(|text| closest(text, words.iter().copied()));
            let wanted =
                if let [only] = words.as_slice() { (*only).to_owned() } else { format!("one of {}", words.join(", ")) };
            self.mismatch(key, node, &wanted);
            if let (Some(meant), Some(error)) = (meant, self.errors.last_mut()) {
                error.hint = Some(format!("did you mean `{meant}`?"));
            }
        }
        chosen.map(|(_, value)| *value)
    }

    /// Notes an error if `value` is absent and no error has been noted for its field.
    pub fn require<T>(&mut self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.entries.iter().any(|entry| &*entry.key == key) {
            let message = format!("{} lacks the field {key:?}", self.what);
            self.errors.push(DocumentError::new(self.place, message).hint(format!("add `{key}:`")));
        }
        value
    }

    /// Notes an error of the caller's own finding.
    pub fn refuse(&mut self, error: DocumentError) {
        self.errors.push(error);
    }

    /// Notes the errors of a mapping within, and gives its value if it had none.
    pub fn absorb<T>(&mut self, result: Result<T, Vec<DocumentError>>) -> Option<T> {
        result.map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// Refuses the fields that were not taken; gives every error noted, in the text's order.
    pub fn finish(mut self) -> Result<(), Vec<DocumentError>> {
        for entry in self.entries {
            if self.known.contains(&&*entry.key) {
                continue;
            }
            let error = DocumentError::new(entry.key_place, format!("{} has no field {:?}", self.what, entry.key));
            self.errors.push(match closest(&entry.key, self.known.iter().copied()) {
                Some(known) => error.hint(format!("did you mean `{known}`?")),
                None => error.hint(format!("remove it; known are: {}", self.known.join(", "))),
            });
        }
        self.errors.sort_by_key(|error| error.place);
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }

    fn take_as<T>(&mut self, key: &'static str, wanted: &str, read: impl Fn(&'a Node) -> Option<T>) -> Option<T> {
        let node = &self.take(key)?.value;
        let value = read(node);
        if value.is_none() {
            self.mismatch(key, node, wanted);
        }
        value
    }

    fn mismatch(&mut self, key: &str, node: &Node, wanted: &str) {
        let message = format!("field {key:?} of {} must be {wanted}, found {}", self.what, found(node));
        self.errors.push(DocumentError::new(node.place, message));
    }
}

/// What `node` is, with its value where that is short.
fn found(node: &Node) -> String {
    match &node.content {
        Content::String(text) if text.is_empty() => "an empty string".to_owned(),
        Content::String(text) if text.len() <= 40 => format!("the string {text:?}"),
        Content::Bool(_) | Content::Integer(_) | Content::Unsigned(_) | Content::Float(_) => node.to_json(),
        Content::Null | Content::String(_) | Content::Sequence(_) | Content::Mapping(_) => node.describe().to_owned(),
    }
}

/// The word of `known` that `word` was probably meant to be: at most two letters inserted, dropped or replaced.
pub fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (distance(word, known), known))
        .filter(|(distance, known)| *distance <= 2 && *distance < known.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Levenshtein's distance; far apart if the lengths tell so.
fn distance(left: &str, right: &str) -> usize {
    if left.len().abs_diff(right.len()) > 8 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (above, letter) in (1_usize..).zip(left.chars()) {
        let mut before = above;
        let mut diagonal = above.saturating_sub(1);
        for (cell, other) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal.saturating_add(usize::from(letter != other));
            diagonal = *cell;
            *cell = replaced.min(before.saturating_add(1)).min(diagonal.saturating_add(1));
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    /// Reads an exemption and gives its errors, or the values read.
    fn read(text: &str) -> Result<String, Vec<DocumentError>> {
        let node = yaml::parse_one(text).unwrap();
        let mut fields = Fields::of(&node, "exemption").map_err(|error| vec![error])?;
        let owner = fields.take_string("owner");
        let owner = fields.require("owner", owner);
        let policies = fields.take_strings("policies");
        let active = fields.take_bool("active");
        let limit = fields.take_count("limit");
        let mode = fields.take_choice("mode", &[("deny", 1), ("warn", 2)]);
        let items = fields.take_list("items").map(<[Node]>::len);
        if let Some(mut matching) = fields.take_mapping("match") {
            matching.take_string("name");
            let result = matching.finish();
            fields.absorb(result);
        }
        fields.finish()?;
        Ok(format!("{owner:?} {policies:?} {active:?} {limit:?} {mode:?} {items:?}"))
    }

    #[track_caller]
    fn refuses(text: &str, expected: &[&str]) {
        let shown: Vec<String> = read(text)
            .unwrap_err()
            .into_iter()
            .map(|error| {
                let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}:{} {}{hint}", error.place.line, error.place.column, error.message)
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn takes_fields_by_type() {
        assert_eq!(
            read("{owner: a, policies: [x], active: no, limit: 3, mode: warn, items: [], match: {name: b}}").unwrap(),
            r#"Some("a") Some([("x", Place { line: 1, column: 23 })]) Some(false) Some(3) Some(2) Some(0)"#
        );
        assert_eq!(read("owner: a").unwrap(), r#"Some("a") None None None None None"#);
    }

    #[test]
    fn says_what_it_expected_and_found() {
        refuses("[]", &["1:1 exemption must be a mapping, found a list"]);
        refuses("x", &[r#"1:1 exemption must be a mapping, found the string "x""#]);
        refuses("{}", &["1:1 exemption lacks the field \"owner\" (add `owner:`)"]);
        refuses("owner:", &[r#"1:1 field "owner" of exemption must be a string, found null"#]);
        refuses("owner: ''", &[r#"1:8 field "owner" of exemption must be a string, found an empty string"#]);
        refuses(
            "policies: [a, 1]\nowner: 12\nactive: perhaps\nlimit: -1\nmode: dney\nitems: {}\nmatch: 1.5",
            &[
                r#"1:15 field "policies" of exemption must be strings only, found 1"#,
                r#"2:8 field "owner" of exemption must be a string, found 12"#,
                r#"3:9 field "active" of exemption must be true or false, found the string "perhaps""#,
                r#"4:8 field "limit" of exemption must be an integer from 0 on, found -1"#,
                r#"5:7 field "mode" of exemption must be one of deny, warn, found the string "dney" (did you mean `deny`?)"#,
                r#"6:8 field "items" of exemption must be a list, found a mapping"#,
                r#"7:8 field "match" of exemption must be a mapping, found 1.5"#,
            ],
        );
    }

    #[test]
    fn refuses_unknown_fields_and_guesses_what_was_meant() {
        refuses(
            "ownr: a\nowner: b\nmatch:\n  names: x\nzebra: 1",
            &[
                "1:1 exemption has no field \"ownr\" (did you mean `owner`?)",
                "4:3 exemption.match has no field \"names\" (did you mean `name`?)",
                "5:1 exemption has no field \"zebra\" (remove it; known are: owner, policies, active, limit, mode, items, match)",
            ],
        );
        assert_eq!(closest("enforcment", ["enforcement", "severity"]), Some("enforcement"));
        assert_eq!(closest("a", ["b"]), None);
        assert_eq!(closest("größe", ["grösse"]), Some("grösse"));
        assert_eq!(closest(&"x".repeat(1_000_000), ["owner"]), None);
    }
}
