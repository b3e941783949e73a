//! Strict JSON (RFC 8259) with places; what the API server's reader would take in more than one way is refused.

use std::borrow::Cow;
use std::sync::Arc;

use super::build::{Builder, Built};
use super::{Content, DocumentError, Node, Parsed, Place};

/// Reads a text that is one JSON value.
pub fn parse(text: &str) -> Result<Node, DocumentError> {
    parse_from(text, Place::START)
}

/// Like [`parse`] for a text cut out of another, whose first character stands at `origin`.
pub fn parse_from(text: &str, origin: Place) -> Result<Node, DocumentError> {
    let mut scanner = Scanner::new(text, origin);
    let node = scanner.value(&mut Builder::default())?;
    scanner.skip_space();
    match scanner.peek() {
        None => Ok(node),
        Some(_) => Err(scanner.unexpected("the end")),
    }
}

/// Reads JSON values that follow each other, as `jq` and `kubectl get -o json` in a loop write them. What follows an
/// error is not read.
pub fn parse_stream(text: &str) -> Parsed {
    parse_stream_from(text, Place::START)
}

/// Like [`parse_stream`] for a text cut out of another, whose first character stands at `origin`.
pub fn parse_stream_from(text: &str, origin: Place) -> Parsed {
    let mut scanner = Scanner::new(text, origin);
    let mut builder = Builder::default();
    let mut parsed = Parsed::default();
    loop {
        scanner.skip_space();
        if scanner.peek().is_none() {
            return parsed;
        }
        match scanner.value(&mut builder) {
            Ok(node) if node.content == Content::Null => {}
            Ok(node) => parsed.documents.push(node),
            Err(error) => {
                parsed.errors.push(error);
                return parsed;
            }
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The offset whose place is known: places are asked for in the text's order, so each character is counted once.
    known: (usize, Place),
}

/// What may come next within a mapping or sequence.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    /// A value.
    Value,
    /// A value, or the end of the sequence just begun.
    FirstItem,
    /// A key, or the end of the mapping just begun.
    FirstKey,
    /// A key.
    Key,
    /// A comma, or the end.
    More,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, origin: Place) -> Self {
        Self { text, at: 0, known: (0, origin) }
    }

    /// Reads one value, without recursion.
    fn value(&mut self, builder: &mut Builder) -> Result<Node, DocumentError> {
        // Whether each open collection is a mapping.
        let mut open: Vec<bool> = Vec::new();
        let mut next = Next::Value;
        loop {
            self.skip_space();
            let place = self.place();
            next = match (next, self.peek()) {
                (Next::FirstItem, Some(b']')) | (Next::FirstKey, Some(b'}')) => self.close(builder, &mut open)?,
                (Next::Value | Next::FirstItem, _) => self.begin(builder, &mut open)?,
                (Next::FirstKey | Next::Key, Some(b'"')) => {
                    let key = self.string()?;
                    builder.key(&key, place)?;
                    self.skip_space();
                    self.expect(b':', "`:`")?;
                    Next::Value
                }
                (Next::FirstKey, _) => return Err(self.unexpected("a key in double quotes or `}`")),
                (Next::Key, _) => return Err(self.unexpected("a key in double quotes")),
                (Next::More, Some(b',')) => {
                    self.at = self.at.saturating_add(1);
                    if open.last() == Some(&true) { Next::Key } else { Next::Value }
                }
                (Next::More, Some(b']')) if open.last() == Some(&false) => self.close(builder, &mut open)?,
                (Next::More, Some(b'}')) if open.last() == Some(&true) => self.close(builder, &mut open)?,
                (Next::More, _) if open.last() == Some(&true) => {
                    return Err(self.unexpected("`,` or `}`"));
                }
                (Next::More, _) => return Err(self.unexpected("`,` or `]`")),
            };
            if open.is_empty()
                && let Some(node) = builder.finish()
            {
                return Ok(node);
            }
        }
    }

    /// Takes a scalar, or the beginning of a mapping or sequence.
    fn begin(&mut self, builder: &mut Builder, open: &mut Vec<bool>) -> Result<Next, DocumentError> {
        let place = self.place();
        let content = match self.peek() {
            Some(b'{') => {
                self.at = self.at.saturating_add(1);
                builder.open_mapping(place)?;
                open.push(true);
                return Ok(Next::FirstKey);
            }
            Some(b'[') => {
                self.at = self.at.saturating_add(1);
                builder.open_sequence(place)?;
                open.push(false);
                return Ok(Next::FirstItem);
            }
            Some(b'"') => Content::String(Arc::from(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z') => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        builder.scalar(Built::scalar(place, content))?;
        Ok(Next::More)
    }

    fn close(&mut self, builder: &mut Builder, open: &mut Vec<bool>) -> Result<Next, DocumentError> {
        self.at = self.at.saturating_add(1);
        open.pop();
        if let Some(built) = builder.close() {
            builder.add(built)?;
        }
        Ok(Next::More)
    }

    fn word(&mut self) -> Result<Content, DocumentError> {
        let rest = self.rest();
        let word = rest.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or_default();
        let content = match word {
            "true" => Content::Bool(true),
            "false" => Content::Bool(false),
            "null" => Content::Null,
            _ => return Err(self.unexpected("a value")),
        };
        self.at = self.at.saturating_add(word.len());
        Ok(content)
    }

    fn number(&mut self) -> Result<Content, DocumentError> {
        let text = self.rest();
        let end =
            text.find(|char: char| !matches!(char, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(text.len());
        let text = text.get(..end).unwrap_or_default();
        if !is_number(text) {
            return Err(DocumentError::new(self.place(), format!("{} is no JSON number", shorten(text))));
        }
        let content = if text.contains(['.', 'e', 'E']) {
            None
        } else {
            text.parse().map(Content::Integer).or_else(|_| text.parse().map(Content::Unsigned)).ok()
        };
        // The API server, too, holds integers beyond 64 bits as floats.
        let content = content.or_else(|| text.parse().ok().filter(|value: &f64| value.is_finite()).map(Content::Float));
        let content = content
            .ok_or_else(|| DocumentError::new(self.place(), format!("number {} is too large", shorten(text))))?;
        self.at = self.at.saturating_add(end);
        Ok(content)
    }

    /// Reads a string, from its opening quote to behind its closing one.
    fn string(&mut self) -> Result<Cow<'a, str>, DocumentError> {
        let start = self.place();
        self.at = self.at.saturating_add(1);
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let Some(end) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) else {
                return Err(DocumentError::new(start, "string is not closed"));
            };
            let (plain, after) = rest.split_at_checked(end).unwrap_or_default();
            if text.is_empty() {
                text = Cow::Borrowed(plain);
            } else {
                text.to_mut().push_str(plain);
            }
            self.at = self.at.saturating_add(end);
            match after.as_bytes().first() {
                Some(b'"') => {
                    self.at = self.at.saturating_add(1);
                    return Ok(text);
                }
                Some(b'\\') => {
                    let char = self.escape()?;
                    text.to_mut().push(char);
                }
                _ => return Err(self.unexpected("an escape for it")),
            }
        }
    }

    /// Reads an escape sequence, from its backslash on.
    fn escape(&mut self) -> Result<char, DocumentError> {
        let place = self.place();
        let refuse = || DocumentError::new(place, "string holds an escape that JSON does not know");
        let (char, length) = match self.rest().as_bytes().get(1).ok_or_else(refuse)? {
            b'"' => ('"', 2),
            b'\\' => ('\\', 2),
            b'/' => ('/', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => {
                let high = self.hex(2).ok_or_else(refuse)?;
                let low = (self.rest().get(6..8) == Some("\\u")).then(|| self.hex(8)).flatten();
                let units = [high, low.unwrap_or_default()];
                let length = if (0xd800..0xdc00).contains(&high) { 12 } else { 6 };
                match char::decode_utf16(units).next() {
                    Some(Ok(char)) => (char, length),
                    _ => {
                        return Err(DocumentError::new(place, "string holds half of a surrogate pair"));
                    }
                }
            }
            _ => return Err(refuse()),
        };
        self.at = self.at.saturating_add(length);
        Ok(char)
    }

    /// The four hexadecimal digits at `offset` from here.
    fn hex(&self, offset: usize) -> Option<u16> {
        let digits = self.rest().get(offset..offset.checked_add(4)?)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), DocumentError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn skip_space(&mut self) {
        let space = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at = self.at.saturating_add(space);
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn place(&mut self) -> Place {
        let (from, place) = self.known;
        let place = place.after(self.text.get(from..self.at).unwrap_or_default());
        self.known = (self.at, place);
        place
    }

    fn unexpected(&mut self, expected: &str) -> DocumentError {
        let found = match self.rest().chars().next() {
            None => "the end of the text".to_owned(),
            Some('\u{feff}') => "a byte order mark".to_owned(),
            Some(char) if char.is_control() => format!("the character U+{:04X}", u32::from(char)),
            Some(char) => format!("`{char}`"),
        };
        DocumentError::new(self.place(), format!("is no JSON: expected {expected}, found {found}"))
    }
}

/// Whether `text` is a number of RFC 8259, which allows neither a leading zero nor a bare dot.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}

fn shorten(text: &str) -> String {
    let short: String = text.chars().take(24).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

#[cfg(test)]
mod tests;
