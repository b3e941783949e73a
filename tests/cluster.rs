//! The product in a real cluster: kube-apiserver, its controllers, the scheduler and etcd, without containers.
//!
//! `make test` runs it; alone: `eval "$(tests/tools/install etcd kube-apiserver kube-controller-manager kube-scheduler
//! kubectl helm cert-manager-crds)"`, `export PORTCULLIS_ETCD PORTCULLIS_KUBE_APISERVER …`, `cargo test --test cluster`. One test:
//! `cargo test --test cluster -- NAME --nocapture`. It wants Linux with `unshare`, `nsenter` and `ip`, and no root: an
//! ordinary user may make the namespaces, unless the distribution forbids it.
//!
//! How it works:
//!
//! - The first test starts this program again below `unshare`, as process 1 of namespaces of its own: `cluster/place.rs`.
//!   There it runs etcd and Kubernetes (`control_plane.rs`) and plays the nodes (`node.rs`). It ends when the pipe to it
//!   closes, however this program ended, and the kernel ends all of it with process 1. Nothing listens outside.
//! - Each test enters these namespaces by starting itself once more below `nsenter`; what it prints there is printed here.
//!   So tests have names of their own, dial Pods as they are, and kill processes by their numbers. They take turns: the
//!   cluster is one, and two cores are few. Each makes what it needs and leaves the release as `release.rs` makes it.
//! - All of 10.99.0.0/16 is local there. A Pod whose image is `portcullis` is this build's own `policy`, as a process on
//!   the Pod's address (`pod.rs`), with its arguments, environment, volumes, probes and signals; any other Pod is
//!   reported Running and runs nothing. As Pods share one network, `0.0.0.0` and `[::]` in their arguments become the
//!   address of the Pod.
//! - A webhook's Service needs no proxy: `--enable-aggregator-routing` has the API server dial its endpoints.
//!
//! What fails prints the ends of all logs. `PORTCULLIS_KEEP_CLUSTER=1` keeps the directory with all of them.

#[cfg(test)]
#[path = "support/tool.rs"]
mod tool;

#[cfg(test)]
mod cluster {
    mod place;

    mod control_plane;
    mod credentials;
    mod node;
    mod pod;
    mod probe;
    mod process;
    mod status;
    mod surroundings;
    mod volumes;

    mod api;
    mod cert_manager;
    mod chart;
    mod load;
    mod release;

    mod admission;
    mod certificates;
    mod mutation;
    mod observed;
    mod operation;
    mod outages;
    mod rollout;
}
