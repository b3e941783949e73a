# METADATA
# title: AppArmor stays on
# description: |
#   The control appArmorProfile of the Pod Security Standard "baseline": an appArmorProfile of the Pod or of a
#   container (init, sidecar and ephemeral ones too) must be of type RuntimeDefault or Localhost, and an annotation
#   whose name begins with container.apparmor.security.beta.kubernetes.io/, whatever container it names, must be
#   runtime/default or begin with localhost/. An empty annotation, null and silence pass; a profile without a type
#   does not. A wrong profile of the Pod counts even if every container overrides it. The rules are those of v1.0:
#   annotation and field are judged for every version, though Kubernetes has the field since v1.30 only.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tutorials/security/apparmor/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/appArmorProfile, nsa/pod-security/hardened-runtime]
#   lint: {ignore: {unused-parameter: "the rules are the same in every version, and one setting serves all controls"}}
#   parameters:
#     version: latest
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       version:
#         description: The version of Kubernetes whose rules hold, latest or v1.NN; for this control all have the same.
#         type: string
#         pattern: ^(latest|v1\.(0|[1-9][0-9]{0,3}))$
package policies.pss_app_armor_profile

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	profile := c.spec.securityContext.appArmorProfile
	profile != null
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	violation := pss.forbidden_profile(c, ".securityContext.appArmorProfile", profile)
}

deny contains violation if {
	profile := input.pod.spec.securityContext.appArmorProfile
	profile != null
	not profile.type == "RuntimeDefault"
	not profile.type == "Localhost"
	violation := pss.forbidden_profile(part.pod, ".securityContext.appArmorProfile", profile)
}

deny contains violation if {
	annotations := input.pod.metadata.annotations
	annotations >= {}
	some key, value in annotations

	# Those and only those that begin so lie between these, and startswith costs more.
	key >= "container.apparmor.security.beta.kubernetes.io/"
	key < "container.apparmor.security.beta.kubernetes.io0"
	not _confines(value)
	at := sprintf(".annotations[%q]", [key])
	violation := pss.not_among(pss.metadata, at, value, "runtime/default or localhost/PROFILE", "remove %s")
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	input.pod.metadata.annotations < {}
	input.pod.metadata.annotations != null
	violation := pss.not_a(pss.metadata, ".annotations", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

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
	violation := pss.not_a(c, ".securityContext", "mapping")
}

_confines(value) if value in {"runtime/default", "", null}

_confines(value) if {
	is_string(value)
	startswith(value, "localhost/")
}
