//! `policy webhook`: what a release does to the webhook configurations before and after itself.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tokio::time::Instant;

use super::{CLEAN, VIOLATIONS, millis, output};
use crate::cluster::webhook::{Canary, delete, probe, rolled_out, set_failure_policy};
use crate::cluster::{Cluster, connect};

/// Remove webhook configurations, or prove that they refuse.
#[derive(Args, Debug)]
pub(super) struct WebhookArgs {
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(Debug, Subcommand)]
enum WebhookCommand {
    Delete(DeleteArgs),
    Probe(ProbeArgs),
}

/// Remove the validating and the mutating webhook configuration, before the server goes.
///
/// What is not there is no failure. Also the way out if the webhook refuses what it should not.
#[derive(Args, Debug)]
struct DeleteArgs {
    /// The configurations' name; may be given several times.
    #[arg(long, value_name = "NAME", required = true, value_delimiter = ',', env = "PORTCULLIS_WEBHOOK_CONFIGURATION")]
    webhook_configuration: Vec<String>,
}

/// Prove that the webhook refuses: wait until a Pod that the policies deny is refused through the API server.
///
/// The Pod is created as a dry run, so that it never exists. Exit code 1 if it is not refused in time, with what
/// happened instead.
#[derive(Args, Debug)]
struct ProbeArgs {
    /// The validating configuration's name; may be given several times.
    #[arg(long, value_name = "NAME", required = true, value_delimiter = ',', env = "PORTCULLIS_WEBHOOK_CONFIGURATION")]
    webhook_configuration: Vec<String>,

    /// The namespace to create the Pod in; one that the configuration does not leave out.
    #[arg(long, value_name = "NAME", default_value = "default", env = "PORTCULLIS_PROBE_NAMESPACE")]
    namespace: String,

    /// The server's Deployment, as NAMESPACE/NAME: nothing is asked for before all of its Pods are new.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = namespaced, env = "PORTCULLIS_PROBE_DEPLOYMENT")]
    deployment: Option<(String, String)>,

    /// How long to wait in all, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 60_000, env = "PORTCULLIS_PROBE_TIMEOUT", value_parser = millis())]
    timeout: u64,

    /// The failurePolicy that the validating configuration gets once the Pod was refused; it stays as it is if left
    /// out. A release that begins with Ignore refuses nothing before its server is proven.
    #[arg(long, value_enum, value_name = "POLICY", env = "PORTCULLIS_FAILURE_POLICY")]
    failure_policy: Option<FailurePolicy>,
}

/// What the API server does when it cannot ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailurePolicy {
    /// It refuses.
    #[value(name = "Fail")]
    Fail,
    /// It goes on.
    #[value(name = "Ignore")]
    Ignore,
}

impl FailurePolicy {
    fn name(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

pub(super) fn run(arguments: &WebhookArgs) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = connect().await?;
        match &arguments.command {
            WebhookCommand::Delete(arguments) => remove(&cluster, arguments).await,
            WebhookCommand::Probe(arguments) => prove(&cluster, arguments).await,
        }
    })
}

async fn remove(cluster: &Cluster, arguments: &DeleteArgs) -> anyhow::Result<u8> {
    for name in &arguments.webhook_configuration {
        let gone = delete(cluster, name).await?;
        let told = if gone.is_empty() {
            format!("no webhook configuration {name}\n")
        } else {
            format!("{} {name} removed\n", gone.join(" and "))
        };
        output::result(&told)?;
    }
    Ok(CLEAN)
}

async fn prove(cluster: &Cluster, arguments: &ProbeArgs) -> anyhow::Result<u8> {
    let mut outcome = CLEAN;
    let end = Instant::now() + Duration::from_millis(arguments.timeout);
    let unready = match &arguments.deployment {
        Some((namespace, name)) => rolled_out(cluster, namespace, name, end).await.err(),
        None => None,
    };
    for name in &arguments.webhook_configuration {
        let canary = match &unready {
            Some(why) => Canary::Unproven(why.clone()),
            None => probe(cluster, name, &arguments.namespace, end).await?,
        };
        let told = match canary {
            Canary::Refused(said) => {
                let refuses = format!("{name} refuses: {}\n", said.lines().next().unwrap_or_default());
                match arguments.failure_policy {
                    Some(policy) if set_failure_policy(cluster, name, policy.name()).await? => {
                        format!("{refuses}{name} has failurePolicy {} now\n", policy.name())
                    }
                    Some(_) | None => refuses,
                }
            }
            Canary::Unproven(last) => {
                outcome = VIOLATIONS;
                format!("{name} did not refuse a privileged Pod in {}: {last}\n", arguments.namespace)
            }
        };
        output::result(&told)?;
    }
    Ok(outcome)
}

fn namespaced(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    let (namespace, name) = parts.ok_or("write it as NAMESPACE/NAME")?;
    Ok((namespace.to_owned(), name.to_owned()))
}
