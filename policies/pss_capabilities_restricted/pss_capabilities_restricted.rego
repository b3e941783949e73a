# METADATA
# title: Containers drop all capabilities
# description: |
#   The control capabilities_restricted of the Pod Security Standard "restricted": every container (init, sidecar and
#   ephemeral ones too) must drop the capability ALL, spelled so, and may add none but NET_BIND_SERVICE, which servers
#   on ports below 1024 need. Since v1.22; since v1.25 Pods with os.name: windows, which cannot set the field, are left
#   alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-capabilities-for-a-container
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/capabilities_restricted, cis/5.2.8, cis/5.2.9]
#   parameters:
#     version: latest
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       version:
#         description: The version of Kubernetes whose rules hold, latest or v1.NN.
#         type: string
#         pattern: ^(latest|v1\.(0|[1-9][0-9]{0,3}))$
package policies.pss_capabilities_restricted

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	not _drops_all(c.spec)
	_in_force(input.parameters.version, input.pod.spec)
	field := sprintf("%s.securityContext.capabilities.drop", [c.path])
	violation := {
		"msg": sprintf("%s: %s", [part.label(c), _undropped(c.spec)]),
		"field": field,
		"remedy": sprintf("set %s: [ALL]", [field]),
	}
}

deny contains violation if {
	some c in input.containers
	some i, capability in _added(c.spec)
	capability != "NET_BIND_SERVICE"
	_in_force(input.parameters.version, input.pod.spec)
	field := sprintf("%s.securityContext.capabilities.add[%d]", [c.path, i])
	violation := {
		"msg": sprintf("%s: adds the capability %s", [part.label(c), part.shown(capability)]),
		"field": field,
		"remedy": sprintf("remove %s; only NET_BIND_SERVICE may be added", [field]),
	}
}

deny contains violation if {
	some c in input.containers
	added := c.spec.securityContext.capabilities.add
	not is_array(added)
	added != null
	_in_force(input.parameters.version, input.pod.spec)
	field := sprintf("%s.securityContext.capabilities.add", [c.path])
	violation := {
		"msg": sprintf("%s: capabilities.add is %s, not a list", [part.label(c), part.shown(added)]),
		"field": field,
		"remedy": sprintf("remove %s, or set it to [NET_BIND_SERVICE]", [field]),
	}
}

_in_force(version, pod_spec) if {
	pss.at_least(version, 22)
	not _left_alone(version, pod_spec)
}

_left_alone(version, pod_spec) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_drops_all(spec) if spec.securityContext.capabilities.drop == ["ALL"]

_drops_all(spec) if {
	dropped := spec.securityContext.capabilities.drop
	is_array(dropped)
	"ALL" in dropped
	every capability in dropped {
		_text_or_null(capability)
	}
}

_text_or_null(value) if is_string(value)

_text_or_null(value) if value == null

_added(spec) := added if {
	added := spec.securityContext.capabilities.add
	is_array(added)
}

_undropped(spec) := sprintf("capabilities.drop is %s, without ALL", [part.shown(dropped)]) if {
	dropped := spec.securityContext.capabilities.drop
	dropped != null
} else := "capabilities.drop is not set to [ALL]"
