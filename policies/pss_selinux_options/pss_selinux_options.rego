# METADATA
# title: SELinux confines containers as usual
# description: |
#   The control seLinuxOptions of the Pod Security Standard "baseline": seLinuxOptions of the Pod or of a container
#   (init, sidecar and ephemeral ones too) may have no user and no role, and no type but container_t,
#   container_init_t, container_kvm_t and, since v1.31, container_engine_t. The level is left alone; empty text, null
#   and silence pass. A wrong value of the Pod counts even if every container overrides it. Since v1.0.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/seLinuxOptions, nsa/pod-security/hardened-runtime]
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
package policies.pss_selinux_options

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	options := c.spec.securityContext.seLinuxOptions
	some violation in _violations(c, options, input.parameters.version)
}

deny contains violation if {
	options := input.pod.spec.securityContext.seLinuxOptions
	some violation in _violations(part.pod, options, input.parameters.version)
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
	violation := pss.not_a(c, ".securityContext", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

_violations(setter, options, _) := {violation |
	options != null
	violation := pss.not_a(setter, ".securityContext.seLinuxOptions", "mapping")
} if {
	options < {}
}

_violations(setter, options, version) := {violation |
	some key, allowed in {"type": "container_t", "user": "absent", "role": "absent"}
	value := options[key]
	not _allowed(key, value, version)
	at := sprintf(".securityContext.seLinuxOptions.%s", [key])
	violation := pss.not_among(setter, at, value, allowed, "remove %s")
} if {
	options >= {}
}

_allowed(_, value, _) if value in {"", null}

_allowed("type", value, _) if value in {"container_t", "container_init_t", "container_kvm_t"}

_allowed("type", "container_engine_t", version) if pss.at_least(version, 31)
