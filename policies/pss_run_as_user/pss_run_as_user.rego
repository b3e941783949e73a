# METADATA
# title: Pods do not ask for user 0
# description: |
#   The control runAsUser of the Pod Security Standard "restricted": neither the Pod nor a container (init, sidecar and
#   ephemeral ones too) may set runAsUser: 0. To say no user is fine here; pss_run_as_non_root sees to it that the
#   image's is not root. Since v1.23; since v1.35 Pods with hostUsers: false, whose root is not the node's, are left
#   alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/runAsUser, nsa/pod-security/non-root]
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
package policies.pss_run_as_user

import data.lib.part
import data.lib.pss

deny contains violation if {
	value := input.pod.spec.securityContext.runAsUser
	value != null
	not _user_id(value)
	_in_force(input.pod.spec, input.parameters.version)
	violation := _violation(part.pod, value)
}

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.runAsUser
	value != null
	not _user_id(value)
	_in_force(input.pod.spec, input.parameters.version)
	violation := _violation(c, value)
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.not_a(c, "", "mapping")
}

deny contains violation if {
	some c in input.containers
	c.spec.securityContext < {}
	c.spec.securityContext != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.not_a(c, ".securityContext", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

_in_force(pod_spec, version) if {
	pss.at_least(version, 23)
	not _left_alone(pod_spec, version)
}

_left_alone(pod_spec, version) if {
	pss.in_user_namespace(pod_spec)
	pss.at_least(version, 35)
}

# Any integer that the API's type holds but 0: those below and above 2^31 - 1 Kubernetes itself refuses later. Nothing
# but numbers lies between two numbers.
_user_id(value) if {
	value >= -9223372036854775808
	value <= 9223372036854775807
	value != 0
	floor(value) == value
}

_violation(setter, value) := pss.not_among(
	setter, ".securityContext.runAsUser", value, "a user id other than root's",
	"set %s to a user id above 0, for example 65532",
)
