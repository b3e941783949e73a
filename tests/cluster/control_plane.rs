//! etcd and Kubernetes as processes, and the nodes: all that runs as long as the cluster does.

use std::fs;
use std::io::{Read, stdin};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::api::Cluster;
use super::place::{KEEP, READY};
use super::{credentials, node, process};
use crate::tool::tool;

/// The one address of the control plane and of the nodes; Pods have others of the same network.
pub(super) const ADDRESS: &str = "10.99.0.1";

/// The namespace of which the API server keeps an audit log.
pub(super) const AUDITED: &str = "audited";

const AUDIT: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:
- {level: Metadata, namespaces: [audited]}
- {level: None}
";

/// Where the nodes' address of a Pod comes from: every address below it is local.
const NETWORK: [&[&str]; 3] = [
    &["link", "set", "lo", "up"],
    &["address", "add", "10.99.0.1/16", "dev", "lo"],
    &["route", "add", "default", "via", ADDRESS, "dev", "lo"],
];

/// Runs the cluster in these namespaces until standard input closes.
pub(super) fn play(home: &Path) {
    for arguments in NETWORK {
        let status = Command::new("ip").args(arguments).status().expect("cannot run ip (iproute2)");
        assert!(status.success(), "ip {arguments:?}: {status}");
    }
    credentials::write(home, ADDRESS);
    fs::write(home.join("audit.yaml"), AUDIT).unwrap();
    let running = Arc::new(Mutex::new(Running::default()));
    for component in components(home) {
        supervise(home, component, &running);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let home = home.to_owned();
    let directory = home.clone();
    runtime.spawn(async move {
        let cluster = Cluster::connect(&directory).await;
        while !cluster.is_ready().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        node::register(&cluster).await;
        // Process numbers differ inside; /proc was mounted outside.
        let outside = fs::read_link("/proc/self").unwrap();
        let written = directory.join("ready.new");
        fs::write(&written, outside.to_str().unwrap()).unwrap();
        fs::rename(&written, directory.join(READY)).unwrap();
        node::run(cluster).await;
    });
    // Whatever is said, only the end counts.
    let _ = stdin().read_to_end(&mut Vec::new());
    runtime.shutdown_background();
    end(&running, &home);
}

/// One program of the control plane.
struct Component {
    name: &'static str,
    arguments: Vec<String>,
}

fn components(home: &Path) -> [Component; 4] {
    let file = |name: &str| home.join(name).display().to_string();
    let kubeconfig = format!("--kubeconfig={}", file("kubeconfig"));
    [
        component(
            "etcd",
            &[
                &format!("--data-dir={}", file("etcd")),
                "--listen-client-urls=http://127.0.0.1:2379",
                "--advertise-client-urls=http://127.0.0.1:2379",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
        ),
        component(
            "kube-apiserver",
            &[
                "--etcd-servers=http://127.0.0.1:2379",
                &format!("--advertise-address={ADDRESS}"),
                &format!("--tls-cert-file={}", file("tls.crt")),
                &format!("--tls-private-key-file={}", file("tls.key")),
                "--service-account-issuer=https://kubernetes.default.svc",
                &format!("--service-account-signing-key-file={}", file("accounts.key")),
                &format!("--service-account-key-file={}", file("accounts.pub")),
                &format!("--token-auth-file={}", file("tokens.csv")),
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--allow-privileged=true",
                "--enable-aggregator-routing=true",
                &format!("--audit-policy-file={}", file("audit.yaml")),
                &format!("--audit-log-path={}", file("audit.jsonl")),
            ],
        ),
        component(
            "kube-controller-manager",
            &[
                &kubeconfig,
                &format!("--service-account-private-key-file={}", file("accounts.key")),
                &format!("--root-ca-file={}", file("ca.crt")),
                "--leader-elect=false",
            ],
        ),
        component("kube-scheduler", &[&kubeconfig, "--leader-elect=false"]),
    ]
}

fn component(name: &'static str, arguments: &[&str]) -> Component {
    Component { name, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
}

/// What is to be ended with the cluster.
#[derive(Default)]
struct Running {
    ending: bool,
    pids: Vec<(&'static str, u32)>,
}

/// Starts a component and starts it again whenever it ends, as a kubelet does with static Pods. Its process number is in
/// a file, for tests that end it.
fn supervise(home: &Path, component: Component, running: &Arc<Mutex<Running>>) {
    let (home, running) = (home.to_owned(), Arc::clone(running));
    thread::spawn(move || {
        loop {
            let mut child = {
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                if running.ending {
                    return;
                }
                let mut command = tool(component.name).unwrap();
                command.args(&component.arguments);
                let child = process::spawn(&home, component.name, command);
                running.pids.retain(|(name, _)| *name != component.name);
                running.pids.push((component.name, child.id()));
                child
            };
            let status = child.wait().unwrap();
            eprintln!("{} ended: {status}", component.name);
            thread::sleep(Duration::from_millis(200));
        }
    });
}

/// Ends what writes, then removes the directory; the rest ends with this process, which is the first of its namespace.
fn end(running: &Mutex<Running>, home: &Path) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    running.ending = true;
    for (_, pid) in &running.pids {
        process::signal(*pid, rustix::process::Signal::KILL);
    }
    if std::env::var_os(KEEP).is_some() {
        return;
    }
    // A process that was killed may still be on its way out.
    while fs::remove_dir_all(home).is_err() && home.exists() {
        thread::sleep(Duration::from_millis(20));
    }
}
