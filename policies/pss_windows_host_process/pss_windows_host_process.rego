# METADATA
# title: Windows containers are not host processes
# description: |
#   The control windowsHostProcess of the Pod Security Standard "baseline": neither the Pod nor a container (init,
#   sidecar and ephemeral ones too) may set windowsOptions.hostProcess: true, which runs it on the node itself, not in
#   a container. False, null and silence pass; a true at the Pod's level counts even if every container overrides it,
#   and on Linux as well. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/
# custom:
#   severity: critical
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/windowsHostProcess, cis/5.2.11]
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
package policies.pss_windows_host_process

import data.lib.part
import data.lib.pss

deny contains violation if {
	some c in input.containers
	value := c.spec.securityContext.windowsOptions.hostProcess
	violation := _violation(c, value)
}

deny contains violation if {
	value := input.pod.spec.securityContext.windowsOptions.hostProcess
	violation := _violation(part.pod, value)
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
	c.spec.securityContext.windowsOptions < {}
	c.spec.securityContext.windowsOptions != null
	violation := pss.not_a(c, ".securityContext.windowsOptions", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

deny contains violation if {
	input.pod.spec.securityContext.windowsOptions < {}
	input.pod.spec.securityContext.windowsOptions != null
	violation := pss.not_a(part.pod, ".securityContext.windowsOptions", "mapping")
}

_violation(setter, value) := pss.not_among(setter, at, value, "false", "remove %s, or set it to false") if {
	value != false
	value != null
	at := ".securityContext.windowsOptions.hostProcess"
}
