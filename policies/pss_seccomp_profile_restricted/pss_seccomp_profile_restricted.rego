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

deny contains violation if {
	profile := input.pod.spec.securityContext.seccompProfile
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	profile != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.forbidden_profile(part.pod, ".securityContext.seccompProfile", profile)
}

deny contains violation if {
	some c in input.containers
	profile := c.spec.securityContext.seccompProfile
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	profile != null
	_in_force(input.pod.spec, input.parameters.version)
	violation := pss.forbidden_profile(c, ".securityContext.seccompProfile", profile)
}

# A container that says nothing, in a Pod that says nothing.
deny contains violation if {
	not input.pod.spec.securityContext.seccompProfile.type
	some c in input.containers
	not c.spec.securityContext.seccompProfile.type
	not _says(c.spec)
	not _says(input.pod.spec)
	_in_force(input.pod.spec, input.parameters.version)
	path := sprintf("%s.securityContext.seccompProfile.type", [part.pod_path])
	violation := pss.violation(
		c, ".securityContext.seccompProfile.type", "seccompProfile is set neither here nor for the Pod",
		sprintf("set %s: RuntimeDefault for all containers, or %%s: RuntimeDefault", [path]),
	)
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
	pss.at_least(version, 19)
	not _left_alone(pod_spec, version)
}

_left_alone(pod_spec, version) if {
	pss.on_windows(pod_spec)
	pss.at_least(version, 25)
}

_says(spec) if spec.securityContext.seccompProfile != null
