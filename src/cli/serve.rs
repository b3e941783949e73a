//! `policy serve`: the webhook.

mod cluster;
mod reload;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

pub(super) use self::cluster::lifetime;
use self::cluster::{ClusterArgs, Connected, facts};
use self::reload::Reloader;
use super::{CLEAN, PolicyArgs, UNKNOWN, millis, output};
use crate::admission::Gate;
use crate::observe::Observe;
use crate::observe::event::Event;
use crate::observe::log::{Format, Log};
use crate::observe::spans::{Sampling, Spans};
use crate::observe::{otlp, panics};
use crate::server::certificate::Certificates;
use crate::server::clients::Clients;
use crate::server::config::Config;
use crate::server::drain::Lifecycle;
use crate::server::listen::Listeners;
use crate::server::readiness::Readiness;
use crate::server::tls::MinimumVersion;
use crate::server::{Parts, serve};

/// How long the last spans may take on their way, within the grace that Kubernetes gives beyond the drain.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// A review that the shipped policies deny, for the first try.
const EXAMPLE_REVIEW: &str = include_str!("../../examples/review.json");

/// Answer the API server's reviews over TLS.
///
/// Without options: the shipped policies, a certificate made at start, reviews on 127.0.0.1:8443, health and metrics
/// on 127.0.0.1:9443. Policies, configuration and certificate files are watched and put in force when they change and
/// are valid; otherwise what was in force stays.
#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    policies: PolicyArgs,

    /// Where reviews are answered over TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443", env = "PORTCULLIS_ADDRESS")]
    address: SocketAddr,

    /// Where /healthz, /readyz and /metrics are answered, in the clear.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443", env = "PORTCULLIS_OPERATIONS_ADDRESS")]
    operations_address: SocketAddr,

    /// PEM file with the certificate chain, leaf first.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "PORTCULLIS_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "PORTCULLIS_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Oldest TLS version answered.
    #[arg(long, value_enum, default_value = "1.2", env = "PORTCULLIS_TLS_MIN")]
    tls_min: TlsVersion,

    /// The longest time for one answer, in milliseconds, where the request asks for no shorter one.
    #[arg(long, value_name = "MS", default_value_t = 10_000, env = "PORTCULLIS_TIMEOUT", value_parser = millis())]
    timeout: u64,

    /// How long one policy may take, in milliseconds; a policy that takes longer is an error.
    #[arg(long, value_name = "MS", default_value_t = 50, env = "PORTCULLIS_POLICY_BUDGET", value_parser = millis())]
    policy_budget: u64,

    /// The largest review decided, in MiB; larger ones are denied.
    #[arg(long, value_name = "MIB", default_value_t = 12, env = "PORTCULLIS_BODY_LIMIT",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    body_limit: u16,

    /// How long to serve on after SIGTERM, in milliseconds, while endpoints are taken out of the Service.
    #[arg(long, value_name = "MS", default_value_t = 10_000, env = "PORTCULLIS_DRAIN_DELAY")]
    drain_delay: u64,

    /// Send traces to this collector by OTLP over HTTP, such as <http://localhost:4318>; none are made otherwise.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,

    /// The share of requests to trace, 0 to 1, where the API server sends no trace of its own to be part of.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, env = "PORTCULLIS_TRACE_RATIO", value_parser = share())]
    trace_ratio: f64,

    /// How long a policy must take, in microseconds, to have a span of its own in a trace.
    #[arg(long, value_name = "US", default_value_t = 1_000, env = "PORTCULLIS_TRACE_POLICIES_ABOVE")]
    trace_policies_above: u64,

    /// How log lines are written to stderr.
    #[arg(long, value_enum, default_value = "json", env = "PORTCULLIS_LOG_FORMAT")]
    log_format: LogFormat,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TlsVersion {
    /// TLS 1.2 and 1.3.
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3 only.
    #[value(name = "1.3")]
    Tls13,
}

pub(super) fn run(arguments: &ServeArgs) -> anyhow::Result<u8> {
    let location = arguments.policies.location();
    let files = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    let certificates = Certificates::load(arguments.cluster.certificate_source(files)?)?;
    let clients = arguments.cluster.clients()?;
    let set = location.load()?.set;
    let observe = Observe::new(Log::stderr(log_format(arguments.log_format)))?;
    panics::log_places_only(Arc::clone(&observe));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let connected = runtime.block_on(arguments.cluster.connect(&observe))?;
    let budget = Duration::from_millis(arguments.policy_budget);
    let gate = Gate::new(set, facts(connected.as_ref()), budget);
    let gate = Arc::new(gate.naming_subjects(arguments.cluster.writes_events()));
    let lifecycle = Lifecycle::default();
    let readiness = Arc::new(Readiness::new(lifecycle.clone()));
    let parts = Parts { admission: gate.clone(), certificates, observe, readiness, lifecycle };
    let config = server_config(arguments, clients.clone());
    let reloader = Reloader { location, gate, parts, clients };
    let finished = runtime.block_on(start(config, reloader, connected, sampling(arguments)))?;
    Ok(if finished { CLEAN } else { UNKNOWN })
}

/// Binds, tells, watches and serves until told to stop; whether everything in flight was finished.
async fn start(
    config: Config,
    reloader: Reloader,
    connected: Option<Connected>,
    traces: Option<(String, Sampling)>,
) -> anyhow::Result<bool> {
    let listeners = Listeners::bind(&config)?;
    if let Some((endpoint, sampling)) = traces {
        reloader.parts.observe.trace(Spans::new(otlp::exporter(&endpoint)?, sampling));
    }
    reloader.parts.lifecycle.stop_on_signals()?;
    reloader.in_force();
    announce(&listeners, &reloader);
    let parts = reloader.parts.clone();
    if let Some(connected) = connected {
        connected.start(&parts);
    }
    let _watching = reloader.watch()?;
    let observe = Arc::clone(&parts.observe);
    let finished = serve(listeners, &config, parts).await?.finished;
    // It blocks, and what it sends is sent by this runtime.
    tokio::task::spawn_blocking(move || observe.spans().map(|spans| spans.finish(LAST_SPANS))).await?;
    Ok(finished)
}

fn sampling(arguments: &ServeArgs) -> Option<(String, Sampling)> {
    let slow_policy = Duration::from_micros(arguments.trace_policies_above);
    let sampling = Sampling { ratio: arguments.trace_ratio, slow_policy };
    arguments.otlp_endpoint.clone().map(|endpoint| (endpoint, sampling))
}

/// A share, from none to all.
fn share() -> impl TypedValueParser<Value = f64> {
    StringValueParser::new().try_map(|text| match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1"),
    })
}

fn announce(listeners: &Listeners, reloader: &Reloader) {
    let set = reloader.gate.set();
    reloader.parts.observe.event(&Event::Started {
        version: env!("CARGO_PKG_VERSION"),
        webhook_address: listeners.webhook_address(),
        operations_address: listeners.operations_address(),
        revision: set.revision(),
        policies: set.policies().len(),
    });
    if std::io::stderr().is_terminal() {
        output::hint(&first_try(listeners.webhook_address()));
    }
}

/// A command to paste: the bundled review, which is denied.
fn first_try(address: SocketAddr) -> String {
    let review = serde_json::from_str::<serde_json::Value>(EXAMPLE_REVIEW).map(|review| review.to_string());
    format!(
        "try:  curl -sk https://{address}/validate -H 'Content-Type: application/json' -d '{}'",
        review.unwrap_or_default()
    )
}

fn server_config(arguments: &ServeArgs, clients: Option<Arc<Clients>>) -> Config {
    Config {
        webhook_address: arguments.address,
        operations_address: arguments.operations_address,
        minimum_tls: match arguments.tls_min {
            TlsVersion::Tls12 => MinimumVersion::Tls12,
            TlsVersion::Tls13 => MinimumVersion::Tls13,
        },
        clients,
        timeout: Duration::from_millis(arguments.timeout),
        body_limit: usize::from(arguments.body_limit) << 20,
        drain_delay: Duration::from_millis(arguments.drain_delay),
        ..Config::default()
    }
}

fn log_format(format: LogFormat) -> Format {
    match format {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
    }
}
