//! The patched manifests in a directory of their own: all files or none of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use clap::builder::FalseyValueParser;

use super::file::ReportFile;
use crate::cli::output::hint;
use crate::suite::judge::{Found, Judgement};
use crate::suite::manifest::Input;
use crate::suite::rewrite::{InputFile, Patched, Patches, files, rewrite};

/// Whether mutators act, and where what they made is written.
#[derive(Args, Debug)]
pub(super) struct MutateArgs {
    /// Mutate each object first, as the webhook would, show what changes, and judge the result.
    #[arg(long, env = "PORTCULLIS_MUTATE", value_parser = FalseyValueParser::new())]
    pub(super) mutate: bool,

    /// Write the manifests as the mutators leave them into this directory, under the same names. Comments and the order
    /// of keys stay; where that is not possible, stderr says so. Nothing is written if a manifest cannot be read or a
    /// mutator has no verdict.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_WRITE", requires = "mutate")]
    write: Option<PathBuf>,

    /// Replace files of the same names in the directory of --write.
    #[arg(long, env = "PORTCULLIS_FORCE", requires = "write", value_parser = FalseyValueParser::new())]
    force: bool,
}

/// The files to be written, and what has been found of them so far.
pub(super) struct Written {
    directory: PathBuf,
    is_forced: bool,
    files: Vec<InputFile>,
    /// How many objects of each file have come, and the patches of those that were changed.
    found: HashMap<Arc<str>, (usize, Patches)>,
    /// What could not be read, or was left without a verdict.
    failures: usize,
}

impl Written {
    /// Looks whether all can be written in the end: nothing if that is not asked for.
    pub(super) fn open(arguments: &MutateArgs, inputs: &[Input]) -> anyhow::Result<Option<Self>> {
        let Some(directory) = &arguments.write else { return Ok(None) };
        let asked = format!("--write {}", directory.display());
        if let Some(name) = inputs.iter().find_map(nameless) {
            bail!("{asked}: {name} has no name in a directory; save it in a file first");
        }
        let real = real(directory);
        for input in inputs {
            let Input::Path(path) = input else { continue };
            let input = self::real(path);
            if real.starts_with(&input) || input.starts_with(&real) {
                bail!("{asked}: lies within {0}, or {0} within it; choose a directory elsewhere", path.display());
            }
        }
        // What cannot be read is told by the run itself.
        let files = files(inputs).unwrap_or_default();
        let mut names = HashSet::new();
        for file in &files {
            if !names.insert(&file.relative) {
                bail!("{asked}: two inputs would be written to {}", file.relative.display());
            }
            let target = directory.join(&file.relative);
            if !arguments.force && target.symlink_metadata().is_ok() {
                bail!("{asked}: {} exists; --force replaces it", target.display());
            }
        }
        Ok(Some(Self {
            directory: directory.clone(),
            is_forced: arguments.force,
            files,
            found: HashMap::new(),
            failures: 0,
        }))
    }

    /// Keeps what was changed.
    pub(super) fn take(&mut self, found: &Found) {
        match found {
            Found::Skipped(_) => {}
            Found::Problem(_) => self.failures = self.failures.saturating_add(1),
            Found::Judged(judgement) => {
                let Judgement { file, line, mutated, unmutated, .. } = judgement;
                self.failures = self.failures.saturating_add(usize::from(*unmutated));
                let (count, patches) = self.found.entry(Arc::clone(file)).or_default();
                let number = *count;
                *count = number.saturating_add(1);
                if let Some(mutated) = mutated.as_ref().filter(|mutated| !mutated.patch.is_empty()) {
                    patches.insert(number, Patched { line: *line, patch: mutated.patch.clone() });
                }
            }
        }
    }

    /// Writes all files. They are made before the first of them is written.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let asked = format!("--write {}", self.directory.display());
        if self.failures > 0 {
            bail!("{asked}: nothing is written, as not every manifest could be read and mutated");
        }
        let mut rewritten = BTreeMap::new();
        for file in &self.files {
            let (_, patches) = self.found.remove(&file.name).unwrap_or_default();
            let bytes = fs::read(&file.path).with_context(|| format!("{}: cannot be read again", file.name))?;
            let made = rewrite(&bytes, file.is_json, &patches)
                .map_err(|error| anyhow!(error).context(file.name.to_string()))?;
            for line in &made.reflowed {
                hint(&format!("{}:{line}: comments and layout of this document were not kept", file.name));
            }
            rewritten.insert(&file.relative, made.bytes);
        }
        for (relative, bytes) in rewritten {
            let path = self.directory.join(relative);
            self.write(&path, &bytes).with_context(|| format!("{asked}: {} cannot be written", path.display()))?;
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        // Somebody may have put it there since we looked.
        if !self.is_forced && path.symlink_metadata().is_ok() {
            bail!("it exists; --force replaces it");
        }
        let file = ReportFile::create(path.to_owned())?;
        file.writer()?.write_all(bytes)?;
        Ok(file.complete()?)
    }
}

/// What names an input that is no file and no directory, such as a pipe, which can be read only once.
fn nameless(input: &Input) -> Option<String> {
    match input {
        Input::Stdin(_) | Input::Spooled(_) => Some("stdin".to_owned()),
        Input::Path(path) => {
            let is_odd = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
            is_odd.then(|| path.display().to_string())
        }
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let name = path.file_name().unwrap_or_default();
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => real(Path::new(".")).join(name),
        Some(parent) => real(parent).join(name),
        None => path.to_owned(),
    }
}
