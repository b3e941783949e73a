# METADATA
# title: Pods mount no paths of the node
# description: |
#   The control hostPathVolumes of the Pod Security Standard "baseline": no volume of a Pod may be a hostPath,
#   whatever its path and whether or not a container mounts it: through it a container reads and writes the node's
#   files. Null and silence pass. Since v1.0 and unchanged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
# custom:
#   severity: critical
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/hostPathVolumes, cis/5.2.12, nsa/pod-security/host-path]
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
package policies.pss_host_path_volumes

import data.lib.part
import data.lib.pss

deny contains violation if {
	some i
	volume := input.pod.spec.volumes[i]
	volume.hostPath != null
	fault := sprintf("%s is a hostPath", [_label(volume, i)])
	at := sprintf(".volumes[%v].hostPath", [i])
	violation := pss.violation(part.pod, at, fault, "replace %s by a volume that is not of the node, such as emptyDir")
}

# What is no list of mappings cannot be judged.
deny contains violation if {
	some i
	input.pod.spec.volumes[i] < {}
	input.pod.spec.volumes[i] != null
	violation := pss.not_a(part.pod, sprintf(".volumes[%v]", [i]), "mapping")
}

deny contains violation if {
	type_name(input.pod.spec.volumes) != "array"
	input.pod.spec.volumes != null
	violation := pss.not_a(part.pod, ".volumes", "list")
}

_label(volume, i) := sprintf("volume %q", [volume.name]) if {
	is_string(volume.name)
} else := sprintf("volumes[%v]", [i])
