//! The text of a module by the spans of its syntax tree, exactly as written or on one line.
//!
//! A span that begins or ends with a string leaves out the quote, so that texts are found by tokens.

use std::ops::Range;

use super::super::EngineSource;
use super::super::outline::Expression;
use super::super::syntax::{Expr, Lexer, Span, TokenKind};

/// A module's text with the places of its tokens.
pub(super) struct Script<'a> {
    text: &'a str,
    /// By place; none overlaps another.
    tokens: Vec<Token>,
}

/// A part of a script, in bytes.
pub(super) type Part = Range<usize>;

struct Token {
    /// The place that its span says.
    inner: Part,
    /// The same with its quotes, if it has some.
    outer: Part,
}

impl<'a> Script<'a> {
    /// The tokens of a module that was parsed before; nothing if they cannot be told.
    pub(super) fn of(source: &'a EngineSource) -> Option<Self> {
        let mut lexer = Lexer::new(source);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next_token().ok()?;
            let inner = token.1.start as usize..token.1.end as usize;
            let outer = match token.0 {
                TokenKind::Eof => return Some(Self { text: source.contents(), tokens }),
                TokenKind::String | TokenKind::RawString => inner.start.checked_sub(1)?..inner.end.checked_add(1)?,
                TokenKind::Symbol | TokenKind::Number | TokenKind::Ident => inner.clone(),
            };
            tokens.push(Token { inner, outer });
        }
    }

    /// The part of an expression, of which not every span is to be trusted: an object's begins at its last item, that
    /// of an empty set ends a token too late.
    pub(super) fn expression(&self, expression: &Expression) -> Option<Part> {
        let part = self.part(expression.span())?;
        match expression.as_ref() {
            Expr::Object { .. } => Some(self.opening(part.end)?..part.end),
            Expr::Set { items, .. } if items.is_empty() => {
                let bracket = self.tokens_of(part.start, part.end).iter().find(|token| self.exact(&token.outer) == ")");
                Some(part.start..bracket?.outer.end)
            }
            _ => Some(part),
        }
    }

    /// Where the bracket opens that is closed by the one that ends here.
    fn opening(&self, end: usize) -> Option<usize> {
        let mut open = 0_usize;
        for token in self.tokens_of(0, end).iter().rev() {
            let text = if token.inner == token.outer { self.exact(&token.outer) } else { "" };
            match text.chars().next_back() {
                Some(')' | ']' | '}') => open = open.saturating_add(1),
                Some('(' | '[' | '{') => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Some(token.outer.start);
            }
        }
        None
    }

    /// The part of a span.
    pub(super) fn part(&self, span: &Span) -> Option<Part> {
        let within = self.tokens_of(span.start as usize, span.end as usize);
        Some(within.first()?.outer.start..within.last()?.outer.end)
    }

    /// The text of a part as written, comments included.
    pub(super) fn exact(&self, part: &Part) -> &'a str {
        self.text.get(part.clone()).unwrap_or_default()
    }

    /// The text of a part on one line, without comments; `;` stands where a line's end parted two statements.
    pub(super) fn on_one_line(&self, part: &Part) -> String {
        let mut line = String::new();
        let mut before: Option<&Token> = None;
        for token in self.tokens_of(part.start, part.end) {
            if let Some(before) = before.filter(|before| before.outer.end < token.outer.start) {
                line.push_str(if self.parts_statements(before, token) { "; " } else { " " });
            }
            let text = self.exact(&token.outer).chars();
            line.extend(text.map(|character| if character.is_control() { ' ' } else { character }));
            before = Some(token);
        }
        line
    }

    /// Whether a statement ends between two tokens without saying so.
    fn parts_statements(&self, before: &Token, after: &Token) -> bool {
        const GOES_ON_BEHIND: [&str; 8] = ["not", "in", "as", "with", "some", "every", "if", "contains"];
        const GOES_ON_BEFORE: [&str; 4] = ["in", "as", "with", "else"];
        let is_word = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '`'));
        let (before_text, after_text) = (self.exact(&before.outer), self.exact(&after.outer));
        let ends =
            (is_word(before_text) && !GOES_ON_BEHIND.contains(&before_text)) || matches!(before_text, ")" | "]" | "}");
        let begins = (is_word(after_text) && !GOES_ON_BEFORE.contains(&after_text))
            || matches!(after_text, "(" | "[" | "{" | "set(" | "-");
        ends && begins && self.exact(&(before.outer.end..after.outer.start)).contains('\n')
    }

    /// The tokens that begin and end within.
    fn tokens_of(&self, start: usize, end: usize) -> &[Token] {
        let first = self.tokens.partition_point(|token| token.inner.start < start);
        let behind = self.tokens.partition_point(|token| token.inner.end <= end);
        self.tokens.get(first..behind).unwrap_or_default()
    }
}

/// How deep brackets are nested in a text, those in strings counted as well.
pub(super) fn depth(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0_usize;
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
