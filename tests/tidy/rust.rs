//! As much of Rust's grammar as the rules need: what is code, what a path names, which modules a file declares.

/// What of a text to leave, the rest turned into spaces; line breaks always stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Code without comments, strings and character literals.
    Code,
    /// The same with strings and character literals.
    CodeAndStrings,
}

/// A text without its comments, and without its literals if so wanted.
pub(crate) fn strip(text: &str, keep: Keep) -> String {
    let mut rest = text;
    let mut stripped = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let (length, keeps) = match token(rest, stripped.chars().next_back()) {
            Token::Comment(length) => (length, false),
            Token::Literal(length) => (length, keep == Keep::CodeAndStrings),
            Token::Other => (first.len_utf8(), true),
        };
        let (part, behind) = rest.split_at(length);
        stripped.extend(part.chars().map(|c| if keeps || c == '\n' { c } else { ' ' }));
        rest = behind;
    }
    stripped
}

enum Token {
    Comment(usize),
    Literal(usize),
    Other,
}

fn token(text: &str, before: Option<char>) -> Token {
    if text.starts_with("//") {
        return Token::Comment(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Token::Comment(block_comment(text));
    }
    if text.starts_with('"') {
        return Token::Literal(quoted(text));
    }
    if text.starts_with('r') && !before.is_some_and(|c| is_word(c) && c != 'b' && c != 'c') {
        let hashes = text.chars().skip(1).take_while(|c| *c == '#').count();
        if text[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            return Token::Literal(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
        }
    }
    if let Some(inner) = text.strip_prefix('\'') {
        // 'a' is a character, 'a without a closing quote a lifetime.
        let escaped = inner.starts_with('\\');
        let end = inner.char_indices().skip(if escaped { 2 } else { 1 }).find(|(_, c)| *c == '\'' || !escaped);
        if let Some((at, '\'')) = end {
            return Token::Literal(at + 2);
        }
    }
    Token::Other
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a whole word stands in code, as byte offsets.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || c == '$') && !after.is_some_and(is_word)
    })
}

/// The line of a byte offset, counted from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What follows a path's prefix at an offset behind it: one name, or those of a group. `{a::b, c}` gives `a` and `c`;
/// `*` stands for itself, and so does a prefix that is renamed.
pub(crate) fn heads(behind: &str) -> Vec<String> {
    let Some(path) = behind.trim_start().strip_prefix("::") else {
        return if behind.trim_start().starts_with("as ") { vec!["as".to_owned()] } else { Vec::new() };
    };
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else {
        let name: String = path.chars().take_while(|c| is_word(*c) || *c == '*').collect();
        return vec![name];
    };
    let mut depth = 0_usize;
    let mut branches = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => branches.push(String::new()),
            _ => {}
        }
        if !(c == ',' && depth == 0) {
            branches.last_mut().unwrap().push(c);
        }
    }
    let head = |branch: &String| branch.trim().chars().take_while(|c| is_word(*c) || *c == '*').collect::<String>();
    branches.iter().map(head).filter(|head| !head.is_empty()).collect()
}

/// The modules written out around an offset, the outermost first.
pub(crate) fn modules_around(code: &str, at: usize) -> Vec<&str> {
    let mut blocks: Vec<Option<&str>> = Vec::new();
    for (brace, c) in code[..at].char_indices() {
        match c {
            '{' => blocks.push(module_opened(&code[..brace])),
            '}' => drop(blocks.pop()),
            _ => {}
        }
    }
    blocks.into_iter().flatten().collect()
}

/// The name in `… mod name`, where a brace follows.
fn module_opened(before: &str) -> Option<&str> {
    let mut words = before.trim_end().rsplit(char::is_whitespace).filter(|word| !word.is_empty());
    let name = words.next()?;
    (words.next()? == "mod").then_some(name)
}

/// The files that a file declares as modules, as paths from its own directory of modules: `mod a { mod b; }` is `a/b`.
pub(crate) fn declared(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for at in words(code, "mod") {
        let behind = code[at + 3..].trim_start();
        let name: String = behind.chars().take_while(|c| is_word(*c)).collect();
        if !name.is_empty() && behind[name.len()..].trim_start().starts_with(';') {
            let mut path = modules_around(code, at);
            path.push(&name);
            found.push(path.join("/"));
        }
    }
    found
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // crate::b\n/* c /* d */ \" */ 'e' \"f \\\" g\" r#\"h \" i\"# '\\'' '\\u{7f}' &'j k";
    let code = strip(text, Keep::Code);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "&'j", "k"]);
    assert_eq!((code.chars().count(), code.matches('\n').count()), (text.chars().count(), 1));
    let strings = strip(text, Keep::CodeAndStrings);
    assert!(strings.contains("f \\\" g") && strings.contains("h \" i") && !strings.contains("crate"));
}

#[test]
fn paths_and_groups_are_read() {
    assert_eq!(heads("::engine::{a, b}"), ["engine"]);
    assert_eq!(heads("::{engine::{a, b}, admission, cli as c,}"), ["engine", "admission", "cli"]);
    assert_eq!(heads("::*;"), ["*"]);
    assert_eq!(heads(" as c;"), ["as"]);
    assert_eq!(words("crate::a $crate::b my_crate crate", "crate").count(), 2);
}

#[test]
fn modules_are_read_where_they_stand() {
    let code = "mod a;\n#[cfg(test)]\nmod b {\n  pub mod c;\n  mod d { fn e() {} }\n}\npub(crate) mod f;";
    assert_eq!(declared(code), ["a", "b/c", "f"]);
    assert_eq!(modules_around(code, code.find("fn e").unwrap()), ["b", "d"]);
}
