//! Where the parts of a stream begin, told line by line, so that no more than one part needs to be at hand.

/// What a line is to the part before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It belongs to the same part.
    Within,
    /// It belongs to the same part, and all lines before it hold nothing, not even a comment.
    Blank,
    /// The next part begins with it.
    Begins,
}

/// Takes the lines of a stream one by one. Each part begins at a line `---`; comments and directives above a document
/// belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Cutter {
    has_content: bool,
    is_blank: bool,
}

impl Default for Cutter {
    fn default() -> Self {
        Self { has_content: false, is_blank: true }
    }
}

impl Cutter {
    /// Takes the next line, its line break included.
    pub fn take(&mut self, line: &[u8]) -> Cut {
        let separated = line.strip_prefix(b"---").filter(|rest| !continues_word(rest));
        let cut = match separated {
            Some(_) if self.has_content => {
                *self = Self::default();
                Cut::Begins
            }
            Some(_) if self.is_blank => Cut::Blank,
            Some(_) | None => Cut::Within,
        };
        if !self.has_content {
            let rest = separated.unwrap_or(line);
            self.is_blank &= rest.trim_ascii().is_empty();
            self.has_content = !line.starts_with(b"%") && has_content(rest);
        }
        cut
    }
}

/// Whether what follows `---` makes it a part of something else, such as `----`.
fn continues_word(rest: &[u8]) -> bool {
    match rest.utf8_chunks().next() {
        None => false,
        Some(chunk) => !chunk.valid().starts_with(char::is_whitespace),
    }
}

/// Whether a line holds more than a comment or the end of a document.
fn has_content(line: &[u8]) -> bool {
    // What is no UTF-8 is content, to be refused where it is read.
    std::str::from_utf8(line).map_or(true, |line| {
        let line = line.trim();
        !line.is_empty() && line != "..." && !line.starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Cut]) {
        let mut cutter = Cutter::default();
        let cuts: Vec<Cut> = text.split_inclusive('\n').map(|line| cutter.take(line.as_bytes())).collect();
        assert_eq!(cuts, expected, "{text:?}");
    }

    #[test]
    fn a_separator_begins_a_part_only_behind_content() {
        use Cut::{Begins, Blank, Within};
        check("a: 1\n---\nb: 2\n", &[Within, Begins, Within]);
        check("--- a\n---b\n----\n---\t#\n---", &[Blank, Within, Within, Begins, Within]);
        check("---\n\n---\n# c\n---\na\n", &[Blank, Within, Blank, Within, Within, Within]);
        check("%YAML 1.1\n---\na: 1\n...\n---", &[Within, Within, Within, Within, Begins]);
        check("a\n\u{a0}---\n---\u{a0}x\n", &[Within, Within, Begins]);
        let mut cutter = Cutter::default();
        assert_eq!([b"---\xff".as_slice(), b"\xff\n", b"---"].map(|line| cutter.take(line)), [Within, Within, Begins]);
    }
}
