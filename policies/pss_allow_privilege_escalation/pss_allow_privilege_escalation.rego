# METADATA
# title: Containers cannot gain privileges
# description: |
#   The control allowPrivilegeEscalation of the Pod Security Standard "restricted": every container (init, sidecar and
#   ephemeral ones too) must set allowPrivilegeEscalation: false, so that no process of it gets more privileges than the
#   one that started it, by a set-user-id file or otherwise. The default is true, so that silence is refused.
#   Since v1.8; since v1.25 Pods with os.name: windows, which cannot set the field, are left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/allowPrivilegeEscalation, cis/5.2.6, nsa/pod-security/privilege-escalation]
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
package policies.pss_allow_privilege_escalation

import data.lib.pss

# What is absent, null, true or of another type, and a container that is no mapping, is all not false.
deny contains violation if {
	some c in input.containers
	not c.spec.securityContext.allowPrivilegeEscalation == false
	_in_force(input.pod.spec, input.parameters.version)
	at := ".securityContext.allowPrivilegeEscalation"
	violation := pss.not_among(c, at, _stated(c.spec), "false", "set %s: false")
}

_in_force(pod_spec, version) if {
	pss.at_least(version, 8)
	not _left_alone(pod_spec, version)
}

_left_alone(pod_spec, version) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_stated(spec) := value if {
	value := spec.securityContext.allowPrivilegeEscalation
} else := null
