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

# Whatever is no mapping or no list does not hold "ALL" either.
deny contains violation if {
	some c in input.containers
	not c.spec.securityContext.capabilities.drop == ["ALL"]
	not _drops_all(c.spec)
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.violation(c, ".securityContext.capabilities.drop", _undropped(c.spec), "set %s: [ALL]")
}

deny contains violation if {
	some c in input.containers
	some i
	added := c.spec.securityContext.capabilities.add[i]
	added != "NET_BIND_SERVICE"
	_in_force(input.pod.spec, input.parameters.version)
	fault := sprintf("adds the capability %s", [part.shown(added)])
	at := sprintf(".securityContext.capabilities.add[%v]", [i])
	violation := pss.violation(c, at, fault, "remove %s; only NET_BIND_SERVICE may be added")
}

deny contains violation if {
	some c in input.containers
	type_name(c.spec.securityContext.capabilities.add) != "array"
	c.spec.securityContext.capabilities.add != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.not_a(c, ".securityContext.capabilities.add", "list")
}

_in_force(pod_spec, version) if {
	pss.at_least(version, 22)
	not _left_alone(pod_spec, version)
}

_left_alone(pod_spec, version) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_drops_all(spec) if {
	dropped := spec.securityContext.capabilities.drop
	is_array(dropped)
	"ALL" in dropped
	every capability in dropped {
		type_name(capability) in {"string", "null"}
	}
}

_undropped(spec) := sprintf("capabilities.drop is %s, without ALL", [part.shown(dropped)]) if {
	dropped := spec.securityContext.capabilities.drop
	dropped != null
} else := "capabilities.drop is not set to [ALL]"
