//! `policy serve` as a process of its own, on free ports; it ends with its handle.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::client::Serves;
use crate::command::policy;
use crate::wait::eventually;

/// A running server.
pub(crate) struct Process {
    pub(crate) child: Child,
    log: Arc<Mutex<Vec<String>>>,
    webhook: SocketAddr,
    operations: SocketAddr,
}

impl Process {
    /// Starts a server with further arguments and waits until it listens.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let mut command = serve(arguments);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        Self::follow(child, stderr).await
    }

    /// Follows what a server writes to its standard error, which `reader` reads.
    pub(crate) async fn follow(child: Child, reader: impl Read + Send + 'static) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        // It ends with the server, whose end of the pipe closes then.
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { child, log, webhook: nowhere, operations: nowhere };
        eventually(|| {
            let lines = server.lines();
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none() || lines.iter().any(|line| line.contains("started")), "{ended:?}: {lines:?}");
            let Some(started) = lines.iter().find(|line| line.contains("started")) else { return false };
            server.webhook = address(started, "webhook_address");
            server.operations = address(started, "operations_address");
            true
        })
        .await;
        server
    }

    /// What the server wrote to its standard error, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The lines about `event`.
    pub(crate) fn about(&self, event: &str) -> Vec<Value> {
        let mark = format!("\"event\":\"{event}\"");
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(&mark)).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for the line number `count` about `event`, counted from 1.
    #[track_caller]
    pub(crate) fn told(&self, event: &str, count: usize) -> impl Future<Output = Value> {
        let arrived = eventually(move || self.about(event).len() >= count);
        async move {
            arrived.await;
            self.about(event).swap_remove(count - 1)
        }
    }
}

impl Serves for Process {
    fn webhook(&self) -> SocketAddr {
        self.webhook
    }

    fn operations(&self) -> SocketAddr {
        self.operations
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command of a server on free ports of this machine.
pub(crate) fn serve(arguments: &[&str]) -> Command {
    let free = "127.0.0.1:0";
    let mut command = policy(["serve", "--address", free, "--operations-address", free]);
    command.args(arguments).stdout(Stdio::null());
    command
}

/// The address behind `key` in a line of either format.
fn address(line: &str, key: &str) -> SocketAddr {
    let behind = line.split_once(key).unwrap().1.trim_start_matches(['"', ':', '=']);
    behind.split(['"', ' ']).next().unwrap().parse().unwrap()
}
