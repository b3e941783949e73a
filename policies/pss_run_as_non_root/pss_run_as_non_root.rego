# METADATA
# title: Pods say that they run as non-root
# description: |
#   The control runAsNonRoot of the Pod Security Standard "restricted": every container (init, sidecar and ephemeral
#   ones too) must have runAsNonRoot: true, its own or the Pod's. A wrong value at the Pod's level counts even if every
#   container overrides it. Since v1.35 Pods with hostUsers: false, whose root is not the node's, are left alone.
#   What user a container runs as is the business of pss_run_as_user and of require_non_root, which joins the two.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/runAsNonRoot, cis/5.2.7, nsa/pod-security/non-root]
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
package policies.pss_run_as_non_root

import data.lib.part
import data.lib.pss

deny contains violation if {
	value := input.pod.spec.securityContext.runAsNonRoot
	value != true
	value != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_among(part.pod, ".securityContext.runAsNonRoot", value, "true", "set %s: true")
}

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.runAsNonRoot
	value != true
	value != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_among(c, ".securityContext.runAsNonRoot", value, "true", "set %s: true")
}

# A container that says nothing, in a Pod that says nothing.
deny contains violation if {
	not input.pod.spec.securityContext.runAsNonRoot == true
	some c in input.containers
	not c.spec.securityContext.runAsNonRoot == true
	not _says(c.spec)
	not _says(input.pod.spec)
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.violation(
		c, ".securityContext.runAsNonRoot", "runAsNonRoot is set neither here nor for the Pod",
		sprintf("set %s.securityContext.runAsNonRoot: true for all containers, or %%s: true", [part.pod_path]),
	)
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_a(c, "", "mapping")
}

deny contains violation if {
	some c in input.containers
	c.spec.securityContext < {}
	c.spec.securityContext != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_a(c, ".securityContext", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	not _left_alone(input.pod.spec, input.parameters.version)
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

_left_alone(pod_spec, version) if {
	pss.in_user_namespace(pod_spec)
	pss.at_least(version, 35)
}

_says(spec) if spec.securityContext.runAsNonRoot != null
