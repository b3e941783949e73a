# METADATA
# title: Pods run under a seccomp profile
# description: |
#   The control seccompProfile_restricted of the Pod Security Standard "restricted": every container (init, sidecar and
#   ephemeral ones too) must have a seccompProfile of type RuntimeDefault or Localhost, its own or the Pod's, so that
#   system calls which it does not need are out of its reach. A wrong type at the Pod's level counts even if every
#   container overrides it. Since v1.19; since v1.25 Pods with os.name: windows, which cannot set the field, are left
#   alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/tutorials/security/seccomp/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/seccompProfile_restricted, cis/5.7.2, nsa/pod-security/hardened-runtime]
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
package policies.pss_seccomp_profile_restricted

import data.lib.part
import data.lib.pss
import data.lib.security_context

deny contains violation if {
	not _confined(input.pod.spec)
	not security_context.silent(input.pod.spec, "seccompProfile")
	_in_force(input.parameters.version, input.pod.spec)
	violation := _violation(part.pod, _what(input.pod.spec), part.pod_path)
}

deny contains violation if {
	some c in input.containers
	not _confined(c.spec)
	not security_context.silent(c.spec, "seccompProfile")
	_in_force(input.parameters.version, input.pod.spec)
	violation := _violation(c, _what(c.spec), c.path)
}

# A container that says nothing, in a Pod that says nothing.
deny contains violation if {
	not input.pod.spec.securityContext.seccompProfile.type
	security_context.silent(input.pod.spec, "seccompProfile")
	_in_force(input.parameters.version, input.pod.spec)
	some c in input.containers
	security_context.silent(c.spec, "seccompProfile")
	violation := _violation(c, "seccompProfile is set neither here nor for the Pod", part.pod_path)
}

_in_force(version, pod_spec) if {
	pss.at_least(version, 19)
	not _left_alone(version, pod_spec)
}

_left_alone(version, pod_spec) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_confined(spec) if spec.securityContext.seccompProfile.type == "RuntimeDefault"

_confined(spec) if spec.securityContext.seccompProfile.type == "Localhost"

_what(spec) := sprintf("seccompProfile.type is %s, not RuntimeDefault or Localhost", [part.shown(type)]) if {
	type := spec.securityContext.seccompProfile.type
} else := "seccompProfile is no mapping with a type" if {
	_ := spec.securityContext.seccompProfile
} else := "securityContext is not a mapping"

_violation(p, what, remedy_path) := {
	"msg": sprintf("%s: %s", [part.label(p), what]),
	"field": sprintf("%s.securityContext.seccompProfile.type", [p.path]),
	"remedy": sprintf("set %s.securityContext.seccompProfile.type: RuntimeDefault", [remedy_path]),
}
