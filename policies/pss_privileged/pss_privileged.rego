# METADATA
# title: Containers are not privileged
# description: |
#   The control privileged of the Pod Security Standard "baseline": no container (init, sidecar and ephemeral ones
#   too) may set privileged: true, which gives it every capability and device of the node and turns its confinement
#   off. False, null and silence pass. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: critical
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/privileged, cis/5.2.2, nsa/pod-security/privileged]
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
package policies.pss_privileged

import data.lib.pss

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.privileged
	value != false
	value != null
	violation := pss.not_among(c, ".securityContext.privileged", value, "false", "remove %s, or set it to false")
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
