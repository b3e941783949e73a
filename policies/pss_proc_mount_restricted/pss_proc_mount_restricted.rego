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

import data.lib.part
import data.lib.pss
import data.lib.security_context

deny contains violation if {
	some c in input.containers
	not _fits(c.spec)
	pss.at_least(input.parameters.version, 35)
	field := sprintf("%s.securityContext.procMount", [c.path])
	violation := {
		"msg": sprintf("%s: %s", [part.label(c), _what(c.spec)]),
		"field": field,
		"remedy": sprintf("remove %s, or set it to Default", [field]),
	}
}

_fits(spec) if security_context.silent(spec, "procMount")

_fits(spec) if spec.securityContext.procMount == "Default"

_what(spec) := sprintf("procMount is %s, not Default", [part.shown(value)]) if {
	value := spec.securityContext.procMount
} else := "securityContext is not a mapping"
