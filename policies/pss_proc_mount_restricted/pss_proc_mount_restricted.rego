# METADATA
# title: Containers keep the masks over /proc, in user namespaces too
# description: |
#   The control procMount_restricted of the Pod Security Standard "restricted": no container (init, sidecar and
#   ephemeral ones too) may set a procMount other than Default, which hides the parts of /proc that tell of the node or
#   change it. Since v1.35, when the level "baseline" began to leave Pods with hostUsers: false alone (pss_proc_mount);
#   until then that control refused the same.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/procMount_restricted]
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
package policies.pss_proc_mount_restricted

import data.lib.pss

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.procMount
	value != "Default"
	value != null
	pss.at_least(input.parameters.version, 35)
	violation := pss.not_among(c, ".securityContext.procMount", value, "Default", "remove %s, or set it to Default")
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	pss.at_least(input.parameters.version, 35)
	violation := pss.not_a(c, "", "mapping")
}

deny contains violation if {
	some c in input.containers
	c.spec.securityContext < {}
	c.spec.securityContext != null
	pss.at_least(input.parameters.version, 35)
	violation := pss.not_a(c, ".securityContext", "mapping")
}
