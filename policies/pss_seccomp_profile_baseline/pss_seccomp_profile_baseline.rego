# METADATA
# title: Seccomp is not turned off
# description: |
#   The control seccompProfile_baseline of the Pod Security Standard "baseline": a seccompProfile of the Pod or of a
#   container (init, sidecar and ephemeral ones too) must be of type RuntimeDefault or Localhost. Null and silence
#   pass; a profile without a type does not, and a wrong one of the Pod counts even if every container overrides it.
#   That is so since v1.19. Until v1.18 the annotations seccomp.security.alpha.kubernetes.io/pod and, for each
#   container, container.seccomp.security.alpha.kubernetes.io/NAME are judged in their stead: they must be
#   runtime/default, docker/default or begin with localhost/; empty ones are refused.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tutorials/security/seccomp/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/seccompProfile_baseline, nsa/pod-security/hardened-runtime]
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
package policies.pss_seccomp_profile_baseline

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	profile := c.spec.securityContext.seccompProfile
	profile != null
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	pss.at_least(input.parameters.version, 19)
	violation := pss.forbidden_profile(c, ".securityContext.seccompProfile", profile)
}

deny contains violation if {
	profile := input.pod.spec.securityContext.seccompProfile
	profile != null
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	pss.at_least(input.parameters.version, 19)
	violation := pss.forbidden_profile(part.pod, ".securityContext.seccompProfile", profile)
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	violation := pss.not_a(c, "", "mapping")
}

deny contains violation if {
	some c in input.containers
	c.spec.securityContext < {}
	c.spec.securityContext != null
	pss.at_least(input.parameters.version, 19)
	violation := pss.not_a(c, ".securityContext", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	pss.at_least(input.parameters.version, 19)
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

# Until v1.18: annotations.
deny contains violation if {
	input.parameters.version != "latest"
	not pss.at_least(input.parameters.version, 19)
	some key in _annotations(input.containers)
	value := input.pod.metadata.annotations[key]
	not _confines(value)
	at := sprintf(".annotations[%q]", [key])
	allowed := "runtime/default, docker/default or localhost/PROFILE"
	violation := pss.not_among(pss.metadata, at, value, allowed, "set %s to runtime/default, or remove it")
}

deny contains violation if {
	input.parameters.version != "latest"
	not pss.at_least(input.parameters.version, 19)
	input.pod.metadata.annotations < {}
	input.pod.metadata.annotations != null
	violation := pss.not_a(pss.metadata, ".annotations", "mapping")
}

# A container's name says which annotation is its own.
deny contains violation if {
	input.parameters.version != "latest"
	not pss.at_least(input.parameters.version, 19)
	some c in input.containers
	name := _name(c.spec)
	not is_string(name)
	violation := pss.violation(c, ".name", "name is not text", "write %s as text")
}

_annotations(containers) := array.concat(
	["seccomp.security.alpha.kubernetes.io/pod"],
	[concat("", ["container.seccomp.security.alpha.kubernetes.io/", name]) |
		some c in containers
		name := _name(c.spec)
		is_string(name)
	],
)

_name(spec) := spec.name if {
	spec.name != null
} else := ""

_confines(value) if value in {"runtime/default", "docker/default"}

_confines(value) if {
	is_string(value)
	startswith(value, "localhost/")
}
