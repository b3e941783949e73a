//! Where a test runs: outside, where it starts itself again, or inside the cluster's namespaces.

use std::any::type_name;
use std::env::{current_exe, var_os};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::api::Cluster;
use super::control_plane;
use crate::tool::tool;

/// Names the cluster's directory to a test inside.
const HOME: &str = "PORTCULLIS_CLUSTER_HOME";

/// Tells the program that it is the cluster.
const PLAY: &str = "PORTCULLIS_PLAY_CLUSTER";

/// Keeps the directory of the cluster.
pub(super) const KEEP: &str = "PORTCULLIS_KEEP_CLUSTER";

/// The file that says, outside, which process is the cluster; it is there once the cluster is ready.
pub(super) const READY: &str = "ready";

const TOOLS: [&str; 7] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm", "cert-manager-crds"];

/// How long the control plane may take to be ready, on a machine that is busy.
const START: Duration = Duration::from_mins(2);

/// Lines shown of each log.
const TAIL: usize = 25;

static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

/// Runs a test inside the cluster, which the first one starts. The calling test's name is the closure's.
#[track_caller]
pub(super) fn inside<F: AsyncFnOnce(Cluster)>(test: F) {
    if let Some(home) = var_os(HOME) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(async { test(Cluster::connect(Path::new(&home)).await).await });
    }
    if TOOLS.iter().any(|name| tool(name).is_none()) {
        return;
    }
    let closure = type_name::<F>();
    let path = closure.split("::{{closure}}").next().unwrap_or(closure);
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    // A test that failed says nothing against the cluster.
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.get_or_insert_with(Running::start).run(name);
}

#[test]
fn the_control_plane_is_ready_with_its_nodes() {
    if let Some(home) = var_os(PLAY) {
        return control_plane::play(Path::new(&home));
    }
    inside(async |cluster| {
        let nodes = cluster.get("/api/v1/nodes").await;
        let names: Vec<&str> = nodes["items"].as_array().unwrap().iter().map(ready).collect();
        assert_eq!(names, ["node-a", "node-b", "node-c"]);
    });
}

/// The name of a node, if it is ready.
fn ready(node: &serde_json::Value) -> &str {
    let conditions = node["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True"), "{node}");
    node["metadata"]["name"].as_str().unwrap()
}

/// The cluster as seen from outside.
struct Running {
    home: PathBuf,
    pid: String,
    /// Its closing, with this process at the latest, ends the cluster.
    _alive: ChildStdin,
}

impl Running {
    fn start() -> Self {
        let home = tempfile::Builder::new().prefix("portcullis-cluster-").tempdir().unwrap().keep();
        let log = fs::File::create(home.join("node.log")).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"]);
        command.args(["--propagation", "private"]).arg(current_exe().unwrap());
        command.args(["cluster::place::the_control_plane_is_ready_with_its_nodes", "--exact", "--nocapture"]);
        command.env(PLAY, &home).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run unshare (util-linux): {error}"));
        let alive = child.stdin.take().unwrap();
        let pid = wait(&home, &mut child);
        Self { home, pid, _alive: alive }
    }

    /// Runs the test called `name` inside.
    #[track_caller]
    fn run(&self, name: &str) {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid, "--user", "--net", "--mount", "--pid", "--preserve-credentials"]);
        command.arg(current_exe().unwrap()).args([name, "--exact", "--nocapture"]).env(HOME, &self.home);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        for line in said.iter().flat_map(|said| said.lines()).filter(|line| !is_of_libtest(line)) {
            println!("{line}");
        }
        if !output.status.success() || !said[0].contains("1 passed") {
            show_logs(&self.home);
            panic!("{name} failed inside the cluster: {}", output.status);
        }
    }
}

/// Waits until the cluster is ready, and says which process it is.
fn wait(home: &Path, child: &mut Child) -> String {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(pid) = fs::read_to_string(home.join(READY)) {
            return pid;
        }
        if let Some(status) = child.try_wait().unwrap() {
            show_logs(home);
            panic!("the cluster ended at its start: {status}; may this user make user and network namespaces?");
        }
        if Instant::now() > deadline {
            show_logs(home);
            panic!("the cluster was not ready within {START:?}");
        }
        sleep(Duration::from_millis(50));
    }
}

fn is_of_libtest(line: &str) -> bool {
    line.is_empty()
        || line == "running 1 test"
        || line.starts_with("test result: ")
        || line.starts_with("test cluster::")
}

fn show_logs(home: &Path) {
    let mut logs: Vec<OsString> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    logs.retain(|name| name.to_string_lossy().ends_with(".log"));
    logs.sort();
    for name in logs {
        let text = fs::read(home.join(&name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        println!("--- the end of {} ({} lines)", name.display(), lines.len());
        for line in &lines[lines.len().saturating_sub(TAIL)..] {
            println!("{}", line.chars().take(400).collect::<String>());
        }
    }
}
