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

deny contains violation if {
	not _left_out(object.get(input, "workload", null), input.pod.spec, input.parameters)
	some c in input.containers
	_judged(c, input.parameters)
	some probe in input.parameters.probes
	problem := _problem(_probe(c.spec, probe))
	field := sprintf("%s.%s", [c.path, probe])
	violation := {
		"msg": sprintf("%s: %s %s", [_label(c), probe, problem]),
		"field": field,
		"remedy": sprintf("set %s, for example to %s", [field, _example[probe]]),
	}
}

deny contains violation if {
	input.parameters.forbid_identical == true
	not _left_out(object.get(input, "workload", null), input.pod.spec, input.parameters)
	some c in input.containers
	_judged(c, input.parameters)
	_effective(c.spec.livenessProbe) == _effective(c.spec.readinessProbe)
	field := sprintf("%s.livenessProbe", [c.path])
	violation := {
		"msg": sprintf("%s: livenessProbe is the same as readinessProbe", [_label(c)]),
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

_judged(c, parameters) if {
	c.kind in {"container", "sidecar"}
	c.kind in parameters.kinds
}

_probe(spec, name) := probe if {
	probe := spec[name]
} else := null

# What is wrong with a probe; undefined if nothing is.
_problem(probe) := "is missing" if probe == null

_problem(probe) := "is not a mapping" if {
	probe != null
	not is_object(probe)
}

_problem(probe) := problem if {
	is_object(probe)
	handlers := [kind | some kind in ["exec", "grpc", "httpGet", "tcpSocket"]; object.get(probe, kind, null) != null]
	problem := _handlers_problem(handlers, probe)
}

_handlers_problem(handlers, _) := "has no handler: none of exec, grpc, httpGet, tcpSocket" if count(handlers) == 0

_handlers_problem(handlers, _) := sprintf("has more than one handler: %s", [concat(", ", handlers)]) if {
	count(handlers) > 1
}

_handlers_problem([kind], probe) := sprintf("has a handler without %s: %s", [_aim(kind), kind]) if {
	not _complete(kind, probe[kind])
}

_aim(kind) := "a command" if kind == "exec"

_aim(kind) := "a port" if kind != "exec"

_complete("exec", handler) if {
	is_array(handler.command)
	count(handler.command) > 0
}

_complete(kind, handler) if {
	kind != "exec"
	is_number(handler.port)
	handler.port >= 1
	handler.port <= 65535
}

# A port's name; grpc takes none.
_complete(kind, handler) if {
	kind in {"httpGet", "tcpSocket"}
	is_string(handler.port)
	handler.port != ""
}

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

_label(c) := sprintf("%s %q", [_kind(c), c.name]) if {
	is_string(c.name)
	c.name != ""
} else := sprintf("%s at %s", [_kind(c), c.path])

_kind(c) := "container" if c.kind == "container"

else := sprintf("%s container", [c.kind])
