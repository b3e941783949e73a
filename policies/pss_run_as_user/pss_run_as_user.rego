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
import data.lib.security_context

deny contains violation if {
	not _fits(input.pod.spec)
	_in_force(input.parameters.version, input.pod.spec)
	violation := _violation(part.pod)
}

deny contains violation if {
	some c in input.containers
	not _fits(c.spec)
	_in_force(input.parameters.version, input.pod.spec)
	violation := _violation(c)
}

_in_force(version, pod_spec) if {
	pss.at_least(version, 23)
	not _left_alone(version, pod_spec)
}

_left_alone(version, pod_spec) if {
	pss.in_user_namespace(pod_spec)
	pss.at_least(version, 35)
}

_fits(spec) if security_context.silent(spec, "runAsUser")

# A user id as the API's type int64 holds it. Kubernetes itself refuses those below 0 and above 2^31 - 1.
_fits(spec) if {
	user := spec.securityContext.runAsUser
	is_number(user)
	user != 0
	floor(user) == user
	user >= -9223372036854775808
	user <= 9223372036854775807
}

_violation(p) := {
	"msg": sprintf("%s: %s", [part.label(p), _what(p.spec)]),
	"field": sprintf("%s.securityContext.runAsUser", [p.path]),
	"remedy": sprintf("set %s.securityContext.runAsUser to a user id above 0, for example 65532", [p.path]),
}

_what(spec) := "runAsUser is 0, the root user" if {
	spec.securityContext.runAsUser == 0
} else := sprintf("runAsUser is %s, not a user id", [part.shown(user)]) if {
	user := spec.securityContext.runAsUser
} else := "securityContext is not a mapping"
