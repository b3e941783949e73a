//! One Pod from its binding to its end. What a kubelet does, with a process in place of a container: no cgroup, no other
//! user, no `preStop`, no init containers.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use rustix::process::Signal;
use tokio::sync::watch::Receiver;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::api::Cluster;
use super::probe::Probe;
use super::process;
use super::status::{State, Status, remove, report};
use super::surroundings::{arguments, environment};
use super::volumes::{Source, Volumes};

const TICK: Duration = Duration::from_millis(50);

/// How often volumes are looked at.
const REFRESH: Duration = Duration::from_secs(1);

/// The longest wait before a container that keeps ending is started once more.
const BACKOFF: Duration = Duration::from_secs(5);

/// The product's image, in whatever registry.
const IMAGE: &str = "portcullis";

/// Runs a Pod, of which `pod` is the newest version, at `address`.
pub(super) async fn run(cluster: Cluster, pod: Receiver<Pod>, address: String) {
    let newest = pod.borrow().clone();
    let image = newest.spec.as_ref().and_then(|spec| spec.containers.first()?.image.clone()).unwrap_or_default();
    let is_ours = image.rsplit('/').next().is_some_and(|name| name.starts_with(IMAGE));
    let volumes = {
        let namespace = newest.namespace().unwrap_or_default();
        let uid = newest.uid().unwrap_or_default();
        let directory = cluster.home.join("pods").join(uid);
        Volumes::new(Source::new(cluster.clone(), namespace), directory)
    };
    let status = Status { state: State::Waiting("volumes".to_owned()), ready: false, restarts: 0, over: false };
    let mut replica = Replica { cluster, pod, address, volumes, status, told: None };
    if is_ours {
        replica.live().await;
    } else {
        replica.pretend().await;
    }
    while !remove(&replica.cluster, &newest).await {
        sleep(TICK * 10).await;
    }
}

struct Replica {
    cluster: Cluster,
    pod: Receiver<Pod>,
    address: String,
    volumes: Volumes,
    status: Status,
    told: Option<Status>,
}

/// How a container ended.
enum End {
    /// Its Pod is deleted.
    Deleted,
    /// By itself, or by its liveness probe.
    Code(i32),
}

impl Replica {
    fn newest(&self) -> Pod {
        self.pod.borrow().clone()
    }

    fn is_deleted(&self) -> bool {
        // The watch is gone with the Pod.
        self.pod.borrow().metadata.deletion_timestamp.is_some() || self.pod.has_changed().is_err()
    }

    /// Reports what changed, and what others made of it: a controller that missed the node calls its Pods not ready.
    async fn tell(&mut self) {
        let doubted = self.told.is_some() && is_ready(&self.pod.borrow()) != self.status.ready;
        if (self.told.as_ref() != Some(&self.status) || doubted)
            && report(&self.cluster, &self.newest(), &self.address, &self.status).await
        {
            self.told = Some(self.status.clone());
        }
    }

    /// A Pod of any other image: it is up, or done if it is a Job's, until it is deleted.
    async fn pretend(&mut self) {
        let done = is_of_job(&self.newest());
        self.status.state = if done { State::Ended(0) } else { State::Running };
        self.status.ready = !done;
        self.status.over = done;
        while !self.is_deleted() {
            self.tell().await;
            // An error is a watch that has ended, with the Pod.
            let _ = timeout(TICK * 20, self.pod.changed()).await;
        }
    }

    /// A Pod of the product: started again whenever it ends, as far as its restart policy goes, until it is deleted.
    async fn live(&mut self) {
        let policy = self.newest().spec.and_then(|spec| spec.restart_policy).unwrap_or_default();
        loop {
            match self.run_once().await {
                End::Deleted => return,
                End::Code(code) => {
                    self.status.state = State::Ended(code);
                    self.status.ready = false;
                    self.status.over = policy == "Never" || policy == "OnFailure" && code == 0;
                }
            }
            if !self.status.over {
                self.tell().await;
                let wait = BACKOFF.min(Duration::from_millis(500) * self.status.restarts);
                let started = Instant::now();
                while started.elapsed() < wait && !self.is_deleted() {
                    sleep(TICK).await;
                }
                self.status.restarts += 1;
            }
            while self.status.over && !self.is_deleted() {
                self.tell().await;
                sleep(TICK).await;
            }
            if self.is_deleted() {
                return;
            }
        }
    }

    /// One run of the container.
    async fn run_once(&mut self) -> End {
        let pod = self.newest();
        let container = pod.spec.as_ref().unwrap().containers[0].clone();
        let mut child = loop {
            if self.is_deleted() {
                return End::Deleted;
            }
            match self.start(&pod, &container).await {
                Ok(child) => break child,
                Err(missing) => self.status.state = State::Waiting(missing),
            }
            self.tell().await;
            sleep(TICK * 4).await;
        };
        self.status.state = State::Running;
        let end = self.attend(&pod, &container, &mut child.0).await;
        self.status.ready = false;
        end
    }

    async fn start(&mut self, pod: &Pod, container: &Container) -> Result<Running, String> {
        self.volumes.refresh(pod, &self.address).await?;
        let environment = environment(self.volumes.source(), pod, container, &self.address).await?;
        let name = format!("pod-{}-{}", pod.namespace().unwrap_or_default(), pod.name_any());
        let root = self.volumes.path("..root");
        fs::create_dir_all(&root).unwrap();
        let mounts = self.mounts(container);
        let read_only = container.security_context.as_ref().and_then(|context| context.read_only_root_filesystem);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", include_str!("sandbox.sh"), "sandbox.sh"]);
        command.args([&root, Path::new(env!("CARGO_BIN_EXE_policy")), &mounts]);
        command.arg((read_only == Some(true)).to_string());
        command.args(arguments(container, &environment, &self.address));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).envs(environment);
        Ok(Running(process::spawn(&self.cluster.home, &name, command)))
    }

    /// Writes the list of mounts: a volume's directory, or one path below it.
    fn mounts(&self, container: &Container) -> PathBuf {
        let mounts = container.volume_mounts.iter().flatten().map(|mount| {
            let volume = self.volumes.path(&mount.name);
            let source = mount.sub_path.as_ref().map_or_else(|| volume.clone(), |path| volume.join(path));
            format!("{}\t{}\n", source.display(), mount.mount_path)
        });
        let lines: String = mounts.collect();
        let list = self.volumes.path("..mounts");
        fs::write(&list, lines).unwrap();
        list
    }

    /// Watches over a running container until it ends.
    async fn attend(&mut self, pod: &Pod, container: &Container, child: &mut Child) -> End {
        let probe = |spec| Probe::new(spec, container, &self.address);
        let mut startup = probe(container.startup_probe.as_ref());
        let mut liveness = probe(container.liveness_probe.as_ref());
        let mut readiness = probe(container.readiness_probe.as_ref());
        let mut refreshed = Instant::now();
        // When it is killed, once it was told to end.
        let mut last: Option<Instant> = None;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
                return if self.is_deleted() { End::Deleted } else { End::Code(code) };
            }
            if self.is_deleted() && last.is_none() {
                last = Some(self.stop(child));
            }
            if last.is_some_and(|last| Instant::now() > last) {
                // It may just have ended.
                let _ = child.kill();
            }
            let started = verdict(&mut startup).await.unwrap_or(startup.is_none());
            if started && last.is_none() && verdict(&mut liveness).await == Some(false) {
                eprintln!("{} is not alive", pod.name_any());
                last = Some(self.stop(child));
            }
            self.status.ready = started && verdict(&mut readiness).await.unwrap_or(readiness.is_none());
            if refreshed.elapsed() > REFRESH && last.is_none() {
                // What is missing now stays as it was.
                let _ = timeout(REFRESH, self.volumes.refresh(pod, &self.address)).await;
                refreshed = Instant::now();
            }
            self.tell().await;
            sleep(TICK).await;
        }
    }

    /// Tells the container to end, and says until when it may.
    fn stop(&self, child: &Child) -> Instant {
        process::signal(child.id(), Signal::TERM);
        let pod = self.pod.borrow();
        let spec = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
        let seconds = pod.metadata.deletion_grace_period_seconds.or(spec).unwrap_or(30);
        Instant::now() + Duration::from_secs(seconds.unsigned_abs())
    }
}

/// A process that ends with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn verdict(probe: &mut Option<Probe>) -> Option<bool> {
    match probe {
        Some(probe) => probe.verdict().await,
        None => None,
    }
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_of_job(pod: &Pod) -> bool {
    pod.owner_references().iter().any(|owner| owner.kind == "Job")
}
