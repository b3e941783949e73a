//! What a YAML scalar means to `kubectl`: YAML 1.1's types as Go's reader (`sigs.k8s.io/yaml` over yaml.v2) knows them.
//!
//! So `on` is true, `0644` is 420, `1_000` is 1000 and `1e400` is text.

use std::sync::Arc;

use super::Content;

/// How a scalar is written, as far as its type depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Notation<'a> {
    /// Without quotes: the text decides.
    Plain,
    /// In quotes, in a block, or with the tag `!`: a string.
    Text,
    /// With a tag of YAML's own, such as `int` for `!!int`.
    Tagged(&'a str),
}

/// What `text` means. The error says what is wrong, without the place.
pub(super) fn resolve(text: &str, notation: Notation<'_>) -> Result<Content, String> {
    match notation {
        Notation::Plain => Ok(plain(text)),
        Notation::Text => Ok(string(text)),
        Notation::Tagged(tag) => tagged(text, tag),
    }
}

/// What `content` is called as a key of a JSON object.
pub(super) fn key_text(content: &Content) -> Result<Arc<str>, &'static str> {
    match content {
        Content::String(text) => Ok(Arc::clone(text)),
        Content::Bool(value) => Ok(Arc::from(value.to_string())),
        Content::Integer(value) => Ok(Arc::from(value.to_string())),
        Content::Float(value) => Ok(Arc::from(go_float(*value))),
        Content::Null => Err("a key must not be empty or null"),
        Content::Unsigned(_) => Err("an integer as key must not exceed 9223372036854775807"),
        Content::Sequence(_) | Content::Mapping(_) => Err("a key must not be a list or a mapping"),
    }
}

fn string(text: &str) -> Content {
    Content::String(Arc::from(text))
}

/// What a plain scalar means; any text means something.
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Content::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Content::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Content::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Content::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Content::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') if underscores_part_digits(text) => float(&text.replace('_', "")),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits)).or_else(|| odd_binary(&digits))
        }
        _ => None,
    };
    number.unwrap_or_else(|| string(text))
}

/// Whether every underscore has a digit on both sides.
fn underscores_part_digits(text: &str) -> bool {
    let mut parts = text.split('_').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let begins = first || part.starts_with(|char: char| char.is_ascii_digit());
        let ends = parts.peek().is_none() || part.ends_with(|char: char| char.is_ascii_digit());
        if !(begins && ends) {
            return false;
        }
        first = false;
    }
    true
}

/// An integer as Go's base prefixes have it: `0x`, `0o`, `0b`, and a plain leading zero for octal.
fn integer(text: &str) -> Option<Content> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("", text.get(1..)?),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Some(Content::Integer(value));
    }
    // Go reads integers beyond `i64` only without a sign.
    let unsigned = text.starts_with(|char: char| char.is_ascii_digit());
    u64::from_str_radix(digits, radix).ok().filter(|_| unsigned).map(Content::Unsigned)
}

/// A decimal number; none if it is not written as one or exceeds a 64-bit float.
fn float(text: &str) -> Option<Content> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    let value = text.parse::<f64>().ok()?;
    (well_formed && value.is_finite()).then_some(Content::Float(value))
}

/// The oddity `0b-101`, which Go's reader takes for -5.
fn odd_binary(text: &str) -> Option<Content> {
    i64::from_str_radix(text.strip_prefix("0b")?, 2).ok().map(Content::Integer)
}

fn tagged(text: &str, tag: &str) -> Result<Content, String> {
    let content = match tag {
        "str" | "merge" => Some(string(text)),
        "binary" => return binary(text),
        "timestamp" => is_timestamp(text).then(|| string(text)),
        "null" | "bool" | "int" | "float" => match (tag, plain(text)) {
            ("null", content @ Content::Null)
            | ("bool", content @ Content::Bool(_))
            | ("int", content @ (Content::Integer(_) | Content::Unsigned(_)))
            | ("float", content @ Content::Float(_)) => Some(content),
            #[expect(clippy::cast_precision_loss, reason = "what the tag asks for")]
            ("float", Content::Integer(value)) => Some(Content::Float(value as f64)),
            _ => None,
        },
        _ => return Err(format!("tag `!!{tag}` means nothing to Kubernetes")),
    };
    content.ok_or_else(|| format!("{text:?} is no value of type `!!{tag}`"))
}

/// Whether `text` begins like a date, `2001-1-1`.
fn is_timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(|year| year.len() == 4 && digits(year))
        && parts.next().is_some_and(|month| month.len() <= 2 && digits(month))
        && parts.next().is_some_and(|day| day.starts_with(|char: char| char.is_ascii_digit()))
}

/// Decodes `!!binary` as Go does: padded standard base64, line breaks ignored, and bytes that are no text become U+FFFD.
fn binary(text: &str) -> Result<Content, String> {
    let bytes = decode_base64(text).ok_or_else(|| "value of `!!binary` is no base64".to_owned())?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(string(&decoded))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut lenient = data_encoding::BASE64.specification();
    "\r\n".clone_into(&mut lenient.ignore);
    lenient.check_trailing_bits = false;
    lenient.encoding().ok()?.decode(text.as_bytes()).ok()
}

/// A float as Go's `FormatFloat(value, 'g', -1, 32)` writes it: the shortest text that reads back as 32 bits.
fn go_float(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Go narrows keys to 32 bits too")]
    let narrow = value as f32;
    if narrow.is_nan() {
        return ".nan".to_owned();
    }
    if narrow.is_infinite() {
        return if narrow > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{narrow:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return narrow.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks against what `sigs.k8s.io/yaml` 1.6 gave for the same text.
    #[track_caller]
    fn check(text: &str, expected: &Content) {
        assert_eq!(&plain(text), expected, "{text}");
    }

    #[track_caller]
    fn key(text: &str, expected: &str) {
        assert_eq!(key_text(&plain(text)).as_deref(), Ok(expected));
    }

    #[track_caller]
    fn tag(tag: &str, text: &str, expected: Result<Content, &str>) {
        assert_eq!(tagged(text, tag), expected.map_err(str::to_owned), "!!{tag} {text}");
    }

    #[test]
    fn knows_the_booleans_and_nulls_of_yaml_1_1() {
        for text in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] {
            check(text, &Content::Bool(true));
        }
        for text in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] {
            check(text, &Content::Bool(false));
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, &Content::Null);
        }
        for text in ["nO", "yEs", "oN", "tRUE", "nUll", "none", "nil"] {
            check(text, &string(text));
        }
    }

    #[test]
    fn reads_integers_in_every_base() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+1", 1),
            ("0644", 420),
            ("0o17", 15),
            ("0O17", 15),
            ("0x1F", 31),
            ("-0x10", -16),
            ("0b101", 5),
            ("-0b101", -5),
            ("0b-101", -5),
            ("1_000", 1000),
            ("0777_7", 4095),
            ("-0x_1", -1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            check(text, &Content::Integer(value));
        }
        check("9223372036854775808", &Content::Unsigned(9_223_372_036_854_775_808));
        check("18446744073709551615", &Content::Unsigned(u64::MAX));
    }

    #[test]
    fn reads_floats() {
        for (text, value) in [
            ("08", 8.0),
            ("0_8", 8.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+.5", 0.5),
            (".1_5", 0.15),
            ("1_0.5", 10.5),
            ("1e3", 1000.0),
            ("12e03", 12000.0),
            ("1E-7", 1e-7),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("-9223372036854775809", -9_223_372_036_854_775_809.0),
            ("+9223372036854775808", 9_223_372_036_854_775_808.0),
        ] {
            check(text, &Content::Float(value));
        }
        check("-.INF", &Content::Float(f64::NEG_INFINITY));
    }

    #[test]
    fn leaves_the_rest_as_text() {
        for text in [
            "1e400",
            "0x",
            "0x1p3",
            "0b",
            "0b2",
            "1e",
            "e5",
            "1.2.3",
            "1:30",
            "190:20:30",
            "2001-01-01",
            "+",
            "-",
            ".",
            "_1",
            "1 2",
            "._5",
            ".5_",
            "0x+1",
            "--1",
            "+-1",
            ".e5",
            "inf",
            "nan",
            "infinity",
            ".infinity",
            "<<",
            "=",
            "1١",
            "2001-12-14T21:59:43Z",
            "+.e",
            "\u{661}",
        ] {
            check(text, &string(text));
        }
    }

    #[test]
    fn writes_keys_as_go_does() {
        key("on", "true");
        key("off", "false");
        key("0x10", "16");
        key("1.5", "1.5");
        key("1e3", "1000");
        key("123456.0", "123456");
        key("1000000.0", "1e+06");
        key("1e21", "1e+21");
        key("0.00001", "1e-05");
        key("0.1", "0.1");
        key("2001-01-01", "2001-01-01");
        key(".inf", ".inf");
        assert!(key_text(&plain("~")).is_err());
        assert!(key_text(&plain("18446744073709551615")).is_err());
    }

    #[test]
    fn obeys_tags() {
        tag("str", "12", Ok(string("12")));
        tag("str", "", Ok(string("")));
        tag("int", "0x10", Ok(Content::Integer(16)));
        tag("int", "1.5", Err(r#""1.5" is no value of type `!!int`"#));
        tag("int", "", Err(r#""" is no value of type `!!int`"#));
        tag("float", "1", Ok(Content::Float(1.0)));
        tag("float", "18446744073709551615", Err(r#""18446744073709551615" is no value of type `!!float`"#));
        tag("bool", "yes", Ok(Content::Bool(true)));
        tag("bool", "x", Err(r#""x" is no value of type `!!bool`"#));
        tag("null", "", Ok(Content::Null));
        tag("null", "x", Err(r#""x" is no value of type `!!null`"#));
        tag("timestamp", "2001-01-01", Ok(string("2001-01-01")));
        tag("timestamp", "x", Err(r#""x" is no value of type `!!timestamp`"#));
        tag("binary", "aGVs\nbG8=", Ok(string("hello")));
        tag("binary", "/w==", Ok(string("\u{fffd}")));
        tag("binary", "4oI=", Ok(string("\u{fffd}\u{fffd}")));
        tag("binary", "aGk", Err("value of `!!binary` is no base64"));
        tag("binary", "a===", Err("value of `!!binary` is no base64"));
        tag("binary", "a=b=", Err("value of `!!binary` is no base64"));
        tag("set", "x", Err("tag `!!set` means nothing to Kubernetes"));
    }
}
