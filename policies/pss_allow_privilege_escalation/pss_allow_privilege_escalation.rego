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

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	not c.spec.securityContext.allowPrivilegeEscalation == false
	pss.at_least(input.parameters.version, 8)
	not _left_alone(input.parameters.version, input.pod.spec)
	field := sprintf("%s.securityContext.allowPrivilegeEscalation", [c.path])
	violation := {
		"msg": sprintf("%s: %s", [part.label(c), _what(c.spec)]),
		"field": field,
		"remedy": sprintf("set %s: false", [field]),
	}
}

_left_alone(version, pod_spec) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_what(spec) := sprintf("allowPrivilegeEscalation is %s, not false", [part.shown(value)]) if {
	value := spec.securityContext.allowPrivilegeEscalation
	value != null
} else := "allowPrivilegeEscalation is not set to false"
