//! A container's HTTP probes, at their periods.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe as Spec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// One probe and what it found last.
pub(super) struct Probe {
    target: String,
    path: String,
    period: Duration,
    timeout: Duration,
    failures_needed: i32,
    successes_needed: i32,
    due: Instant,
    in_a_row: i32,
    last: Option<bool>,
    verdict: Option<bool>,
}

impl Probe {
    /// The probe of a container that starts now, at its Pod's `address`. One that is not by HTTP always succeeds.
    pub(super) fn new(spec: Option<&Spec>, container: &Container, address: &str) -> Option<Self> {
        let spec = spec?;
        let get = spec.http_get.as_ref()?;
        let seconds = |field: Option<i32>, default: u64| {
            Duration::from_secs(field.map_or(default, |seconds| u64::from(seconds.unsigned_abs())))
        };
        Some(Self {
            target: format!("{address}:{}", port(&get.port, container)),
            path: get.path.clone().unwrap_or_else(|| "/".to_owned()),
            period: seconds(spec.period_seconds, 10),
            timeout: seconds(spec.timeout_seconds, 1),
            failures_needed: spec.failure_threshold.unwrap_or(3),
            successes_needed: spec.success_threshold.unwrap_or(1),
            due: Instant::now() + seconds(spec.initial_delay_seconds, 0),
            in_a_row: 0,
            last: None,
            verdict: None,
        })
    }

    /// Probes if it is time to, and says what holds: nothing before a threshold was reached.
    pub(super) async fn verdict(&mut self) -> Option<bool> {
        if Instant::now() < self.due {
            return self.verdict;
        }
        let success = timeout(self.timeout, ask(&self.target, &self.path)).await.is_ok_and(|answer| answer.is_ok());
        self.due = Instant::now() + self.period;
        self.in_a_row = if self.last == Some(success) { self.in_a_row + 1 } else { 1 };
        self.last = Some(success);
        if self.in_a_row >= if success { self.successes_needed } else { self.failures_needed } {
            self.verdict = Some(success);
        }
        self.verdict
    }
}

fn port(port: &IntOrString, container: &Container) -> i32 {
    match port {
        IntOrString::Int(port) => *port,
        IntOrString::String(name) => {
            let mut ports = container.ports.iter().flatten();
            ports.find(|port| port.name.as_ref() == Some(name)).map_or(0, |port| port.container_port)
        }
    }
}

/// Succeeds for any status below 400.
async fn ask(target: &str, path: &str) -> std::io::Result<()> {
    let answer = get(target, path).await?;
    let succeeds = ["HTTP/1.1 2", "HTTP/1.1 3"].iter().any(|status| answer.starts_with(status));
    if succeeds { Ok(()) } else { Err(std::io::Error::other(answer)) }
}

/// What is answered in the clear, head and body.
pub(super) async fn get(target: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(target).await?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
