//! What a module's text must satisfy before the parser sees it.
//!
//! The engine's parser takes exponential time on nested literals, joins a line that starts with `(` to the line before
//! it, and gives chained bodies a meaning of its own; whoever walks its tree needs stack for each operator in a row. All
//! are refused here, by looking at tokens.

use super::super::source::{Source, SourceError};
use super::EngineSource;
use super::syntax::{Lexer, Token, TokenKind};

/// A file's size in bytes; the engine's own limit.
const FILE_BYTES: usize = 1 << 20;

/// Brackets open at one place. Each level of literals doubles the parser's time: at 16 it takes about a second.
const NESTING: usize = 16;

/// Operators, dots and brackets in a row at one level: each is a level of the syntax tree, which is walked by recursion.
const CHAIN: usize = 250;

/// What the tokens tell about a module.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Whether it imports `rego.v1`.
    pub(super) imports_v1: bool,
    /// Whether it uses `if`, `contains` or `every` as keywords without importing them, as only v1 may.
    pub(super) reads_as_v1: bool,
}

/// Looks at the tokens of a module.
pub(super) fn inspect(source: &Source) -> Result<Tokens, SourceError> {
    if source.text.len() > FILE_BYTES {
        let message = format!("file is larger than {FILE_BYTES} bytes");
        return Err(SourceError::whole(&source.file, message).fix("split it, or move data into parameters"));
    }
    let text = super::engine_source(source)?;
    let tokens = tokens(source, &text)?;
    nesting(source, &tokens)?;
    chains(source, &tokens)?;
    bodies(source, &tokens)?;
    joined_lines(source, &tokens)?;
    Ok(keywords(&tokens))
}

fn tokens(source: &Source, text: &EngineSource) -> Result<Vec<Token>, SourceError> {
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token().map_err(|error| super::located(source, &error.to_string()))?;
        if token.0 == TokenKind::Eof {
            return Ok(tokens);
        }
        tokens.push(token);
    }
}

fn symbol(token: &Token) -> &str {
    match token.0 {
        TokenKind::Symbol | TokenKind::Ident => token.1.text(),
        TokenKind::String | TokenKind::RawString | TokenKind::Number | TokenKind::Eof => "",
    }
}

fn at(source: &Source, token: &Token, message: impl Into<String>) -> SourceError {
    SourceError::at(&source.file, token.1.line, token.1.col, message)
}

fn nesting(source: &Source, tokens: &[Token]) -> Result<(), SourceError> {
    let mut depth = 0_usize;
    for token in tokens {
        match symbol(token) {
            "{" | "[" | "(" => depth = depth.saturating_add(1),
            "}" | "]" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING {
            let message = format!("brackets are nested deeper than {NESTING} levels");
            return Err(at(source, token, message).fix("give the inner part a name of its own"));
        }
    }
    Ok(())
}

/// Refuses `a + b + c + …` and `a.b[c].d…` without end.
fn chains(source: &Source, tokens: &[Token]) -> Result<(), SourceError> {
    const LINKS: [&str; 14] = ["+", "-", "*", "/", "%", "&", "|", ".", "==", "!=", "<", "<=", ">", ">="];
    let is_link = |token: &Token| LINKS.contains(&symbol(token));
    let mut levels = vec![0_usize];
    let mut before: Option<&Token> = None;
    for token in tokens {
        let goes_on = before.is_none_or(|before| before.1.line == token.1.line || is_link(before)) || is_link(token);
        match (symbol(token), levels.last_mut()) {
            ("}" | "]" | ")", _) => drop(levels.pop()),
            ("," | ";" | ":=" | "=", Some(count)) => *count = 0,
            ("{" | "[" | "(", Some(count)) => {
                *count = if goes_on { count.saturating_add(1) } else { 0 };
                levels.push(0);
            }
            (_, Some(count)) if !goes_on => *count = 0,
            (_, Some(count)) if is_link(token) => *count = count.saturating_add(1),
            _ => {}
        }
        if levels.last().is_some_and(|count| *count > CHAIN) {
            let message = format!("expression has more than {CHAIN} parts in a row");
            return Err(at(source, token, message).fix("give some of them a name of their own"));
        }
        before = Some(token);
    }
    Ok(())
}

/// Refuses `rule { … } { … }`: a `{` right behind the `}` that closes a body at the top level.
fn bodies(source: &Source, tokens: &[Token]) -> Result<(), SourceError> {
    let mut depth = 0_usize;
    let mut closed_body = false;
    for token in tokens {
        let text = symbol(token);
        if text == "{" && closed_body {
            return Err(at(source, token, "rule has chained bodies, which do not mean here what they mean in OPA")
                .fix("write one rule for each body"));
        }
        match text {
            "{" | "[" | "(" => depth = depth.saturating_add(1),
            "}" | "]" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        closed_body = text == "}" && depth == 0;
    }
    Ok(())
}

/// Refuses a `(` at the start of a line behind something that could be called.
fn joined_lines(source: &Source, tokens: &[Token]) -> Result<(), SourceError> {
    const KEYWORDS: [&str; 10] = ["not", "in", "if", "else", "some", "every", "with", "as", "contains", "default"];
    for (before, token) in tokens.iter().zip(tokens.iter().skip(1)) {
        let callable = matches!(symbol(before), "]" | ")")
            || (before.0 == TokenKind::Ident && !KEYWORDS.contains(&before.1.text()));
        if symbol(token) == "(" && token.1.line > before.1.line && callable {
            return Err(at(source, token, "a line that starts with `(` would be read as a call of the line before it")
                .fix("end the line before with the operator, or drop the parentheses"));
        }
    }
    Ok(())
}

fn keywords(tokens: &[Token]) -> Tokens {
    let imported =
        tokens.iter().zip(tokens.iter().skip(1)).any(|(a, b)| symbol(a) == "import" && symbol(b) == "future");
    let imports_v1 = tokens.windows(4).any(|window| {
        matches!(window, [a, b, c, d]
            if symbol(a) == "import" && symbol(b) == "rego" && symbol(c) == "." && symbol(d) == "v1")
    });
    let following = tokens.iter().skip(1).map(symbol).chain([""]);
    let keyword = tokens.iter().zip(following).any(|(token, next)| match symbol(token) {
        "if" | "every" => true,
        "contains" => next != "(",
        _ => false,
    });
    Tokens { imports_v1, reads_as_v1: keyword && !imported }
}
