//! How long one answer may take: the API server's `?timeout=` read as a Go duration, and the part of it that is ours.

use std::time::Duration;

/// What is kept for the way back and the API server's own work.
const MARGIN: Duration = Duration::from_millis(100);

/// The API server rounds the time that remains up to a whole second, so the true deadline can be this much earlier.
const ROUNDING: Duration = Duration::from_secs(1);

/// The time for one answer: `configured`, or the `timeout` in `query` if that is valid and shorter, less a margin.
///
/// The budget ends at least 100 ms before either of them for anything from 200 ms up, a second earlier for timeouts of
/// 2 s and more, and is never less than half.
pub fn budget(query: Option<&str>, configured: Duration) -> Duration {
    let asked = query.and_then(parameter).and_then(go_duration);
    let nominal = asked.unwrap_or(configured).min(configured);
    let certain = asked.map_or(configured, |asked| asked.saturating_sub(ROUNDING).max(asked / 2).min(configured));
    certain.saturating_sub(MARGIN).max(nominal / 2)
}

/// The first `timeout` parameter of `query`. In a duration only `µ`, `μ` and `+` can come percent-encoded.
fn parameter(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix("timeout=")).map(decode)
}

/// Percent-decoding; a bad escape stays as it is and spoils the number. A bare `+` stays a plus sign and not the space
/// of a form, since `+1s` is a duration.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        match (byte, ahead.next().and_then(digit), ahead.next().and_then(digit)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A positive duration as Go's `time.ParseDuration` reads it (<https://pkg.go.dev/time#ParseDuration>); none for
/// anything else, zero, negative and overflowing ones included.
fn go_duration(text: impl AsRef<str>) -> Option<Duration> {
    let text = text.as_ref();
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after_whole) = split_digits(rest);
        let (fraction, after_number) = match after_whole.strip_prefix('.') {
            Some(after_point) => split_digits(after_point),
            None => ("", after_whole),
        };
        let unit_end = after_number.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at_checked(unit_end)?;
        let unit = nanoseconds(unit)?;
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(part_of(fraction, unit))?;
        rest = after_unit;
    }
    // Go's durations are signed 64-bit nanoseconds.
    (total > 0 && i64::try_from(total).is_ok()).then(|| Duration::from_nanos(total))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn nanoseconds(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        // The micro sign U+00B5 and the Greek letter mu U+03BC.
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// `0.fraction` of `unit`, cut to whole nanoseconds: 13 digits decide, since an hour has 3.6 × 10¹² of them.
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale): (u128, u128) = (0, 1);
    for digit in fraction.chars().take(13).filter_map(|digit| digit.to_digit(10)) {
        value = value * 10 + u128::from(digit);
        scale *= 10;
    }
    u64::try_from(value * u128::from(unit) / scale).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        assert_eq!(go_duration(text), expected, "{text:?}");
    }

    #[test]
    fn reads_every_form_of_a_go_duration() {
        check("1s", Some(Duration::from_secs(1)));
        check("1m0s", Some(Duration::from_mins(1)));
        check("500ms", Some(Duration::from_millis(500)));
        check("1.5h", Some(Duration::from_mins(90)));
        check(".5s", Some(Duration::from_millis(500)));
        check("5.s", Some(Duration::from_secs(5)));
        check("100us", Some(Duration::from_micros(100)));
        check("100\u{b5}s", Some(Duration::from_micros(100)));
        check("100\u{3bc}s", Some(Duration::from_micros(100)));
        check("7ns", Some(Duration::from_nanos(7)));
        check("+1s", Some(Duration::from_secs(1)));
        check("1h2m3s4ms5us6ns", Some(Duration::from_nanos(3_723_004_005_006)));
        check("0.100000000000000000000h", Some(Duration::from_mins(6)));
    }

    #[test]
    fn ignores_what_is_no_positive_duration() {
        for text in [
            "",
            "0",
            "0s",
            "-1s",
            "10",
            "s",
            ".s",
            "+",
            "++1s",
            "1 s",
            "1S",
            "1s ",
            "1d",
            "1e3s",
            "x",
            "1.2.3s",
            "1ſ",
            "9223372036854775808ns",
            "99999999999999999999s",
            "2562048h",
        ] {
            check(text, None);
        }
    }

    #[track_caller]
    fn check_budget(query: Option<&str>, expected_ms: u64) {
        assert_eq!(budget(query, Duration::from_secs(10)), Duration::from_millis(expected_ms), "{query:?}");
    }

    #[test]
    fn leaves_time_for_the_way_back_and_the_rounding() {
        check_budget(None, 9_900);
        check_budget(Some("timeout=30s"), 9_900);
        check_budget(Some("timeout=10s"), 8_900);
        check_budget(Some("timeout=2s"), 1_000);
        check_budget(Some("timeout=1s"), 500);
        check_budget(Some("timeout=500ms"), 250);
    }

    #[test]
    fn finds_the_timeout_among_other_parameters() {
        check_budget(Some("a=b&timeout=1s"), 500);
        check_budget(Some("timeout=%2B1s"), 500);
        check_budget(Some("timeout=+1s"), 500);
        check_budget(Some("timeout=1000000%C2%B5s"), 500);
        check_budget(Some("timeout=-1s"), 9_900);
        check_budget(Some("timeout=%zz"), 9_900);
        check_budget(Some("xtimeout=1s"), 9_900);
    }
}
