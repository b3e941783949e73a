//! Writing results to stdout and complaints to stderr. A reader that has gone away is no error.

use std::io::{self, IsTerminal as _, Write as _};

/// Writes a result.
pub(super) fn result(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Stdout, to which nothing is written any more once its reader has gone away.
pub(super) struct Stdout {
    has_reader: bool,
}

impl Stdout {
    /// Of this process.
    pub(super) fn open() -> Self {
        Self { has_reader: true }
    }

    /// Whether a person watches.
    pub(super) fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    fn attempt<T>(&mut self, unread: T, act: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<T>) -> io::Result<T> {
        if !self.has_reader {
            return Ok(unread);
        }
        match act(&mut io::stdout().lock()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.has_reader = false;
                Ok(unread)
            }
            done => done,
        }
    }
}

impl io::Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |stdout| stdout.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), |stdout| stdout.flush())
    }
}

/// Writes a value as one JSON document.
pub(super) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    result(&text)
}

/// Says on stderr why something could not be done.
pub(super) fn complain(error: &anyhow::Error) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(io::stderr().lock(), "policy: {error:#}");
}

/// Says something on stderr that helps a person.
pub(super) fn hint(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether stdout shows colours: a terminal, and nobody asked for none (<https://no-color.org>).
pub(super) fn has_colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
