//! The caller's trace, as W3C Trace Context (<https://www.w3.org/TR/trace-context/>) names it in `traceparent`.

/// A trace id: 32 lower-case hexadecimal digits, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 32]);

impl TraceId {
    /// The trace id in a `traceparent` header's value; none if the header breaks the specification anywhere.
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let mut fields = value.split('-');
        let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let known = hex(version, 2) && version != "ff";
        // Version 00 ends after the flags; later versions may add fields.
        let ended = version != "00" || fields.next().is_none();
        let named = |id: &str, digits| hex(id, digits) && id.bytes().any(|digit| digit != b'0');
        if !(known && ended && named(trace, 32) && named(parent, 16) && hex(flags, 2)) {
            return None;
        }
        trace.as_bytes().try_into().ok().map(Self)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The caller's span, and whether it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The trace that the span belongs to.
    pub trace: TraceId,
    span: [u8; 16],
    /// Whether the caller records its own part of the trace.
    pub is_sampled: bool,
}

impl Caller {
    /// The caller in a `traceparent` header's value; none if the header breaks the specification anywhere.
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let trace = TraceId::from_traceparent(value)?;
        let mut rest = value.split('-').skip(2);
        let (span, flags) = (rest.next()?.as_bytes().try_into().ok()?, rest.next()?);
        let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self { trace, span, is_sampled })
    }

    /// The span's id: 16 lower-case hexadecimal digits.
    pub fn span(&self) -> &str {
        std::str::from_utf8(&self.span).unwrap_or_default()
    }
}

fn hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        assert_eq!(TraceId::from_traceparent(value).as_ref().map(TraceId::as_str), expected);
    }

    #[test]
    fn takes_the_trace_id_of_a_valid_header() {
        let id = Some("4bf92f3577b34da6a3ce929d0e0e4736");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", id);
        check("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", id);
    }

    #[test]
    fn knows_whether_the_caller_records() {
        let caller = |flags: &str| {
            Caller::from_traceparent(&format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}")).unwrap()
        };
        assert_eq!(caller("01").span(), "00f067aa0ba902b7");
        assert_eq!(["01", "00", "03", "02"].map(|flags| caller(flags).is_sampled), [true, false, true, false]);
        assert_eq!(Caller::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"), None);
    }

    #[test]
    fn takes_nothing_from_an_invalid_header() {
        check("", None);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", None);
        check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", None);
        check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", None);
        check("00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01", None);
    }
}
