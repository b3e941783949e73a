//! Where verdicts go, and in which form: stdout, and any number of files.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use super::file::{ReportFile, resolve};
use super::progress::Progress;
use crate::cli::output::{Stdout, has_colour};
use crate::report::github::Github;
use crate::report::gitlab::Gitlab;
use crate::report::json::Json;
use crate::report::junit::Junit;
use crate::report::sarif::Sarif;
use crate::report::text::Text;
use crate::report::{Closing, Sink};
use crate::suite::judge::Found;

/// In which form verdicts are written, and where to.
#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    /// The form of what goes to stdout; text if left out.
    #[arg(long, value_enum, value_name = "FORMAT", env = "PORTCULLIS_FORMAT")]
    format: Option<ReportFormat>,

    /// Also write a file in this form, such as json=report.json; - is stdout. May be repeated.
    ///
    /// The file appears when it is complete: a run that is killed leaves the old one.
    #[arg(long = "output", value_name = "FORMAT=FILE", env = "PORTCULLIS_OUTPUT", value_delimiter = ',',
          value_parser = destination)]
    outputs: Vec<Destination>,
}

/// The forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people.
    Text,
    /// For machines: one JSON document.
    Json,
    /// For CI systems that show tests: a suite a file, a case an object.
    Junit,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitHub workflows: annotations.
    Github,
    /// For GitLab: a code-quality report.
    Gitlab,
}

/// The sink that writes in a form. Colours are ANSI, or none.
fn sink(format: ReportFormat, writer: impl Write + 'static, colour: bool) -> Box<dyn Sink> {
    match format {
        ReportFormat::Text => Box::new(Text::new(writer, colour)),
        ReportFormat::Json => Box::new(Json::new(writer)),
        ReportFormat::Junit => Box::new(Junit::new(writer)),
        ReportFormat::Sarif => Box::new(Sarif::new(writer)),
        ReportFormat::Github => Box::new(Github::new(writer)),
        ReportFormat::Gitlab => Box::new(Gitlab::new(writer)),
    }
}

/// One value of `--output`.
#[derive(Clone, Debug)]
struct Destination {
    format: ReportFormat,
    /// None for stdout.
    path: Option<PathBuf>,
    /// As the user wrote it.
    text: String,
}

fn destination(text: &str) -> Result<Destination, String> {
    let (format, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or_else(|| "expected FORMAT=FILE, such as json=report.json".to_owned())?;
    let known = || {
        let names = ReportFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let format = ReportFormat::from_str(format, false)
        .map_err(|_| format!("no form is named {format:?}; expected one of {}", known()))?;
    Ok(Destination { format, path: (path != "-").then(|| PathBuf::from(path)), text: text.to_owned() })
}

/// All places that verdicts are written to.
pub(super) struct Outputs(Vec<Output>);

struct Output {
    /// How complaints name it.
    name: String,
    sink: Box<dyn Sink>,
    writer: Shared,
    /// None for stdout.
    file: Option<ReportFile>,
    /// Why it was given up.
    failure: Option<io::Error>,
    /// Whether somebody watches.
    is_terminal: bool,
}

/// A writer that a sink writes to, and its output flushes.
#[derive(Clone)]
struct Shared(Rc<RefCell<dyn Write>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl Outputs {
    /// Opens all of them, or none: what cannot be written is told before anything is judged.
    pub(super) fn open(arguments: &OutputArgs, progress: &Progress) -> anyhow::Result<Self> {
        let to_stdout = stdout_format(arguments)?;
        let mut outputs = vec![Output::stdout(to_stdout, progress)];
        let mut paths = Vec::new();
        for destination in &arguments.outputs {
            let Some(path) = &destination.path else { continue };
            let path = resolve(path).with_context(|| cannot_write(destination))?;
            if paths.contains(&path) {
                bail!("--output {}: another --output writes this file", destination.text);
            }
            paths.push(path.clone());
            let output = Output::file(destination, path).with_context(|| cannot_write(destination))?;
            outputs.push(output);
        }
        Ok(Self(outputs))
    }

    /// Writes what was found. An output that fails is given up, and the others go on.
    pub(super) fn take(&mut self, found: &Found) {
        for output in &mut self.0 {
            output.attempt(|sink| match found {
                Found::Judged(judgement) => sink.judgement(judgement),
                Found::Skipped(skipped) => sink.skipped(skipped),
                Found::Problem(problem) => sink.problem(problem),
            });
        }
    }

    /// Ends all of them. An error names the first that failed.
    pub(super) fn finish(self, closing: &Closing<'_>) -> anyhow::Result<()> {
        let mut failures = Vec::new();
        for mut output in self.0 {
            output.attempt(|sink| sink.finish(closing));
            let name = std::mem::take(&mut output.name);
            failures
                .extend(output.close().err().map(|error| anyhow!(error).context(format!("{name}: cannot be written"))));
        }
        failures.into_iter().next().map_or(Ok(()), Err)
    }
}

fn cannot_write(destination: &Destination) -> String {
    format!("--output {}: cannot be written", destination.text)
}

/// What goes to stdout: `--format`, or the one `--output` that says so.
fn stdout_format(arguments: &OutputArgs) -> anyhow::Result<ReportFormat> {
    let mut named = arguments.outputs.iter().filter(|destination| destination.path.is_none());
    match (arguments.format, named.next(), named.next()) {
        (_, Some(_), Some(second)) => bail!("--output {}: another --output writes to stdout", second.text),
        (Some(format), Some(first), None) if format != first.format => {
            bail!("--output {}: --format says what goes to stdout; leave out one of them", first.text)
        }
        (_, Some(first), None) => Ok(first.format),
        (format, None, _) => Ok(format.unwrap_or(ReportFormat::Text)),
    }
}

impl Output {
    fn stdout(format: ReportFormat, progress: &Progress) -> Self {
        let is_terminal = Stdout::is_terminal();
        let stdout = Stdout::open();
        let writer: Rc<RefCell<dyn Write>> = if is_terminal {
            Rc::new(RefCell::new(io::BufWriter::new(progress.above(stdout))))
        } else {
            Rc::new(RefCell::new(io::BufWriter::new(stdout)))
        };
        let writer = Shared(writer);
        let sink = sink(format, writer.clone(), has_colour());
        Self { name: "stdout".to_owned(), sink, writer, file: None, failure: None, is_terminal }
    }

    fn file(destination: &Destination, path: PathBuf) -> io::Result<Self> {
        let file = ReportFile::create(path)?;
        let writer = Shared(Rc::new(RefCell::new(io::BufWriter::new(file.writer()?))));
        let sink = sink(destination.format, writer.clone(), false);
        Ok(Self {
            name: format!("--output {}", destination.text),
            sink,
            writer,
            file: Some(file),
            failure: None,
            is_terminal: false,
        })
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Sink) -> io::Result<()>) {
        if self.failure.is_none() {
            let written = write(self.sink.as_mut());
            let flushed = written.and_then(|()| if self.is_terminal { self.writer.flush() } else { Ok(()) });
            self.failure = flushed.err();
        }
    }

    fn close(mut self) -> io::Result<()> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.writer.flush().and_then(|()| self.file.map_or(Ok(()), ReportFile::complete)),
        }
    }
}
