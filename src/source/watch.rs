//! Notices that files or directories may have changed: by the system's notifications where they come, and by a slow
//! tick where they do not. It says "look again", never what changed.
//!
//! Kubernetes swaps a mounted ConfigMap or Secret by renaming a `..data` link beside the files, editors replace files
//! by renaming, and a directory may vanish and come back: so it is the directories that are watched, and anew after
//! each change.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long things must be quiet after a change before it is told.
    pub settle: Duration,
    /// The longest that one change after another puts the telling off.
    pub patience: Duration,
    /// How often to say "look again" when nothing was noticed.
    pub tick: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { settle: Duration::from_millis(200), patience: Duration::from_secs(2), tick: Duration::from_secs(30) }
    }
}

/// Why to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The system told of a change.
    Noticed,
    /// Time has passed.
    Tick,
}

/// The system's notifications cannot be had.
#[derive(Debug, Error)]
#[error("watch files: {0}; raise the limits under /proc/sys/fs/inotify if they are reached")]
pub struct WatchError(notify::Error);

/// Watches until dropped.
#[derive(Debug)]
pub struct Guard(JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches `paths`, files or whole directories, whether they exist yet or not. The receiver holds at most one change
/// that has not been taken: any number of them is one reason to look again. Needs a tokio runtime.
pub fn watch(paths: &[PathBuf], pace: Pace) -> Result<(Guard, mpsc::Receiver<Change>), WatchError> {
    let noticed = Arc::new(Notify::new());
    let scope = Scope(paths.iter().map(|path| absolute(path)).collect());
    let watcher = {
        let (noticed, scope) = (Arc::clone(&noticed), scope.clone());
        notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error is an overflow or a lost watch: look again.
            if event.map_or(true, |event| scope.concerns(&event)) {
                noticed.notify_one();
            }
        })
        .map_err(WatchError)?
    };
    let mut directories = Watches { watcher, scope };
    directories.renew();
    let (sender, receiver) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        while !sender.is_closed() {
            let change = next(&noticed, pace).await;
            directories.renew();
            // A full channel already says so.
            let _ = sender.try_send(change);
        }
    });
    Ok((Guard(task), receiver))
}

/// Waits for the next change to settle, or for the tick.
async fn next(noticed: &Notify, pace: Pace) -> Change {
    if timeout(pace.tick, noticed.notified()).await.is_err() {
        return Change::Tick;
    }
    let latest = Instant::now() + pace.patience;
    while timeout_at(latest.min(Instant::now() + pace.settle), noticed.notified()).await.is_ok() {
        if Instant::now() >= latest {
            break;
        }
    }
    Change::Noticed
}

/// The paths that matter.
#[derive(Clone, Debug)]
struct Scope(Vec<PathBuf>);

impl Scope {
    /// Whether `event` may have changed one of them. What merely reads never does: our own reading would wake us.
    fn concerns(&self, event: &Event) -> bool {
        let written = AccessKind::Close(AccessMode::Write);
        let read_only = matches!(event.kind, EventKind::Access(kind) if kind != written);
        let vague = event.need_rescan() || event.paths.is_empty();
        !read_only && (vague || event.paths.iter().any(|changed| self.0.iter().any(|path| touches(changed, path))))
    }
}

/// Whether a change of `changed` may have changed `path`: it is it, within it, above it, or one of the links beside it
/// through which Kubernetes mounts files (`..data` and what it points to).
fn touches(changed: &Path, path: &Path) -> bool {
    let mount = |name: &OsStr| name.as_encoded_bytes().starts_with(b"..");
    let beside = changed.parent() == path.parent() && changed.file_name().is_some_and(mount);
    beside || changed.starts_with(path) || path.starts_with(changed)
}

/// The system's watches.
struct Watches {
    watcher: RecommendedWatcher,
    scope: Scope,
}

impl Watches {
    /// Watches every directory that matters and exists now. Those watched before stay; one that vanished and came back
    /// is another one to the system.
    fn renew(&mut self) {
        let mut wanted: BTreeMap<&Path, RecursiveMode> = BTreeMap::new();
        for path in &self.scope.0 {
            // The directory that holds it, for replacements; above that, the nearest that exists, for its coming back.
            let above = path.ancestors().skip(1).find(|ancestor| ancestor.is_dir());
            let beyond = above.and_then(Path::parent);
            for directory in above.into_iter().chain(beyond) {
                wanted.entry(directory).or_insert(RecursiveMode::NonRecursive);
            }
            if path.is_dir() {
                wanted.insert(path, RecursiveMode::Recursive);
            }
        }
        for (directory, mode) in wanted {
            // It may vanish at any moment, or be unreadable: the tick stands in.
            let _ = self.watcher.watch(directory, mode);
        }
    }
}

/// `path` as events will name it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// No tick within a test's time, so that only notices count.
    const PACE: Pace =
        Pace { settle: Duration::from_millis(20), patience: Duration::from_millis(200), tick: Duration::from_hours(1) };

    async fn noticed(changes: &mut mpsc::Receiver<Change>) {
        let change = timeout(Duration::from_secs(20), changes.recv()).await;
        assert_eq!(change.expect("a change is noticed in time"), Some(Change::Noticed));
    }

    /// Takes whatever is still being told of what was done before.
    async fn settle(changes: &mut mpsc::Receiver<Change>) {
        while timeout(PACE.settle * 20, changes.recv()).await.is_ok() {}
    }

    #[tokio::test]
    async fn notices_a_file_written_replaced_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.yaml");
        let (_guard, mut changes) = watch(std::slice::from_ref(&file), PACE).unwrap();
        fs::write(&file, "a").unwrap();
        noticed(&mut changes).await;
        settle(&mut changes).await;
        fs::write(directory.path().join("new"), "b").unwrap();
        fs::rename(directory.path().join("new"), &file).unwrap();
        noticed(&mut changes).await;
        settle(&mut changes).await;
        fs::remove_file(&file).unwrap();
        noticed(&mut changes).await;
    }

    #[tokio::test]
    async fn notices_the_swap_of_a_mounted_secret() {
        let mount = tempfile::tempdir().unwrap();
        for version in ["..1", "..2"] {
            fs::create_dir(mount.path().join(version)).unwrap();
            fs::write(mount.path().join(version).join("tls.crt"), version).unwrap();
        }
        symlink("..1", mount.path().join("..data")).unwrap();
        symlink("..data/tls.crt", mount.path().join("tls.crt")).unwrap();
        let file = mount.path().join("tls.crt");
        let (_guard, mut changes) = watch(std::slice::from_ref(&file), PACE).unwrap();
        symlink("..2", mount.path().join("..data_tmp")).unwrap();
        fs::rename(mount.path().join("..data_tmp"), mount.path().join("..data")).unwrap();
        noticed(&mut changes).await;
        assert_eq!(fs::read_to_string(file).unwrap(), "..2");
    }

    #[tokio::test]
    async fn notices_a_directory_that_vanished_and_came_back() {
        let parent = tempfile::tempdir().unwrap();
        let policies = parent.path().join("policies");
        fs::create_dir_all(policies.join("one")).unwrap();
        let (_guard, mut changes) = watch(std::slice::from_ref(&policies), PACE).unwrap();
        fs::remove_dir_all(&policies).unwrap();
        noticed(&mut changes).await;
        settle(&mut changes).await;
        fs::create_dir_all(policies.join("two")).unwrap();
        noticed(&mut changes).await;
        settle(&mut changes).await;
        fs::write(policies.join("two").join("two.rego"), "package two").unwrap();
        noticed(&mut changes).await;
    }

    #[tokio::test]
    async fn reading_and_strangers_wake_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.yaml");
        fs::write(&file, "a").unwrap();
        let (_guard, mut changes) = watch(std::slice::from_ref(&file), PACE).unwrap();
        settle(&mut changes).await;
        fs::read_to_string(&file).unwrap();
        fs::write(directory.path().join("stranger"), "b").unwrap();
        assert!(timeout(PACE.settle * 20, changes.recv()).await.is_err());
    }

    #[tokio::test]
    async fn the_tick_comes_without_any_change() {
        let directory = tempfile::tempdir().unwrap();
        let pace = Pace { tick: Duration::from_millis(10), ..PACE };
        let (_guard, mut changes) = watch(&[directory.path().join("absent")], pace).unwrap();
        let change = timeout(Duration::from_secs(20), changes.recv()).await;
        assert_eq!(change.unwrap(), Some(Change::Tick));
    }
}
