//! `policy new`: writes a policy that works, with its tests and its suite, for its author to change.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{CLEAN, output};
use crate::engine::lint::builtin_kind;
use crate::engine::review::GroupVersionKind;
use crate::engine::scope::{self, KindPattern};

/// Write a new policy: its rule, its Rego tests, its suite and a fixture, which all pass.
///
/// The policy is an example of its kind, to be changed: `policy verify` and `policy check` accept it as it is. Exit 0
/// if it is written, 2 if it is not; then nothing is.
#[derive(Args, Debug)]
pub(super) struct NewArgs {
    /// The policy's name: lower-case letters, digits and _, such as `require_team_label`.
    name: String,

    /// Directory of policies, in which the policy gets a directory of its own.
    #[arg(long, value_name = "DIR", default_value = "policies", env = "PORTCULLIS_DIR")]
    dir: PathBuf,

    /// What it judges: Kind, group/Kind or group/version/Kind. `Pod` stands for the templates of workloads as well.
    #[arg(long, value_name = "KIND", default_value = "Pod", env = "PORTCULLIS_KIND")]
    kind: String,
}

/// A file's name below the policy's directory, with `{{name}}` for the policy's, and its text.
type Template = (&'static str, &'static str);

const POD: [Template; 4] = [
    ("{{name}}.rego", include_str!("new/pod.rego")),
    ("{{name}}_test.rego", include_str!("new/pod_test.rego")),
    ("suite.yaml", include_str!("new/pod.suite.yaml")),
    ("fixtures/deployment.yaml", include_str!("new/pod.fixture.yaml")),
];

const OBJECT: [Template; 4] = [
    ("{{name}}.rego", include_str!("new/object.rego")),
    ("{{name}}_test.rego", include_str!("new/object_test.rego")),
    ("suite.yaml", include_str!("new/object.suite.yaml")),
    ("fixtures/unlabelled.yaml", include_str!("new/object.fixture.yaml")),
];

/// Names that mean something else where a policy's name stands.
const RESERVED: [&str; 17] = [
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "lib", "not", "null",
    "package", "some", "true",
];

/// The longest name: a file's name has to hold it.
const NAME_BYTES: usize = 100;

pub(super) fn run(arguments: &NewArgs) -> anyhow::Result<u8> {
    let name = arguments.name.as_str();
    check_name(name)?;
    let kind = kind(&arguments.kind)?;
    let templates = if kind == scope::pod() { POD } else { OBJECT };
    let api_version = match kind.group.as_str() {
        "" => kind.version.clone(),
        group => format!("{group}/{}", kind.version),
    };
    let fill = |text: &str| {
        let places = [
            ("{{name}}", name),
            ("{{title}}", &title(name)),
            ("{{match}}", &arguments.kind),
            ("{{kind}}", &kind.kind),
            ("{{api_version}}", &api_version),
        ];
        places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
    };
    let files = templates.map(|(file, text)| (fill(file), fill(text)));
    let directory = arguments.dir.join(name);
    write(&arguments.dir, &directory, name, &files)?;
    let mut text = String::new();
    for (file, _) in &files {
        writeln!(text, "{}", directory.join(file).display())?;
    }
    let root = arguments.dir.display();
    writeln!(text, "next: change the rule and its tests, then policy verify {root}, policy check {root}")?;
    output::result(&text)?;
    Ok(CLEAN)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_plain || !name.starts_with(|first: char| first.is_ascii_lowercase()) || name.len() > NAME_BYTES {
        bail!(
            "{name:?} is no name for a policy\n  fix: begin with a lower-case letter and go on with lower-case letters, \
             digits and _, {NAME_BYTES} at the most: it is a package's name"
        );
    }
    if RESERVED.contains(&name) {
        bail!("{name:?} is no name for a policy: it means something else to Rego or to us\n  fix: choose another");
    }
    if name.ends_with("_test") {
        bail!("{name:?} would be taken for the tests of a policy\n  fix: leave out _test");
    }
    Ok(())
}

/// The kind with its group and version, which the fixture needs.
fn kind(text: &str) -> anyhow::Result<GroupVersionKind> {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    let parts: Vec<&str> = text.split('/').collect();
    let pattern = KindPattern::parse(text).filter(|_| parts.iter().all(|part| is_word(part)));
    let Some(pattern) = pattern else {
        bail!(
            "{text:?} is no kind\n  fix: write Kind, group/Kind or group/version/Kind, such as Pod or apps/Deployment"
        );
    };
    match (builtin_kind(&pattern), parts.as_slice()) {
        (Some(known), _) => Ok(known.clone()),
        (None, [group, version, kind]) => {
            let [group, version, kind] = [group, version, kind].map(|part| (*part).to_owned());
            Ok(GroupVersionKind { group, version, kind })
        }
        (None, _) => bail!(
            "{text:?} is no built-in kind of Kubernetes\n  fix: mind its capitals, or write group/version/Kind for a kind \
             of your own"
        ),
    }
}

/// The name as words: a title to begin with.
fn title(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Writes the files into a directory that did not exist before: all of them, or none.
fn write(parent: &Path, directory: &Path, name: &str, files: &[(String, String)]) -> anyhow::Result<()> {
    if let Err(error) = fs::create_dir_all(parent) {
        bail!("{}: cannot be made: {error}\n  fix: name a directory in which you may write", parent.display());
    }
    // Whoever makes the directory has the name; what it is filled with comes by one rename.
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{}: exists already\n  fix: choose another name, or remove it", directory.display());
        }
        Err(error) => {
            bail!("{}: cannot be made: {error}\n  fix: name a directory in which you may write", directory.display())
        }
        Ok(()) => {}
    }
    let draft = parent.join(format!(".{name}.{}", std::process::id()));
    let written = fill(&draft, files).and_then(|()| fs::rename(&draft, directory));
    written
        .inspect_err(|_| {
            // What cannot be removed either cannot be helped.
            let _ = fs::remove_dir_all(&draft);
            let _ = fs::remove_dir(directory);
        })
        .with_context(|| format!("{}: cannot be written", directory.display()))
}

fn fill(directory: &Path, files: &[(String, String)]) -> io::Result<()> {
    for (name, text) in files {
        let file = directory.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)?;
    }
    Ok(())
}
