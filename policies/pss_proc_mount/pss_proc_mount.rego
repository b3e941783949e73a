# METADATA
# title: Containers keep the masks over /proc
# description: |
#   The control procMount of the Pod Security Standard "baseline": no container (init, sidecar and ephemeral ones too)
#   may set a procMount other than Default, which hides the parts of /proc that tell of the node or change it. Null
#   and silence pass, empty text does not. Since v1.0; since v1.35 Pods with hostUsers: false, whose root is not the
#   node's, may set what they like, unless pss_proc_mount_restricted forbids it.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/procMount]
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
package policies.pss_proc_mount

import data.lib.pss

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.procMount
	value != "Default"
	value != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_among(c, ".securityContext.procMount", value, "Default", "remove %s, or set it to Default")
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

_left_alone(pod_spec, version) if {
	pss.in_user_namespace(pod_spec)
	pss.at_least(version, 35)
}
