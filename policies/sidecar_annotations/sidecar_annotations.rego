# METADATA
# title: Sidecars and scraping are asked for by annotation where configured
# description: |
#   Gives Pods the annotations by which Dapr, Linkerd, the Vault agent and Prometheus find them, and the label by which
#   Istio does. Which Pods get which is configuration: for each of the five where it applies, by
#   namespaces and labels, and its values; Pods of Jobs are left alone unless said. What is not enabled sets nothing.
#   What an author has set stays, with a warning where something else is configured; what is taken from the workload,
#   such as the app-id, gives way without one, and of ports only those are warned of that no container has. Who has set
#   the switch (dapr.io/enabled, linkerd.io/inject, sidecar.istio.io/inject, vault.hashicorp.com/agent-inject,
#   prometheus.io/scrape) to something else gets nothing further of that kind, and a warning; those of Dapr and Vault
#   are on by any value that these read as true, such as True.
#
#   Dapr's app-id is the name of the workload: of the controller that owns the Pod, without the hash of its template, or
#   the Pod's own. Its app-port is the first TCP port of the first container that names one. The role for Vault is the
#   Pod's service account. No sidecar, all being Linux containers, is asked for where spec.os, node selector or required
#   node affinity put the Pod on Windows; Prometheus scrapes there too. Linkerd and Istio are not asked for on the
#   host's network, where they inject nothing; Vault's agent not where the Pod mounts no service account token, as its
#   webhook would refuse the Pod.
#
#   Sidecars are injected by other webhooks, of which the API server calls those first whose configuration has the
#   alphabetically smaller name. A label or annotation that is set after Istio's webhook has been called is seen only if
#   that one has reinvocationPolicy: IfNeeded.
# related_resources:
# - ref: https://docs.dapr.io/reference/arguments-annotations-overview/
# - ref: https://linkerd.io/2/features/proxy-injection/
# - ref: https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/
# - ref: https://developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
# custom:
#   severity: low
#   enforcement: deny
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     dapr: {enabled: false}
#     linkerd: {enabled: false}
#     istio: {enabled: false}
#     vault: {enabled: false}
#     prometheus: {enabled: false}
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       dapr:
#         description: Which Pods get Dapr's sidecar, and its settings.
#         type: object
#         additionalProperties: false
#         properties:
#           enabled: {$ref: "#/$defs/enabled"}
#           where: {$ref: "#/$defs/where"}
#           annotations: {$ref: "#/$defs/annotations"}
#           app_id_labels:
#             description: Labels whose value is the app-id, the first that a Pod has, not its workload's name.
#             type: array
#             items: {type: string, minLength: 1}
#           app_port:
#             description: The port that applications listen on, instead of the first one that a container names.
#             type: integer
#             minimum: 1
#             maximum: 65535
#           app_port_from_container:
#             description: Take the first port of a container if app_port is not set; true unless said otherwise.
#             type: boolean
#           app_protocol:
#             description: How the application is called.
#             enum: [http, grpc, https, grpcs, h2c]
#           config:
#             description: The name of Dapr's Configuration.
#             type: string
#             minLength: 1
#           log_level:
#             description: What the sidecar logs.
#             enum: [debug, info, warn, error, fatal]
#           sidecar_cpu_limit:
#             description: The sidecar's CPU limit.
#             type: string
#             minLength: 1
#           sidecar_memory_limit:
#             description: The sidecar's memory limit.
#             type: string
#             minLength: 1
#           sidecar_readiness_probe_delay_seconds:
#             description: Seconds before the sidecar's readiness is first probed.
#             type: integer
#             minimum: 0
#       linkerd:
#         description: Which Pods get Linkerd's proxy, and its settings.
#         type: object
#         additionalProperties: false
#         properties:
#           enabled: {$ref: "#/$defs/enabled"}
#           where: {$ref: "#/$defs/where"}
#           annotations: {$ref: "#/$defs/annotations"}
#           inject:
#             description: How it is injected; enabled unless said otherwise.
#             enum: [enabled, ingress]
#       istio:
#         description: Which Pods get Istio's sidecar by label, and its settings.
#         type: object
#         additionalProperties: false
#         properties:
#           enabled: {$ref: "#/$defs/enabled"}
#           where: {$ref: "#/$defs/where"}
#           annotations: {$ref: "#/$defs/annotations"}
#       vault:
#         description: Which Pods get Vault's agent, and its settings.
#         type: object
#         additionalProperties: false
#         properties:
#           enabled: {$ref: "#/$defs/enabled"}
#           where: {$ref: "#/$defs/where"}
#           annotations: {$ref: "#/$defs/annotations"}
#           role:
#             description: The role to log in with, instead of the service account's name.
#             type: string
#             minLength: 1
#       prometheus:
#         description: Which Pods Prometheus scrapes, and how.
#         type: object
#         additionalProperties: false
#         properties:
#           enabled: {$ref: "#/$defs/enabled"}
#           where: {$ref: "#/$defs/where"}
#           annotations: {$ref: "#/$defs/annotations"}
#           port:
#             description: The port to scrape, instead of the container's port of one of port_names.
#             type: integer
#             minimum: 1
#             maximum: 65535
#           port_names:
#             description: Names of the container port to scrape; metrics and http-metrics unless said otherwise.
#             type: array
#             items: {type: string, minLength: 1}
#           path:
#             description: The path to scrape, /metrics to Prometheus if there is none.
#             type: string
#             pattern: ^/
#           scheme:
#             description: The scheme to scrape by.
#             enum: [http, https]
#     $defs:
#       enabled:
#         description: Whether any Pods get it.
#         type: boolean
#       annotations:
#         description: Further annotations with their values.
#         type: object
#         additionalProperties: {type: string}
#       where:
#         description: The Pods that get it; all if nothing is said, but those of Jobs.
#         type: object
#         additionalProperties: false
#         properties:
#           namespaces:
#             description: Their namespaces; * stands for any characters.
#             type: array
#             items: {type: string, pattern: "^[a-z0-9*-]+$"}
#           matchLabels:
#             description: Labels with the values that they must have.
#             type: object
#             additionalProperties: {type: string}
#           matchExpressions:
#             description: Conditions on their labels, all of which must hold.
#             type: array
#             items:
#               type: object
#               additionalProperties: false
#               required: [key, operator]
#               properties:
#                 key: {description: The label., type: string}
#                 operator: {description: How its value is compared., enum: [In, NotIn, Exists, DoesNotExist]}
#                 values:
#                   description: Values, for In and NotIn.
#                   type: array
#                   items: {type: string}
#           jobs:
#             description: Also Pods of Jobs, which do not complete as long as a sidecar runs beside them.
#             type: boolean
package policies.sidecar_annotations

import data.lib.account
import data.lib.node
import data.lib.part
import data.lib.pattern
import data.lib.selector

mutate contains op if {
	some wish in _wishes
	_open(wish, input.pod.metadata)
	some map, values in wish.values
	some key, value in values
	not _states(input.pod.metadata, map, key)
	op := {"op": "default", "path": ["metadata", map, key], "value": value}
}

warn contains violation if {
	some wish in _wishes
	not _open(wish, input.pod.metadata)
	value := input.pod.metadata[wish.switch.map][wish.switch.key]
	violation := _violation(
		wish.switch.map, wish.switch.key,
		sprintf("is %s, so that %s is not set up as configured here", [part.shown(value), wish.name]),
		sprintf("remove %%s, or set it to %q", [wish.switch.on[0]]),
	)
}

warn contains violation if {
	some wish in _wishes
	_open(wish, input.pod.metadata)
	value := input.pod.metadata.annotations[wish.port]
	value != null
	count(_ports) > 0
	not value in {json.marshal(port.containerPort) | some port in _ports}
	violation := _violation(
		"annotations", wish.port,
		sprintf("is %s, the port of no container", [part.shown(value)]),
		"set %s to the port of a container, as a string",
	)
}

warn contains violation if {
	some wish in _wishes
	_open(wish, input.pod.metadata)
	some key, configured in wish.configured
	not key in {wish.switch.key, wish.port}
	value := input.pod.metadata.annotations[key]
	not value in {null, configured}
	what := sprintf("is %s, not %s as configured here", [part.shown(value), part.shown(configured)])
	violation := _violation("annotations", key, what, "remove %s, or have the configuration changed")
}

warn contains violation if {
	some name in ["dapr", "linkerd", "istio", "vault"]
	_applies(input.parameters[name])
	obstacle := _obstacle(name)
	violation := {
		"msg": sprintf("%s is configured here, but is not set up: %s", [name, obstacle.what]),
		"field": obstacle.field,
		"remedy": obstacle.remedy,
	}
}

# What Pods like this one are to have: a switch that its author may have set otherwise, and all values by map and key.
_wishes contains wish if {
	_applies(input.parameters.dapr)
	not _obstacle("dapr")
	derived := object.union({"dapr.io/app-id": _app_id}, _app_port(input.parameters.dapr))
	switch := _switch("annotations", "dapr.io/enabled", ["true", "t", "yes", "y", "on", "1"])
	wish := _wish("dapr", switch, input.parameters.dapr, derived)
}

_wishes contains wish if {
	_applies(input.parameters.linkerd)
	not _obstacle("linkerd")
	asked := object.get(input.parameters.linkerd, "inject", "enabled")
	others := [value | some value in ["enabled", "ingress"]; value != asked]
	on := array.concat([asked], others)
	wish := _wish("linkerd", _switch("annotations", "linkerd.io/inject", on), input.parameters.linkerd, {})
}

_wishes contains wish if {
	_applies(input.parameters.istio)
	not _obstacle("istio")
	not _states(input.pod.metadata, "labels", "istio.io/rev")
	wish := _wish("istio", _switch("labels", "sidecar.istio.io/inject", ["true"]), input.parameters.istio, {})
}

_wishes contains wish if {
	_applies(input.parameters.vault)
	not _obstacle("vault")
	derived := {"vault.hashicorp.com/role": account.name(input.pod.spec)}
	switch := _switch("annotations", "vault.hashicorp.com/agent-inject", ["true", "True", "TRUE", "t", "T", "1"])
	wish := _wish("vault", switch, input.parameters.vault, derived)
}

_wishes contains wish if {
	_applies(input.parameters.prometheus)
	switch := _switch("annotations", "prometheus.io/scrape", ["true"])
	wish := _wish("prometheus", switch, input.parameters.prometheus, _named_port(input.parameters.prometheus))
}

# The first value that is on is the one to set.
_switch(map, key, on) := {"map": map, "key": key, "on": on}

# The annotation for a port is warned of if it names one that no container has, others if they are not as configured.
_wish(name, switch, settings, derived) := {
	"name": name,
	"switch": switch,
	"port": object.get({"dapr": "dapr.io/app-port", "prometheus": "prometheus.io/port"}, name, ""),
	"configured": configured,
	"values": object.union(
		{"annotations": object.union(derived, configured)},
		{switch.map: {switch.key: switch.on[0]}},
	),
} if {
	configured := object.union(_values(settings, object.get(_keys, name, {})), object.get(settings, "annotations", {}))
}

# Whether the author of a Pod has left the switch alone, or on.
_open(wish, metadata) if {
	not _states(metadata, wish.switch.map, wish.switch.key)
} else if {
	value := metadata[wish.switch.map][wish.switch.key]
	_read(wish.name, value) in wish.switch.on
}

# Dapr reads its switch in any case and without the spaces around it.
_read(name, value) := lower(trim_space(value)) if {
	name == "dapr"
	is_string(value)
} else := value

_states(metadata, map, key) if {
	metadata[map][key] != null
} else if {
	metadata[map] < {}
	metadata[map] != null
}

# Why Pods for which something is configured cannot have it.
_obstacle("dapr") := _windows if {
	_windows
} else := obstacle if {
	not _app_id
	obstacle := {
		"what": "its workload's name does not make an app-id, a DNS label of at most 58 characters",
		"field": sprintf("%s.annotations[%q]", [part.metadata_path, "dapr.io/app-id"]),
		"remedy": sprintf("set %s.annotations[%q]", [part.metadata_path, "dapr.io/app-id"]),
	}
}

_obstacle("linkerd") := _no_proxy

_obstacle("istio") := obstacle if {
	obstacle := _no_proxy
} else := obstacle if {
	value := input.pod.metadata.annotations["sidecar.istio.io/inject"]
	not _states(input.pod.metadata, "labels", "sidecar.istio.io/inject")
	field := sprintf("%s.annotations[%q]", [part.metadata_path, "sidecar.istio.io/inject"])
	obstacle := {
		"what": sprintf("the deprecated annotation sidecar.istio.io/inject is %s", [part.shown(value)]),
		"field": field,
		"remedy": sprintf("remove %s", [field]),
	}
}

_obstacle("vault") := _windows if {
	_windows
} else := obstacle if {
	input.pod.spec.automountServiceAccountToken == false
	not _token_volume
	field := sprintf("%s.automountServiceAccountToken", [part.pod_path])
	obstacle := {
		"what": "no service account token is mounted, with which its agent logs in",
		"field": field,
		"remedy": sprintf("set %s: true, or name a volume by %s", [field, _token_key]),
	}
}

_no_proxy := obstacle if {
	input.pod.spec.hostNetwork == true
	field := sprintf("%s.hostNetwork", [part.pod_path])
	remedy := sprintf("remove %s", [field])
	obstacle := {"what": "nothing is injected on the host's network", "field": field, "remedy": remedy}
} else := _windows if {
	_windows
}

_windows := obstacle if {
	node.is_windows(input.pod.spec)
	signs := [sign | some sign in ["os", "nodeSelector", "affinity"]; node.is_windows({sign: input.pod.spec[sign]})]
	obstacle := {
		"what": "its sidecar is a Linux container, and the Pod is for Windows",
		"field": concat(".", array.concat([part.pod_path], array.slice(signs, 0, 1))),
		"remedy": "run it on Linux",
	}
}

_token_key := "vault.hashicorp.com/agent-service-account-token-volume-name"

_token_volume if {
	input.pod.metadata.annotations[_token_key] != null
} else if {
	input.parameters.vault.annotations[_token_key]
}

_applies(settings) if {
	settings.enabled == true
	where := object.get(settings, "where", {})
	pattern.fits(object.get(input.request, "namespace", ""), object.get(where, "namespaces", ["*"]))
	selector.fits(_labels, where)
	_runs_on(where)
}

_labels := input.pod.metadata.labels if {
	is_object(input.pod.metadata.labels)
} else := {}

_runs_on(where) if {
	not _of_a_job
} else if {
	where.jobs == true
}

_of_a_job if {
	input.workload.kind in {"Job", "CronJob"}
} else if {
	some i
	input.pod.metadata.ownerReferences[i].kind == "Job"
}

# What the author says, or what a label or the workload's name makes; undefined if that is no app-id.
_app_id := id if {
	id := input.pod.metadata.annotations["dapr.io/app-id"]
	id != null
} else := id if {
	id := replace(_named, ".", "-")
	regex.match(`^[a-z0-9]([-a-z0-9]{0,56}[a-z0-9])?$`, id)
}

_named := name if {
	name := [value | some label in input.parameters.dapr.app_id_labels; value := _labels[label]][0]
} else := input.workload.name if {
	is_string(input.workload.name)
} else := _without_hash(_owner) if {
	is_string(_owner.name)
} else := input.pod.metadata.name if {
	is_string(input.pod.metadata.name)
} else := trim_suffix(input.pod.metadata.generateName, "-") if {
	is_string(input.pod.metadata.generateName)
}

_owner := [owner |
	some i
	owner := input.pod.metadata.ownerReferences[i]
	owner.controller == true
][0]

# A Deployment names its ReplicaSets by its own name and the hash of the template, and so does an Argo Rollout.
_without_hash(owner) := trim_suffix(owner.name, concat("", ["-", hash])) if {
	owner.kind == "ReplicaSet"
	some key in ["pod-template-hash", "rollouts-pod-template-hash"]
	hash := _labels[key]
	is_string(hash)
} else := owner.name

# The annotation that each setting is the value of.
_keys := {
	"dapr": {
		"app_protocol": "dapr.io/app-protocol",
		"config": "dapr.io/config",
		"log_level": "dapr.io/log-level",
		"sidecar_cpu_limit": "dapr.io/sidecar-cpu-limit",
		"sidecar_memory_limit": "dapr.io/sidecar-memory-limit",
		"sidecar_readiness_probe_delay_seconds": "dapr.io/sidecar-readiness-probe-delay-seconds",
		"app_port": "dapr.io/app-port",
	},
	"vault": {"role": "vault.hashicorp.com/role"},
	"prometheus": {"path": "prometheus.io/path", "scheme": "prometheus.io/scheme", "port": "prometheus.io/port"},
}

_values(settings, keys) := {key: _text(settings[field]) | some field, key in keys; settings[field] != null}

_text(value) := value if is_string(value)

_text(value) := json.marshal(value) if not is_string(value)

_app_port(settings) := {"dapr.io/app-port": port} if {
	object.get(settings, "app_port", null) == null
	object.get(settings, "app_port_from_container", true) == true
	port := json.marshal(_ports[0].containerPort)
} else := {}

_named_port(settings) := {"prometheus.io/port": port} if {
	names := object.get(settings, "port_names", ["metrics", "http-metrics"])
	port := [json.marshal(named.containerPort) | some named in _ports; named.name in names][0]
} else := {}

# The TCP ports that the application's containers name.
_ports := [port |
	some c in input.containers
	c.kind == "container"
	not c.name in {"daprd", "linkerd-proxy", "istio-proxy", "vault-agent"}
	some i
	port := c.spec.ports[i]
	is_number(port.containerPort)
	port.containerPort > 0
	not _other_protocol(port)
]

_other_protocol(port) if port.protocol in {"UDP", "SCTP"}

_violation(map, key, what, advice) := {
	"msg": sprintf("%s %s %s", [trim_suffix(map, "s"), key, what]),
	"field": field,
	"remedy": sprintf(advice, [field]),
} if {
	field := sprintf("%s.%s[%q]", [part.metadata_path, map, key])
}
