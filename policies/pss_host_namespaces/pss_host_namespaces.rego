# METADATA
# title: Pods do not share the node's namespaces
# description: |
#   The control hostNamespaces of the Pod Security Standard "baseline": no Pod may set hostNetwork, hostPID or hostIPC
#   to true. With them it reaches services that listen on the node only, sees and signals the node's processes, or
#   reads their shared memory. False, null and silence pass. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/hostNamespaces, cis/5.2.3, cis/5.2.4, cis/5.2.5, nsa/pod-security/host-namespaces]
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
package policies.pss_host_namespaces

import data.lib.part
import data.lib.pss

deny contains violation if {
	some key in ["hostNetwork", "hostPID", "hostIPC"]
	value := input.pod.spec[key]
	value != false
	value != null
	at := concat("", [".", key])
	violation := pss.not_among(part.pod, at, value, "false", "remove %s, or set it to false")
}
