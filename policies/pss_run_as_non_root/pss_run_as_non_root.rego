# METADATA
# title: Pods say that they run as non-root
# description: |
#   The control runAsNonRoot of the Pod Security Standard "restricted": every container (init, sidecar and ephemeral
#   ones too) must have runAsNonRoot: true, its own or the Pod's. A wrong value at the Pod's level counts even if every
#   container overrides it. Since v1.35 Pods with hostUsers: false, whose root is not the node's, are left alone.
#   What user a container runs as is the business of pss_run_as_user and of require_non_root, which joins the two.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/runAsNonRoot, cis/5.2.7, nsa/pod-security/non-root]
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
package policies.pss_run_as_non_root

import data.lib.part
import data.lib.pss
import data.lib.security_context

deny contains violation if {
	not _fits(input.pod.spec)
	not _left_alone(input.parameters.version, input.pod.spec)
	violation := _violation(part.pod, _what(input.pod.spec), part.pod_path)
}

deny contains violation if {
	some c in input.containers
	not c.spec.securityContext.runAsNonRoot == true
	not security_context.silent(c.spec, "runAsNonRoot")
	not _left_alone(input.parameters.version, input.pod.spec)
	violation := _violation(c, _what(c.spec), c.path)
}

# A container that says nothing, in a Pod that says nothing.
deny contains violation if {
	not input.pod.spec.securityContext.runAsNonRoot == true
	security_context.silent(input.pod.spec, "runAsNonRoot")
	not _left_alone(input.parameters.version, input.pod.spec)
	some c in input.containers
	security_context.silent(c.spec, "runAsNonRoot")
	violation := _violation(c, "runAsNonRoot is set neither here nor for the Pod", part.pod_path)
}

_left_alone(version, pod_spec) if {
	pss.in_user_namespace(pod_spec)
	pss.at_least(version, 35)
}

_fits(spec) if spec.securityContext.runAsNonRoot == true

_fits(spec) if security_context.silent(spec, "runAsNonRoot")

_what(spec) := sprintf("runAsNonRoot is %s, not true", [part.shown(value)]) if {
	value := spec.securityContext.runAsNonRoot
} else := "securityContext is not a mapping"

_violation(c, what, remedy_path) := {
	"msg": sprintf("%s: %s", [part.label(c), what]),
	"field": sprintf("%s.securityContext.runAsNonRoot", [c.path]),
	"remedy": sprintf("set %s.securityContext.runAsNonRoot: true", [remedy_path]),
}
