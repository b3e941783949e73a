//! What a cluster asks of a runtime for a Pod of the chart, as an OCI bundle
//! (<https://github.com/opencontainers/runtime-spec/blob/main/config.md>).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::layout::Image;

/// The memory limit.
pub(super) const MEMORY_BYTES: u64 = 128 * 1024 * 1024;

/// The profile that container engines run under unless told otherwise, as their common package ships it.
const SECCOMP: &str = "/usr/share/containers/seccomp.json";

/// What is added to the image's own words.
#[derive(Default)]
pub(super) struct Settings {
    /// Variables, which win over the image's.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Files of the host, and where the container sees them.
    pub(super) mounts: Vec<(PathBuf, &'static str)>,
}

/// Writes the bundle: the image's files, and how to run them. The network is the host's, so that a test can call.
pub(super) fn write(image: &Image, directory: &Path, id: &str, settings: &Settings) {
    let root = directory.join("rootfs");
    fs::create_dir(&root).unwrap();
    image.unpack(&root);
    let user = image.config["config"]["User"].as_str().unwrap();
    let (user, group) = user.split_once(':').unwrap();
    let arguments = [image.texts("Entrypoint"), image.texts("Cmd")].concat();
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user.parse::<u32>().unwrap(), "gid": group.parse::<u32>().unwrap()},
            "args": arguments,
            "env": environment(image, settings),
            "cwd": "/",
            "capabilities": {"bounding": [], "effective": [], "permitted": [], "inheritable": [], "ambient": []},
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs", "readonly": true},
        "mounts": mounts(settings),
        "linux": {
            "cgroupsPath": format!("/{id}"),
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}],
            "resources": {"memory": {"limit": MEMORY_BYTES, "swap": MEMORY_BYTES}},
            "seccomp": seccomp(),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    });
    fs::write(directory.join("config.json"), config.to_string()).unwrap();
}

/// The image's variables, those that suit a test, and the settings': of each name the last.
fn environment(image: &Image, settings: &Settings) -> Vec<String> {
    let mut variables = BTreeMap::new();
    for text in image.texts("Env") {
        let (name, value) = text.split_once('=').unwrap();
        variables.insert(name.to_owned(), value.to_owned());
    }
    // Any free port of this machine; and no caller is left by the time that it is told to end.
    let free = "127.0.0.1:0";
    let ours = [("PORTCULLIS_ADDRESS", free), ("PORTCULLIS_OPERATIONS_ADDRESS", free), ("PORTCULLIS_DRAIN_DELAY", "0")];
    variables.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables.extend(settings.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn mounts(settings: &Settings) -> Vec<Value> {
    let mut mounts = vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]}),
        json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
               "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}),
    ];
    for (source, destination) in &settings.mounts {
        let options = ["bind", "ro", "nosuid", "nodev", "noexec"];
        mounts.push(json!({"destination": destination, "type": "bind", "source": source, "options": options}));
    }
    mounts
}

/// The default profile for a container without capabilities, in the runtime's words: the file's entries are bound to
/// machines and capabilities, the runtime's are not.
fn seccomp() -> Value {
    let profile = fs::read(SECCOMP).unwrap_or_else(|error| panic!("{SECCOMP}: {error}: it comes with buildah"));
    let profile: Value = serde_json::from_slice(&profile).unwrap();
    let (machine, architecture) = match std::env::consts::ARCH {
        "x86_64" => (json!("amd64"), "SCMP_ARCH_X86_64"),
        "aarch64" => (json!("arm64"), "SCMP_ARCH_AARCH64"),
        other => panic!("no words for {other}"),
    };
    let list = |entry: &Value, key: &str| entry["includes"][key].as_array().cloned().unwrap_or_default();
    let mut calls = Vec::new();
    for entry in profile["syscalls"].as_array().unwrap() {
        let machines = list(entry, "arches");
        if list(entry, "caps").is_empty() && (machines.is_empty() || machines.contains(&machine)) {
            let mut call = json!({"names": entry["names"], "action": entry["action"]});
            for key in ["args", "errnoRet"] {
                if !entry[key].is_null() {
                    call[key] = entry[key].clone();
                }
            }
            calls.push(call);
        }
    }
    assert!(calls.len() > 3, "the profile was not understood: {calls:?}");
    json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [architecture],
        "syscalls": calls,
    })
}
