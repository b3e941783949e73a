# METADATA
# title: Containers have probes
# description: |
#   Every container must have the probes named in the parameters (liveness and readiness), each with exactly one
#   handler that says what to do; an empty probe is none. Init containers run to their end and ephemeral ones cannot
#   have probes, so neither is asked for them; sidecars are if the parameter kinds names them. Jobs and CronJobs are
#   left out unless the parameter jobs is true, and so are bare Pods with restartPolicy Never or OnFailure, for those
#   are what Jobs create: owner references and labels can be forged, but whoever lies about the restartPolicy gets no
#   restarts, and no Deployment, StatefulSet, DaemonSet or ReplicaSet may have these. Other bare Pods are judged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     probes: [livenessProbe, readinessProbe]
#     kinds: [container]
#     jobs: false
#     forbid_identical: false
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       probes:
#         description: Probes every container must have.
#         type: array
#         items: {enum: [livenessProbe, readinessProbe, startupProbe]}
#       kinds:
#         description: Kinds of containers to judge.
#         type: array
#         items: {enum: [container, sidecar]}
#       jobs:
#         description: Judge Jobs, CronJobs and Pods that run to completion, too.
#         type: boolean
#       forbid_identical:
#         description: Refuse a liveness probe that is the readiness probe again, which restarts what is only busy.
#         type: boolean
package policies.require_probes

import data.lib.part

deny contains violation if {
	some c in input.containers
	c.kind in input.parameters.kinds
	some probe in input.parameters.probes
	not _works(c.spec, probe)
	_judged(c, input.pod.spec, object.get(input, "workload", null), input.parameters)
	field := sprintf("%s.%s", [c.path, probe])
	violation := {
		"msg": sprintf("%s: %s %s", [part.label(c), probe, _fault(c.spec, probe)]),
		"field": field,
		"remedy": sprintf("set %s, for example to %s", [field, _example[probe]]),
	}
}

deny contains violation if {
	input.parameters.forbid_identical == true
	some c in input.containers
	c.kind in input.parameters.kinds
	_effective(c.spec.livenessProbe) == _effective(c.spec.readinessProbe)
	_judged(c, input.pod.spec, object.get(input, "workload", null), input.parameters)
	field := sprintf("%s.livenessProbe", [c.path])
	violation := {
		"msg": sprintf("%s: livenessProbe is the same as readinessProbe", [part.label(c)]),
		"field": field,
		"remedy": sprintf("set %s.failureThreshold higher than the readinessProbe's, or probe something else", [field]),
	}
}

# What runs to completion, by what the kubelet will act on.
_left_out(workload, _, parameters) if {
	parameters.jobs != true
	workload.kind in {"Job", "CronJob"}
}

_left_out(null, pod_spec, parameters) if {
	parameters.jobs != true
	pod_spec.restartPolicy in {"Never", "OnFailure"}
}

_judged(c, pod_spec, workload, parameters) if {
	c.kind in {"container", "sidecar"}
	not _left_out(workload, pod_spec, parameters)
}

# Exactly one handler, and one that says what to do.
_works(spec, probe) if {
	[handler] := _handlers(spec[probe])
	_complete(handler, spec[probe][handler])
}

_handlers(probe) := [handler |
	some handler in ["exec", "grpc", "httpGet", "tcpSocket"]
	probe[handler] != null
]

# A command, or a port: a number, or a name where grpc takes none.
_complete(kind, handler) if {
	kind != "exec"
	is_number(handler.port)
	handler.port >= 1
	handler.port <= 65535
} else if {
	kind == "exec"
	is_array(handler.command)
	count(handler.command) > 0
} else if {
	kind in {"httpGet", "tcpSocket"}
	is_string(handler.port)
	handler.port != ""
}

# Why a probe does not work.
_fault(spec, probe) := "is missing" if {
	not _states(spec, probe)
} else := "is not a mapping" if {
	not is_object(spec[probe])
} else := "has no handler: none of exec, grpc, httpGet, tcpSocket" if {
	_handlers(spec[probe]) == []
} else := "has a handler without a command: exec" if {
	_handlers(spec[probe]) == ["exec"]
} else := sprintf("has a handler without a port: %s", handlers) if {
	handlers := _handlers(spec[probe])
	count(handlers) == 1
} else := sprintf("has more than one handler: %s", [concat(", ", _handlers(spec[probe]))])

_states(spec, probe) if spec[probe] != null

# A probe with the API server's defaults, so that a manifest and the object in the cluster compare alike.
_effective(probe) := object.union(
	{
		"failureThreshold": 3,
		"grpc": {"service": ""},
		"httpGet": {"path": "/", "scheme": "HTTP"},
		"initialDelaySeconds": 0,
		"periodSeconds": 10,
		"successThreshold": 1,
		"timeoutSeconds": 1,
	},
	probe,
) if {
	is_object(probe)
}

_example := {
	"livenessProbe": "{httpGet: {path: /healthz, port: 8080}}",
	"readinessProbe": "{httpGet: {path: /readyz, port: 8080}}",
	"startupProbe": "{httpGet: {path: /healthz, port: 8080}, failureThreshold: 30}",
}
