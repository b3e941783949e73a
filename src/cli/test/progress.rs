//! How far a long run is, on one line of a terminal that is written anew and gone in the end.

use std::cell::RefCell;
use std::env;
use std::io::{self, IsTerminal as _, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What takes less needs no comfort.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a line stands.
const INTERVAL: Duration = Duration::from_millis(100);

/// Carriage return, and what clears the rest of a line (ECMA-48, EL).
const CLEAR: &str = "\r\u{1b}[K";

/// The line, if there is somebody to see it.
#[derive(Clone)]
pub(super) struct Progress(Option<Rc<RefCell<Line>>>);

struct Line {
    started: Instant,
    is_shown: bool,
    /// When it is to be written next.
    due: Instant,
    objects: usize,
}

impl Progress {
    /// For a person at a terminal: a job's log is none, even where its stderr looks like one.
    pub(super) fn start() -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
        let is_dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        let is_watched = io::stderr().is_terminal() && !is_set("CI") && !is_dumb;
        let started = Instant::now();
        let due = started.checked_add(PATIENCE).unwrap_or(started);
        let line = Line { started, is_shown: false, due, objects: 0 };
        Self(is_watched.then(|| Rc::new(RefCell::new(line))))
    }

    /// One more object has been judged.
    pub(super) fn advance(&self) {
        if let Some(line) = &self.0 {
            line.borrow_mut().advance();
        }
    }

    /// Makes room for other lines.
    pub(super) fn clear(&self) {
        if let Some(line) = &self.0
            && std::mem::take(&mut line.borrow_mut().is_shown)
        {
            say(CLEAR);
        }
    }

    /// A writer to the same terminal, which clears the line before it writes.
    pub(super) fn above<W: Write>(&self, writer: W) -> Above<W> {
        Above { writer, progress: self.clone() }
    }
}

impl Line {
    fn advance(&mut self) {
        self.objects = self.objects.saturating_add(1);
        let now = Instant::now();
        if now < self.due {
            return;
        }
        (self.is_shown, self.due) = (true, now.checked_add(INTERVAL).unwrap_or(now));
        let took = now.saturating_duration_since(self.started).as_millis().max(1);
        let rate = (self.objects as u128).saturating_mul(1000).checked_div(took).unwrap_or_default();
        say(&format!("{CLEAR}{} objects judged, {rate} a second", self.objects));
    }
}

fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to tell if stderr is closed.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.is_shown {
            say(CLEAR);
        }
    }
}

/// Writes to the terminal that shows the line.
pub(super) struct Above<W> {
    writer: W,
    progress: Progress,
}

impl<W: Write> Write for Above<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.progress.clear();
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
