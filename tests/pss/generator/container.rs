//! Containers of every kind.

use serde_json::{Map, Value, json};

use super::{Generator, NAMES};

/// The capabilities that "baseline" lets a container add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Some that it does not.
const OTHER: [&str; 9] =
    ["ALL", "NET_RAW", "SYS_ADMIN", "chown", "CAP_CHOWN", "Net_Bind_Service", "CAP_NET_BIND_SERVICE", " KILL", ""];

impl Generator {
    /// A container for a list of the Pod's, by the list's key.
    pub(super) fn container(&mut self, list: &str) -> Value {
        let mut container = Map::new();
        let name = *self.random.pick(&NAMES);
        field!(self, &mut container, "name", usual: [[name]], odd: [[], [null]]);
        field!(self, &mut container, "image", usual: [["registry.example.com/web:1"]], odd: [[], [null]]);
        if list == "initContainers" {
            field!(self, &mut container, "restartPolicy", usual: [[], ["Always"]], odd: [[null], ["Never"], [""]]);
        }
        let context = self.container_context();
        self.put(&mut container, "securityContext", context);
        let ports = self.list(3, Self::port);
        field!(self, &mut container, "ports", usual: [[], [ports]], odd: [[null], [[]], [ports]]);
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let probe = self.handlers();
            field!(self, &mut container, key, usual: [[], [], [probe]], odd: [[null], [{}], [probe]]);
        }
        let lifecycle = self.lifecycle();
        field!(self, &mut container, "lifecycle", usual: [[], [], [lifecycle]], odd: [[null], [{}], [lifecycle]]);
        // A key in another case is no key.
        field!(self, &mut container, "SecurityContext", usual: [[]], odd: [[{"privileged": true, "runAsUser": 0}]]);
        Value::Object(container)
    }

    fn container_context(&mut self) -> Value {
        let mut context = Map::new();
        field!(self, &mut context, "runAsNonRoot", usual: [[], [true]], odd: [[null], [false]]);
        field!(self, &mut context, "privileged", usual: [[], [false]], odd: [[null], [true]]);
        field!(self, &mut context, "allowPrivilegeEscalation", usual: [[false]], odd: [[], [null], [true]]);
        field!(self, &mut context, "procMount", usual: [[], [], ["Default"]],
            odd: [[null], [""], ["Unmasked"], ["Unmasked"], ["default"]]);
        let capabilities = self.capabilities();
        self.put(&mut context, "capabilities", capabilities);
        self.shared(&mut context);
        Value::Object(context)
    }

    fn capabilities(&mut self) -> Value {
        let mut capabilities = Map::new();
        field!(self, &mut capabilities, "drop",
            usual: [[["ALL"]], [["ALL"]], [["NET_RAW", "ALL"]], [["ALL", "ALL"]]],
            odd: [[], [null], [[]], [["all"]], [["All"]], [["CAP_ALL"]], [["NET_RAW"]], [[null]], [["ALL", null]], [[""]]]);
        let added = self.list(3, Self::capability);
        field!(self, &mut capabilities, "add", usual: [[], [], [["NET_BIND_SERVICE"]]], odd: [[null], [[]], [[null]], [added], [added]]);
        Value::Object(capabilities)
    }

    fn capability(&mut self) -> Value {
        let names = if self.random.happens(500) { &BASELINE[..] } else { &OTHER[..] };
        json!(self.random.pick(names))
    }

    fn port(&mut self) -> Value {
        let mut port = Map::new();
        field!(self, &mut port, "containerPort", usual: [[8080]], odd: [[], [null], [0]]);
        field!(self, &mut port, "hostPort", usual: [[], [], [0]],
            odd: [[null], [8080], [1], [65_535], [-1], [2_147_483_647]]);
        field!(self, &mut port, "hostIP", usual: [[]], odd: [["127.0.0.1"], [""]]);
        Value::Object(port)
    }

    fn lifecycle(&mut self) -> Value {
        let mut lifecycle = Map::new();
        for key in ["postStart", "preStop"] {
            let handlers = self.handlers();
            field!(self, &mut lifecycle, key, usual: [[], [handlers]], odd: [[null], [{}], [handlers]]);
        }
        Value::Object(lifecycle)
    }

    /// What a probe and a lifecycle hook have in common. That it is no more than one handler the API server sees to
    /// later.
    fn handlers(&mut self) -> Value {
        let mut handlers = Map::new();
        for key in ["httpGet", "tcpSocket"] {
            let mut handler = Map::new();
            field!(self, &mut handler, "port", usual: [[8080], ["http"]], odd: [[]]);
            field!(self, &mut handler, "host", usual: [[]], odd: [[null], [""], ["10.0.0.1"], ["localhost"], [" "]]);
            field!(self, &mut handlers, key, usual: [[], [handler]], odd: [[null], [{}], [handler]]);
        }
        field!(self, &mut handlers, "exec", usual: [[], [{"command": ["true"]}]], odd: [[null], [{}]]);
        Value::Object(handlers)
    }
}
