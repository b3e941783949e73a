# METADATA
# title: Containers add no capabilities beyond the default
# description: |
#   The control capabilities_baseline of the Pod Security Standard "baseline": containers (init, sidecar and ephemeral
#   ones too) may add no capabilities but AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD,
#   NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID and SYS_CHROOT, spelled just so: ALL, CAP_CHOWN and chown are
#   others. What they drop is left alone. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/capabilities_baseline, cis/5.2.9]
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
package policies.pss_capabilities_baseline

import data.lib.pss

deny contains violation if {
	some c in input.containers
	added := c.spec.securityContext.capabilities.add
	is_array(added)
	some i, capability in added
	not capability in _allowed
	at := sprintf(".securityContext.capabilities.add[%d]", [i])
	violation := pss.not_among(c, at, capability, "a capability of the default set", "remove %s")
}

deny contains violation if {
	some c in input.containers
	added := c.spec.securityContext.capabilities.add
	not is_array(added)
	added != null
	violation := pss.not_a(c, ".securityContext.capabilities.add", "list")
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
	some c in input.containers
	c.spec.securityContext.capabilities < {}
	c.spec.securityContext.capabilities != null
	violation := pss.not_a(c, ".securityContext.capabilities", "mapping")
}

_allowed := {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}
