# METADATA
# title: Containers take no ports of the node
# description: |
#   The control hostPorts of the Pod Security Standard "baseline": no port of a container (init, sidecar and ephemeral
#   ones too) may have a hostPort other than 0, which opens it on the node past network policies. Null and silence
#   pass. In a Pod with hostNetwork: true the API server sets hostPort to containerPort before this policy sees it;
#   manifests read without it are refused by pss_host_namespaces alone. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/hostPorts, cis/5.2.13]
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
package policies.pss_host_ports

import data.lib.pss

deny contains violation if {
	some c in input.containers
	some i
	value := c.spec.ports[i].hostPort
	value != 0
	value != null
	at := sprintf(".ports[%v].hostPort", [i])
	violation := pss.not_among(c, at, value, "0", "remove %s and reach the container through a Service")
}

# What is no list of mappings cannot be judged.
deny contains violation if {
	some c in input.containers
	some i
	c.spec.ports[i] < {}
	c.spec.ports[i] != null
	violation := pss.not_a(c, sprintf(".ports[%v]", [i]), "mapping")
}

deny contains violation if {
	some c in input.containers
	type_name(c.spec.ports) != "array"
	c.spec.ports != null
	violation := pss.not_a(c, ".ports", "list")
}

deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	violation := pss.not_a(c, "", "mapping")
}
