//! The image as a container under `runc`. It ends with its handle.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use rustix::process::{geteuid, getpid};
use serde_json::Value;
use tempfile::TempDir;

use super::bundle::{self, Settings};
use super::layout::{Image, left_out};
use crate::client::Serves;
use crate::wait::eventually;

/// A running container.
pub(super) struct Container {
    id: String,
    state: TempDir,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// The built image, if there is one and it can be run.
pub(super) fn runnable() -> Option<Image> {
    let image = Image::built()?;
    if !geteuid().is_root() {
        return left_out("a container with a memory limit takes root");
    }
    if Command::new("runc").arg("--version").output().is_err() {
        return left_out("runc is not on PATH: apt-get install runc");
    }
    Some(image)
}

impl Container {
    /// Runs the image; `name` is of this test alone.
    pub(super) fn run(image: &Image, name: &str, settings: &Settings) -> Self {
        let id = format!("portcullis-{name}-{}", getpid());
        let state = tempfile::tempdir().unwrap();
        bundle::write(image, state.path(), &id, settings);
        let mut runc = runc(&state);
        runc.args(["run", "--bundle"]).arg(state.path()).arg(&id);
        let mut child = runc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { id, state, child, log }
    }

    /// Runs it and waits until it listens.
    pub(super) async fn start(image: &Image, name: &str, settings: &Settings) -> Self {
        let mut container = Self::run(image, name, settings);
        eventually(|| {
            let has_ended = container.child.try_wait().unwrap().is_some();
            assert!(!has_ended || container.started().is_some(), "{:?}", container.lines());
            container.started().is_some()
        })
        .await;
        container
    }

    /// What it wrote to its standard error.
    pub(super) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn started(&self) -> Option<Value> {
        let line = self.lines().into_iter().find(|line| line.contains("\"event\":\"started\""))?;
        Some(serde_json::from_str(&line).unwrap())
    }

    fn address(&self, key: &str) -> SocketAddr {
        self.started().unwrap()[key].as_str().unwrap().parse().unwrap()
    }

    /// A file of its process in `/proc`.
    pub(super) fn process(&self, file: &str) -> String {
        let output = runc(&self.state).args(["state", &self.id]).output().unwrap();
        let state: Value = serde_json::from_slice(&output.stdout).unwrap();
        fs::read_to_string(format!("/proc/{}/{file}", state["pid"])).unwrap()
    }

    /// What the kernel counted of its memory, in bytes.
    pub(super) fn memory(&self) -> Value {
        let output = runc(&self.state).args(["events", "--stats", &self.id]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let stats: Value = serde_json::from_slice(&output.stdout).unwrap();
        stats["data"]["memory"]["usage"].clone()
    }

    /// Asks it to end, as the kubelet does.
    pub(super) fn terminate(&self) {
        assert!(runc(&self.state).args(["kill", &self.id, "TERM"]).status().unwrap().success());
    }

    /// Waits until it has ended; its exit code.
    pub(super) async fn ended(&mut self) -> Option<i32> {
        let mut code = None;
        eventually(|| {
            code = self.child.try_wait().unwrap().map(|status| status.code());
            code.is_some()
        })
        .await;
        code.flatten()
    }
}

impl Serves for Container {
    fn webhook(&self) -> SocketAddr {
        self.address("webhook_address")
    }

    fn operations(&self) -> SocketAddr {
        self.address("operations_address")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = runc(&self.state).args(["delete", "--force", &self.id]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `runc` with a list of containers of its own.
fn runc(state: &TempDir) -> Command {
    let mut runc = Command::new("runc");
    runc.arg("--root").arg(state.path().join("state"));
    runc
}
