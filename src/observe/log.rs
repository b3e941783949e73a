//! The log: one line an event, JSON for machines or text for people. A plain locked write; a line that cannot be
//! written is lost, never the request. No byte of an event can end a line or steer a terminal.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use serde_json::value::RawValue;

use crate::observe::event::{Event, Level};

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// Time, level, event and `key=value` pairs.
    Text,
}

/// Where lines go.
pub struct Log {
    format: Format,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Log {
    /// A log on standard error.
    pub fn stderr(format: Format) -> Self {
        Self::to(format, Box::new(io::stderr()))
    }

    /// A log on any writer.
    pub fn to(format: Format, sink: Box<dyn Write + Send>) -> Self {
        Self { format, sink: Mutex::new(sink) }
    }

    /// Writes one line about `event`; false if it was lost.
    pub fn write(&self, event: &Event<'_>) -> bool {
        let Some(mut line) = json_line(event) else {
            return false;
        };
        if self.format == Format::Text {
            let Some(text) = text_line(&line) else {
                return false;
            };
            line = text.into_bytes();
        }
        line.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&line).is_ok()
    }
}

/// What every line starts with.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: Level,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

fn json_line(event: &Event<'_>) -> Option<Vec<u8>> {
    let line = Line { time: format!("{:.3}", Timestamp::now()), level: event.level(), event };
    let mut bytes = Vec::with_capacity(512);
    line.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Tame)).ok()?;
    Some(bytes)
}

/// Compact JSON in which nothing steers a terminal: JSON itself escapes only the controls below U+0020.
struct Tame;

impl Formatter for Tame {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(steers) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(wild) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(wild))?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        CompactFormatter.write_char_escape(writer, escape)
    }
}

/// Controls, line and paragraph separators, and the marks that reorder text: all below U+10000, so that four digits
/// name them.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A JSON line as `2026-11-21T10:00:00.000Z warn  reload_failed what=policies error="…"`.
fn text_line(json: &[u8]) -> Option<String> {
    let fields = serde_json::Deserializer::from_slice(json).deserialize_map(InOrder).ok()?;
    let mut line = String::with_capacity(json.len());
    for (place, (key, value)) in fields.iter().enumerate() {
        let bare = value.get().trim_matches('"');
        match place {
            0 => write!(line, "{bare}"),
            1 => write!(line, " {bare:<5}"),
            2 => write!(line, " {bare}"),
            _ if plain(bare) => write!(line, " {key}={bare}"),
            _ => write!(line, " {key}={}", value.get()),
        }
        .ok()?;
    }
    Some(line)
}

/// Whether a value can stand without quotes and be told from its neighbours.
fn plain(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '=' | '\\' | '{' | '['))
}

/// An object's fields in the order they stand.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A sink that can be read.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(format: Format, event: &Event<'_>) -> String {
        let kept = Kept::default();
        assert!(Log::to(format, Box::new(kept.clone())).write(event));
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_starts_with_time_level_and_event() {
        let line = line(Format::Json, &Event::ReloadFailed { what: "policies", error: "no \"deny\"" });
        let end = r#"Z","level":"error","event":"reload_failed","what":"policies","error":"no \"deny\""}"#;
        assert!(line.starts_with(r#"{"time":"20"#) && line.trim_end().ends_with(end), "{line}");
    }

    #[test]
    fn a_text_line_reads_well() {
        let line = line(Format::Text, &Event::ReloadFailed { what: "policies", error: "no deny" });
        assert!(line.ends_with("Z error reload_failed what=policies error=\"no deny\"\n"), "{line}");
    }

    #[test]
    fn no_field_can_forge_a_line_or_steer_a_terminal() {
        let wild = "a\nb\r\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{202e}é";
        for format in [Format::Json, Format::Text] {
            let line = line(format, &Event::Warning { message: wild });
            let body = line.strip_suffix('\n').unwrap();
            assert!(!body.contains(steers), "{body:?}");
            assert!(body.contains('é'));
        }
    }

    #[test]
    fn an_escaped_field_keeps_its_value() {
        let message = "a\nb\u{7f}\u{2028}\u{feff}";
        let line = line(Format::Json, &Event::Warning { message });
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read.get("message").and_then(|value| value.as_str()), Some(message));
    }

    #[test]
    fn a_closed_sink_loses_the_line_and_nothing_else() {
        let log = Log::to(Format::Json, Box::new(Closed));
        assert!(!log.write(&Event::Draining { seconds: 10.0 }));
    }
}
