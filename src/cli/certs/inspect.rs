//! `policy certs inspect`: what a certificate says, whether it is in order, and how long it will be.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::certificate::PrivateKey;
use crate::certificate::probe::shown;
use crate::certificate::read::{Certificate, has_key, read_all};
use crate::cli::{CLEAN, Format, FormatArgs, VIOLATIONS, output};
use crate::cluster::{connect, secret};

/// With fewer days left than that something should have renewed it long ago.
const DAYS: i64 = 7;

/// How long a server has to show its certificate.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Show certificates: names, validity, chain, key.
///
/// Exit code 1 if one is expired or has less than 7 days left, does not fit its key, or is not signed by the authority
/// beside it; 2 if nothing could be read.
#[derive(Args, Debug)]
pub(super) struct InspectArgs {
    /// PEM files: certificates, and keys if you want to know whether they fit.
    #[arg(value_name = "FILE", required_unless_present_any = ["secret", "url"])]
    files: Vec<PathBuf>,

    /// A Secret in the cluster: its ca.crt, tls.crt and tls.key.
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "files", env = "PORTCULLIS_SECRET")]
    secret: Option<String>,

    /// A server, as HOST:PORT: what it shows.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["files", "secret"], env = "PORTCULLIS_URL")]
    url: Option<String>,

    #[command(flatten)]
    format: FormatArgs,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    certificates: Vec<Shown>,
    /// Whether the key belongs to the first certificate; absent without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_matches: Option<bool>,
    /// `ok`, or why a client that trusts the authorities would not believe the first certificate; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Shown {
    source: String,
    subject: String,
    issuer: String,
    names: Vec<String>,
    authority: bool,
    not_before: Timestamp,
    not_after: Timestamp,
    days_left: i64,
    renewal_due: Timestamp,
    sha256: String,
}

/// Certificates, and perhaps a key, with the place each came from.
#[derive(Default)]
struct Found {
    certificates: Vec<(String, Certificate)>,
    key: Option<PrivateKey>,
}

pub(super) fn run(arguments: &InspectArgs) -> anyhow::Result<u8> {
    let found = if let Some(place) = &arguments.secret {
        runtime()?.block_on(of_secret(place))?
    } else if let Some(address) = &arguments.url {
        runtime()?.block_on(of_server(address))?
    } else {
        of_files(&arguments.files)?
    };
    if found.certificates.is_empty() {
        bail!("there is no certificate; give a PEM file, or a Secret with a tls.crt");
    }
    let report = report(&found, Timestamp::now());
    match arguments.format.format {
        Format::Text => output::result(&text(&report))?,
        Format::Json => output::json(&report)?,
    }
    Ok(if report.problems.is_empty() { CLEAN } else { VIOLATIONS })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

impl Found {
    fn add(&mut self, source: &str, pem: &[u8]) -> anyhow::Result<()> {
        let read = read_all(pem).with_context(|| format!("read {source}"))?;
        self.certificates.extend(read.into_iter().map(|certificate| (source.to_owned(), certificate)));
        if has_key(pem) {
            self.key = std::str::from_utf8(pem).ok().map(PrivateKey::new);
        }
        Ok(())
    }
}

fn of_files(files: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for file in files {
        let source = file.display().to_string();
        found.add(&source, &fs::read(file).with_context(|| format!("read {source}"))?)?;
    }
    Ok(found)
}

async fn of_secret(place: &str) -> anyhow::Result<Found> {
    let (namespace, name) = place.split_once('/').context("give the Secret as NAMESPACE/NAME")?;
    let data = secret::read(&connect().await?, namespace, name).await?;
    let data = data.with_context(|| format!("there is no Secret {place}"))?;
    let mut found = Found::default();
    for key in ["tls.crt", "ca.crt", "tls.key"] {
        if let Some(pem) = data.get(key) {
            found.add(&format!("{place} {key}"), pem)?;
        }
    }
    Ok(found)
}

async fn of_server(address: &str) -> anyhow::Result<Found> {
    let address = address.trim_start_matches("https://").trim_end_matches('/');
    let name = address.rsplit_once(':').context("give the server as HOST:PORT")?.0;
    let chain = shown(address, name.trim_start_matches('[').trim_end_matches(']'), HANDSHAKE).await?;
    Ok(Found { certificates: chain.into_iter().map(|one| (address.to_owned(), one)).collect(), key: None })
}

fn report(found: &Found, now: Timestamp) -> Report {
    let mut report = Report::default();
    for (source, certificate) in &found.certificates {
        let days_left = certificate.until.duration_since(now).as_hours().div_euclid(24);
        let about = format!("{} of {source}", certificate.subject);
        if certificate.until <= now {
            report.problems.push(format!("{about} expired at {}", certificate.until));
        } else if certificate.from > now {
            report.problems.push(format!("{about} is not valid before {}", certificate.from));
        } else if days_left < DAYS {
            report.problems.push(format!("{about} has less than {DAYS} days left"));
        }
        report.certificates.push(Shown {
            source: source.clone(),
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names: certificate.names.clone(),
            authority: certificate.is_authority,
            not_before: certificate.from,
            not_after: certificate.until,
            days_left,
            renewal_due: certificate.due(),
            sha256: certificate.fingerprint(),
        });
    }
    let certificates = || found.certificates.iter().map(|(_, certificate)| certificate);
    // The one that is served, wherever it stands among the files.
    let Some(leaf) = certificates().find(|one| !one.is_authority).or_else(|| certificates().next()) else {
        return report;
    };
    report.key_matches = found.key.as_ref().map(|key| leaf.fits(key));
    if report.key_matches == Some(false) {
        report.problems.push(format!("the key does not belong to {}", leaf.subject));
    }
    let others: Vec<Certificate> = certificates().filter(|one| one.is_authority).cloned().collect();
    if !leaf.is_authority && !others.is_empty() {
        let name = leaf.names.first().map_or("", String::as_str);
        report.chain = Some(match leaf.refused(&others, &others, name, now) {
            Ok(()) => "ok".to_owned(),
            Err(why) => {
                report.problems.push(format!("{} is not believed by who trusts the authorities: {why}", leaf.subject));
                why
            }
        });
    }
    report
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for shown in &report.certificates {
        let kind = if shown.authority { "authority" } else { "certificate" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {kind} {}", tame(&shown.source), tame(&shown.subject));
        let _ = writeln!(text, "  issuer       {}", tame(&shown.issuer));
        if !shown.names.is_empty() {
            let _ = writeln!(text, "  names        {}", tame(&shown.names.join(", ")));
        }
        let _ = writeln!(
            text,
            "  valid        {} to {} ({} days left)",
            shown.not_before, shown.not_after, shown.days_left
        );
        let _ = writeln!(text, "  renewal due  {}", shown.renewal_due);
        let _ = writeln!(text, "  sha256       {}", shown.sha256);
    }
    if let Some(matches) = report.key_matches {
        let _ = writeln!(text, "key: {}", if matches { "fits" } else { "does not fit" });
    }
    if let Some(chain) = &report.chain {
        let _ = writeln!(text, "chain: {chain}");
    }
    for problem in &report.problems {
        let _ = writeln!(text, "problem: {}", tame(problem));
    }
    text
}

/// A text from somebody's certificate that steers no terminal.
fn tame(text: &str) -> String {
    text.replace(char::is_control, " ")
}
