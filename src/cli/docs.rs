//! `policy docs`: a page for each policy and a table of all, for people who must follow them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{CLEAN, VIOLATIONS, output};
use crate::engine::policy_set::PolicySet;
use crate::report::docs::{MARK, Page, pages};
use crate::source::{Location, Profile};

/// Write a page for each policy and a table of all, as Markdown, from METADATA.
///
/// Pages of policies that are gone are removed; no other file of the directory is touched. With --check nothing is
/// written, and the exit code is 1 if something would be.
#[derive(Args, Debug)]
pub(super) struct DocsArgs {
    /// Directory that gets the pages; it is made if it is not there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Directory of policies (or one file); the shipped set if left out.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_POLICIES")]
    policies: Option<PathBuf>,

    /// Write nothing; name the pages that are not as they would be written.
    #[arg(long, env = "PORTCULLIS_CHECK_DOCS")]
    check: bool,
}

pub(super) fn run(arguments: &DocsArgs) -> anyhow::Result<u8> {
    let profiles = profiles(arguments)?;
    let set = load(arguments, Profile::None)?;
    let pages = pages(set.policies(), &profiles);
    let changed = changed(&arguments.directory, &pages)?;
    if arguments.check {
        for file in &changed {
            output::hint(&format!("{}: stale", arguments.directory.join(file).display()));
        }
        return Ok(if changed.is_empty() { CLEAN } else { VIOLATIONS });
    }
    write(&arguments.directory, &pages, &changed)?;
    Ok(CLEAN)
}

/// Every profile with the policies as it configures them.
fn profiles(arguments: &DocsArgs) -> anyhow::Result<Vec<(String, PolicySet)>> {
    let names = Profile::known(arguments.policies.as_deref())?;
    names
        .into_iter()
        .map(|name| {
            let set = load(arguments, Profile::Named(name.clone()))?;
            Ok((name, set))
        })
        .collect()
}

fn load(arguments: &DocsArgs, profile: Profile) -> anyhow::Result<PolicySet> {
    let location = Location { policies: arguments.policies.clone(), profile, ..Location::default() };
    Ok(location.load()?.set)
}

/// The files that are to be written or removed.
fn changed(directory: &Path, pages: &[Page]) -> anyhow::Result<BTreeSet<String>> {
    let mut changed = BTreeSet::new();
    for page in pages {
        let written = fs::read_to_string(directory.join(&page.file)).ok();
        if written.as_deref() != Some(&page.text) {
            changed.insert(page.file.clone());
        }
    }
    changed.extend(ours(directory)?.into_iter().filter(|file| pages.iter().all(|page| page.file != *file)));
    Ok(changed)
}

/// The pages of a directory that were written by this command.
fn ours(directory: &Path) -> anyhow::Result<Vec<String>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let unreadable = || format!("{} cannot be read", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let is_ours = fs::read_to_string(&path).is_ok_and(|text| text.contains(MARK));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        files.extend(name.filter(|_| is_ours));
    }
    Ok(files)
}

fn write(directory: &Path, pages: &[Page], changed: &BTreeSet<String>) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    for file in changed {
        let path = directory.join(file);
        let done = match pages.iter().find(|page| page.file == *file) {
            Some(page) => fs::write(&path, &page.text),
            None => fs::remove_file(&path),
        };
        done.with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
