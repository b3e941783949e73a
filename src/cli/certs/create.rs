//! `policy certs create`: an authority and a serving certificate as files.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;

use crate::certificate::issue::{authority, serving};
use crate::certificate::read::read_all;
use crate::certificate::service_names;
use crate::cli::serve::lifetime;
use crate::cli::{CLEAN, output};

/// Make an authority and a serving certificate for local use.
///
/// Writes ca.crt, ca.key, tls.crt and tls.key, keys readable by you alone. Nothing is overwritten. In a cluster the
/// server makes its own (`policy serve --certificates self-managed`).
#[derive(Args, Debug)]
pub(super) struct CreateArgs {
    /// Directory for the four files; made if it is not there.
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_DIR")]
    dir: PathBuf,

    /// The Service that the API server calls.
    #[arg(long, value_name = "NAME", default_value = "portcullis", env = "PORTCULLIS_SERVICE")]
    service: String,

    /// The Service's namespace.
    #[arg(long, value_name = "NAME", default_value = "portcullis", env = "PORTCULLIS_NAMESPACE")]
    namespace: String,

    /// Another name or address that the certificate is for; may be given several times. Always for localhost, too.
    #[arg(long, value_name = "NAME", value_delimiter = ',', env = "PORTCULLIS_NAME")]
    name: Vec<String>,

    /// How long the serving certificate is valid. A number and s, m, h, d or y.
    #[arg(long, value_name = "TIME", default_value = "1y", env = "PORTCULLIS_CERTIFICATE_LIFETIME", value_parser = lifetime)]
    certificate_lifetime: Duration,

    /// How long the authority is valid.
    #[arg(long, value_name = "TIME", default_value = "10y", env = "PORTCULLIS_CA_LIFETIME", value_parser = lifetime)]
    ca_lifetime: Duration,
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    All,
    Owner,
}

pub(super) fn run(arguments: &CreateArgs) -> anyhow::Result<u8> {
    let now = Timestamp::now();
    let mut names = service_names(&arguments.service, &arguments.namespace);
    names.extend(["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]);
    names.extend(arguments.name.iter().cloned());
    let authority = authority(now, arguments.ca_lifetime)?;
    let certificate = read_all(authority.certificate.as_bytes())?.pop().context("read the new authority")?;
    let leaf = serving(&certificate, &authority.key, &names, now, arguments.certificate_lifetime)?;
    let files = [
        ("ca.crt", authority.certificate.as_str(), Readers::All),
        ("ca.key", authority.key.pem(), Readers::Owner),
        ("tls.crt", leaf.certificate.as_str(), Readers::All),
        ("tls.key", leaf.key.pem(), Readers::Owner),
    ];
    let directory = &arguments.dir;
    fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    if let Some((taken, ..)) = files.iter().find(|(name, ..)| directory.join(name).symlink_metadata().is_ok()) {
        bail!(
            "{} exists and is not overwritten; remove it or choose another directory",
            directory.join(taken).display()
        );
    }
    let mut written = String::new();
    for (name, text, readers) in files {
        let path = directory.join(name);
        write(&path, text, readers).with_context(|| format!("write {}", path.display()))?;
        // Writing to a string cannot fail.
        let _ = writeln!(written, "{}", path.display());
    }
    output::result(&written)?;
    Ok(CLEAN)
}

fn write(path: &Path, text: &str, readers: Readers) -> std::io::Result<()> {
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    // `create_new` also refuses what somebody put there a moment ago, a link included.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    Write::write_all(&mut file, text.as_bytes())
}
