# METADATA
# title: Dapr annotations are complete and consistent
# description: |
#   A Pod with `dapr.io/enabled: "true"` gets Dapr's sidecar, which is set up by annotations that nobody else checks:
#   a wrong one shows when the Pod starts, or when nobody can call it. Such a Pod must name its app-id, without which
#   each replica is an application of its own; the id and `-dapr` make the name of a Service. Annotations that are set
#   must be strings in their form: ports, whole numbers, "true" or "false", quantities, names, and the values that
#   Dapr knows for app-protocol and log-level. The app-port must be a port of a container, where containers name any,
#   unless `match_container_port` is false. `dapr.io/enabled` must be exactly "true" or "false", and present beside an
#   app-id or app-port. Pods without these are left alone unless `required` is true; annotations not named here are
#   not judged.
# related_resources:
# - ref: https://docs.dapr.io/reference/arguments-annotations-overview/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     required: false
#     match_container_port: true
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       required:
#         description: Every Pod must have Dapr's sidecar.
#         type: boolean
#       match_container_port:
#         description: The app-port must be among the ports that the containers name, if they name any.
#         type: boolean
package policies.require_dapr_annotations

import data.lib.part

deny contains violation if {
	input.parameters.required == true
	not _annotations["dapr.io/enabled"] == "true"
	violation := _violation("dapr.io/enabled", "is not \"true\"", "\"true\"")
}

deny contains violation if {
	value := _annotations["dapr.io/enabled"]
	not value in {"true", "false"}
	input.parameters.required != true
	what := sprintf("is %s, neither \"true\" nor \"false\"", [part.shown(value)])
	violation := _violation("dapr.io/enabled", what, "\"true\" or \"false\"")
}

# An id or a port alone have no effect.
deny contains violation if {
	some key in ["dapr.io/app-id", "dapr.io/app-port"]
	_annotations[key]
	not "dapr.io/enabled" in object.keys(_annotations)
	input.parameters.required != true
	violation := _violation("dapr.io/enabled", sprintf("is missing, so that %s has no effect", [key]), "\"true\"")
}

deny contains violation if {
	_annotations["dapr.io/enabled"] == "true"
	not _annotations["dapr.io/app-id"]
	violation := _violation("dapr.io/app-id", "is missing", "the application's name")
}

deny contains violation if {
	_annotations["dapr.io/enabled"] == "true"
	some key, form in _forms
	value := _annotations[key]
	not _fits(form, value)
	what := sprintf("is %s, not %s", [part.shown(value), _noun[form]])
	violation := _violation(key, what, sprintf("%s, as a string", [_noun[form]]))
}

deny contains violation if {
	_annotations["dapr.io/enabled"] == "true"
	input.parameters.match_container_port == true
	value := _annotations["dapr.io/app-port"]
	_fits("port", value)
	count(_ports) > 0
	not value in _ports
	to := sprintf("the port of a container: %s", [concat(" or ", _ports)])
	violation := _violation("dapr.io/app-port", sprintf("is %s, the port of no container", [value]), to)
}

_annotations := input.pod.metadata.annotations if is_object(input.pod.metadata.annotations)

# The ports that containers name, as annotations write them; those of Dapr's own container are not the application's.
_ports contains port if {
	some c in input.containers
	c.kind in {"container", "sidecar"}
	c.name != "daprd"
	is_array(c.spec.ports)
	some entry in c.spec.ports
	is_number(entry.containerPort)
	port := json.marshal(entry.containerPort)
}

_forms := {
	"dapr.io/app-id": "app_id",
	"dapr.io/app-port": "port",
	"dapr.io/metrics-port": "port",
	"dapr.io/app-protocol": "protocol",
	"dapr.io/log-level": "log_level",
	"dapr.io/config": "name",
	"dapr.io/log-as-json": "boolean",
	"dapr.io/enable-api-logging": "boolean",
	"dapr.io/enable-app-health-check": "boolean",
	"dapr.io/enable-profiling": "boolean",
	"dapr.io/disable-builtin-k8s-secret-store": "boolean",
	"dapr.io/app-max-concurrency": "number",
	"dapr.io/app-health-probe-interval": "number",
	"dapr.io/app-health-probe-timeout": "number",
	"dapr.io/app-health-threshold": "number",
	"dapr.io/graceful-shutdown-seconds": "number",
	"dapr.io/sidecar-liveness-probe-delay-seconds": "number",
	"dapr.io/sidecar-readiness-probe-delay-seconds": "number",
	"dapr.io/sidecar-cpu-limit": "quantity",
	"dapr.io/sidecar-cpu-request": "quantity",
	"dapr.io/sidecar-memory-limit": "quantity",
	"dapr.io/sidecar-memory-request": "quantity",
}

_noun := {
	"app_id": "a lower-case DNS label of at most 58 characters",
	"port": "a port from 1 to 65535",
	"protocol": "http, grpc, https, grpcs or h2c",
	"log_level": "debug, info, warn, error or fatal",
	"name": "the name of an object",
	"boolean": "\"true\" or \"false\"",
	"number": "a whole number",
	"quantity": "a quantity such as 100m or 128Mi",
}

_fits(form, value) if {
	form == "protocol"
	value in {"http", "grpc", "https", "grpcs", "h2c"}
}

_fits(form, value) if {
	form == "log_level"
	value in {"debug", "info", "warn", "error", "fatal"}
}

_fits(form, value) if {
	form == "boolean"
	value in {"true", "false"}
}

_fits(form, value) if {
	is_string(value)
	regex.match(_pattern[form], value)
	_in_bounds(form, value)
}

_pattern := {
	"app_id": `^[a-z0-9]([-a-z0-9]{0,56}[a-z0-9])?$`,
	"port": `^[1-9][0-9]{0,4}$`,
	"name": `^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`,
	"number": `^[0-9]{1,9}$`,
	"quantity": `^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]+)$`,
}

_in_bounds(form, _) if form != "port"

_in_bounds(form, value) if {
	form == "port"
	to_number(value) <= 65535
}

_violation(key, what, to) := {
	"msg": sprintf("annotation %s %s", [key, what]),
	"field": sprintf("%s.annotations[%q]", [part.metadata_path, key]),
	"remedy": sprintf("set %s.annotations[%q] to %s", [part.metadata_path, key, to]),
}
