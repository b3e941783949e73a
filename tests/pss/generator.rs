//! Pods with every field that a control reads, and with a liking for the edges.
//!
//! Most fields are as the standards want them, so that what is odd stands alone in many Pods; how odd a Pod is differs
//! from one to the next. The API server can decode them, but for some of the few in which a part is replaced by
//! something else.

/// Sets a field of a mapping to one of some choices, the usual ones or the odd ones. Each choice is a list: an empty one
/// leaves the field out. Only what is chosen from is built.
macro_rules! field {
    ($generator:expr, $mapping:expr, $key:expr, usual: $usual:tt, odd: $odd:tt) => {
        let choices = if $generator.is_odd() { serde_json::json!($odd) } else { serde_json::json!($usual) };
        $generator.choose($mapping, $key, choices);
    };
}

mod container;

use serde_json::{Map, Value, json};

use super::parts::{part_mut, paths};
use super::random::Random;

/// Names of containers: two of them may be the same, and one may be none.
const NAMES: [&str; 4] = ["a", "b", "c", ""];

/// The volume types that "restricted" allows, as of `k8s.io/api/core/v1`.
const ISOLATING: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// All others, and keys that are no types.
const OTHER_VOLUMES: [&str; 23] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
    "hostpath",
    "EmptyDir",
    "ofTheFuture",
];

/// Sysctls that all versions allow, that some do, and others.
const SYSCTLS: [&str; 20] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
    "kernel.msgmax",
    "net.core.somaxconn",
    "net/ipv4/tcp_rmem",
    "KERNEL.SHM_RMID_FORCED",
    "net.ipv4.*",
    "",
];

/// How many of them all versions allow, and how many some do.
const ALWAYS_SAFE: usize = 5;
const SOMETIMES_SAFE: usize = 9;

/// How many Pods in a thousand have a part replaced.
const REPLACED: usize = 60;

/// The Pod of that number. The same seed and number make the same Pod.
pub(super) fn pod(seed: u64, number: u64) -> Value {
    let mut random = Random::new(seed, number);
    let is_replaced = random.happens(REPLACED);
    let oddity = *random.pick(&[10, 40, 120, 300]);
    let mut generator = Generator { random, oddity };
    let mut pod = generator.pod();
    if is_replaced {
        generator.replace_a_part(&mut pod);
    }
    pod
}

/// Makes one Pod.
struct Generator {
    random: Random,
    /// How many fields in a thousand are odd.
    oddity: usize,
}

impl Generator {
    fn pod(&mut self) -> Value {
        let (metadata, spec) = (self.metadata(), self.spec());
        let mut pod = Map::new();
        pod.insert("apiVersion".to_owned(), json!("v1"));
        pod.insert("kind".to_owned(), json!("Pod"));
        self.put(&mut pod, "metadata", metadata);
        self.put(&mut pod, "spec", spec);
        Value::Object(pod)
    }

    fn metadata(&mut self) -> Value {
        let annotations = if self.random.happens(400) { self.annotations() } else { json!({}) };
        let mut metadata = Map::new();
        field!(self, &mut metadata, "name", usual: [["web"]], odd: [[], [null], [""]]);
        field!(self, &mut metadata, "annotations", usual: [[annotations]], odd: [[], [null], [{}], [annotations]]);
        Value::Object(metadata)
    }

    /// The annotations that said it before there were fields, and neighbours of theirs.
    fn annotations(&mut self) -> Value {
        let mut annotations = Map::new();
        for name in NAMES.iter().chain(&["nobody"]) {
            let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
            field!(self, &mut annotations, &key,
                usual: [[], [], ["runtime/default"], ["localhost/mine"]],
                odd: [[null], [""], ["localhost/"], ["localhost"], ["unconfined"], ["Runtime/Default"],
                    ["docker/default"]]);
            let key = format!("container.seccomp.security.alpha.kubernetes.io/{name}");
            field!(self, &mut annotations, &key,
                usual: [[], [], ["runtime/default"], ["docker/default"], ["localhost/mine"]],
                odd: [[null], [""], ["localhost/"], ["localhost"], ["unconfined"], ["Runtime/Default"],
                    [" runtime/default"]]);
        }
        field!(self, &mut annotations, "seccomp.security.alpha.kubernetes.io/pod",
            usual: [[], ["runtime/default"], ["docker/default"]],
            odd: [[null], [""], ["localhost/"], ["localhost/a"], ["localhost"], ["unconfined"]]);
        for neighbour in [
            "container.apparmor.security.beta.kubernetes.io",
            "apparmor.security.beta.kubernetes.io/pod",
            "container.seccomp.security.alpha.kubernetes.io",
            "Seccomp.security.alpha.kubernetes.io/pod",
        ] {
            field!(self, &mut annotations, neighbour, usual: [[]], odd: [["unconfined"]]);
        }
        Value::Object(annotations)
    }

    fn spec(&mut self) -> Value {
        let mut spec = Map::new();
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            field!(self, &mut spec, key, usual: [[], [false]], odd: [[null], [true]]);
        }
        // What relaxes controls is common enough to be seen beside all that they judge.
        if self.random.happens(150) {
            spec.insert("os".to_owned(), json!({"name": "windows"}));
        } else {
            field!(self, &mut spec, "os", usual: [[], [], [{"name": "linux"}]],
                odd: [[null], [{}], [{"name": null}], [{"name": ""}], [{"name": "Windows"}], [{"name": "windows "}]]);
        }
        if self.random.happens(150) {
            spec.insert("hostUsers".to_owned(), json!(false));
        } else {
            field!(self, &mut spec, "hostUsers", usual: [[], [], [true]], odd: [[null], [true], [false]]);
        }
        let context = self.context();
        self.put(&mut spec, "securityContext", context);
        let volumes = self.list(3, Self::volume);
        field!(self, &mut spec, "volumes", usual: [[], [volumes]], odd: [[null], [[]], [volumes]]);
        for (key, most, chance) in [("containers", 2, 980), ("initContainers", 2, 400), ("ephemeralContainers", 1, 300)]
        {
            if self.random.happens(chance) {
                let list = self.list(most, |generator| generator.container(key));
                self.put(&mut spec, key, list);
            }
        }
        Value::Object(spec)
    }

    /// The Pod's own securityContext.
    fn context(&mut self) -> Value {
        let mut context = Map::new();
        field!(self, &mut context, "runAsNonRoot", usual: [[true], [true], []], odd: [[], [null], [false]]);
        self.shared(&mut context);
        let sysctls = self.list(3, Self::sysctl);
        field!(self, &mut context, "sysctls", usual: [[], [sysctls]], odd: [[null], [[]], [sysctls]]);
        // Fields that only containers have: here they say nothing.
        field!(self, &mut context, "privileged", usual: [[]], odd: [[true]]);
        field!(self, &mut context, "allowPrivilegeEscalation", usual: [[]], odd: [[false], [true]]);
        Value::Object(context)
    }

    /// What both kinds of securityContext have.
    fn shared(&mut self, context: &mut Map<String, Value>) {
        field!(self, context, "runAsUser", usual: [[], [65_532]],
            odd: [[null], [0], [0], [1], [-1], [2_147_483_647], [9_223_372_036_854_775_807_i64]]);
        for key in ["seccompProfile", "appArmorProfile"] {
            field!(self, context, key,
                usual: [[], [{"type": "RuntimeDefault"}], [{"type": "Localhost", "localhostProfile": "a"}]],
                odd: [[null], [{}], [{"type": null}], [{"type": ""}], [{"type": "Unconfined"}], [{"type": "Unconfined"}],
                    [{"type": "runtimeDefault"}], [{"type": "localhost"}], [{"type": "runtime/default"}],
                    [{"localhostProfile": "a"}], [{"Type": "RuntimeDefault"}]]);
        }
        let options = self.selinux();
        field!(self, context, "seLinuxOptions", usual: [[], [], [options]], odd: [[null], [{}], [options]]);
        field!(self, context, "windowsOptions", usual: [[]],
            odd: [[null], [{}], [{"hostProcess": null}], [{"hostProcess": false}], [{"hostProcess": true}],
                [{"hostProcess": true}], [{"runAsUserName": "ContainerUser"}], [{"HostProcess": true}]]);
    }

    fn selinux(&mut self) -> Value {
        let mut options = Map::new();
        field!(self, &mut options, "type", usual: [[], ["container_t"], ["container_init_t"], ["container_kvm_t"]],
            odd: [[null], [""], ["container_engine_t"], ["container_engine_t"], ["spc_t"], ["Container_t"]]);
        field!(self, &mut options, "user", usual: [[]], odd: [[null], [""], ["system_u"]]);
        field!(self, &mut options, "role", usual: [[]], odd: [[null], [""], ["system_r"]]);
        field!(self, &mut options, "level", usual: [[], ["s0:c1,c2"]], odd: [[null], [""]]);
        Value::Object(options)
    }

    fn sysctl(&mut self) -> Value {
        let (always, rest) = SYSCTLS.split_at(ALWAYS_SAFE);
        let (sometimes, never) = rest.split_at(SOMETIMES_SAFE);
        let names = *self.random.pick(&[always, always, sometimes, sometimes, never]);
        let name = *self.random.pick(names);
        let mut sysctl = Map::new();
        field!(self, &mut sysctl, "name", usual: [[name]], odd: [[], [null], [name]]);
        field!(self, &mut sysctl, "value", usual: [["1"]], odd: [[], [null], [""]]);
        Value::Object(sysctl)
    }

    fn volume(&mut self) -> Value {
        let mut volume = Map::new();
        field!(self, &mut volume, "name", usual: [["data"]], odd: [[], [null], [""]]);
        let other = if self.random.happens(500) { "hostPath" } else { *self.random.pick(&OTHER_VOLUMES) };
        field!(self, &mut volume, other, usual: [[]], odd: [[null], [{}], [{}], [{}]]);
        if !(volume.contains_key(other) && self.random.happens(700)) {
            let isolating = *self.random.pick(&ISOLATING);
            field!(self, &mut volume, isolating, usual: [[{}]], odd: [[], [null], [{}]]);
        }
        Value::Object(volume)
    }

    /// Puts something of another type, or nothing, in the place of any part.
    fn replace_a_part(&mut self, pod: &mut Value) {
        let others = json!([null, true, false, 0, -1, 1.5, "", "x", "false", [], [null], ["x"], {}, {"name": 1}]);
        let other = self.random.pick(others.as_array().unwrap()).clone();
        let path = self.random.pick(&paths(pod)).clone();
        *part_mut(pod, &path).unwrap() = other;
    }

    /// A list of up to so many, seldom empty, whose elements are seldom null.
    fn list(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> Value) -> Value {
        let length = if self.random.happens(50) { 0 } else { 1 + self.random.below(most) };
        let element = |_| if self.random.happens(25) { Value::Null } else { make(self) };
        (0..length).map(element).collect()
    }

    /// Sets a field that much depends on: it is seldom left out or empty.
    fn put(&mut self, mapping: &mut Map<String, Value>, key: &str, value: Value) {
        match self.random.below(100) {
            0 => {}
            1 => drop(mapping.insert(key.to_owned(), Value::Null)),
            2 if value.is_object() => drop(mapping.insert(key.to_owned(), json!({}))),
            _ => drop(mapping.insert(key.to_owned(), value)),
        }
    }

    /// Sets a field as `field!` says.
    fn choose(&mut self, mapping: &mut Map<String, Value>, key: &str, mut choices: Value) {
        let choices = choices.as_array_mut().unwrap();
        let chosen = choices.swap_remove(self.random.below(choices.len()));
        if let Value::Array(mut values) = chosen
            && let Some(value) = values.pop()
        {
            mapping.insert(key.to_owned(), value);
        }
    }

    fn is_odd(&mut self) -> bool {
        self.random.happens(self.oddity)
    }
}
