# METADATA
# title: Volumes are of types that isolate
# description: |
#   The control restrictedVolumes of the Pod Security Standard "restricted": every volume must be a configMap, csi,
#   downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or secret. All other types reach the node
#   or a server around the cluster's storage classes; a volume of no type or of one that is not known is refused too.
#   The same in all versions.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#volume-types
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/restricted/restrictedVolumes]
#   lint:
#     ignore:
#       unused-parameter: every control of the standard takes a version; this one is the same in all
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
package policies.pss_restricted_volumes

import data.lib.part

_types := {
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
	"secret",
}

# Looked up first are the forms that most volumes have, because to look is a tenth of the price of to ask.
deny contains violation if {
	volume := input.pod.spec.volumes[i]
	not volume.projected.sources
	not volume.configMap.name
	not volume.secret.secretName
	not volume.emptyDir == {}
	not _isolates(volume)
	is_array(input.pod.spec.volumes)
	path := sprintf("%s.volumes[%d]", [part.pod_path, i])
	types := _types_of(volume)
	violation := {
		"msg": sprintf("%s is %s", [_label(volume, path), _what(types)]),
		"field": _field(path, types),
		"remedy": sprintf("make %s one of %s", [path, concat(", ", sort(_types))]),
	}
}

deny contains violation if {
	volumes := input.pod.spec.volumes
	not is_array(volumes)
	volumes != null
	violation := {
		"msg": sprintf("volumes is %s, not a list", [part.shown(volumes)]),
		"field": sprintf("%s.volumes", [part.pod_path]),
		"remedy": sprintf("write %s.volumes as a list of volumes", [part.pod_path]),
	}
}

# What is no mapping is less than {}.
_isolates(volume) if {
	source := volume[type]
	source >= {}
	_types[type]
}

_label(volume, path) := sprintf("volume %q", [volume.name]) if {
	is_string(volume.name)
} else := sprintf("volume at %s", [path])

# The path of the type, if there is one that a path can name.
_field(path, types) := sprintf("%s.%s", [path, types[0]]) if {
	count(types) == 1
	regex.match(`^[A-Za-z0-9]+$`, types[0])
} else := path

# The types of a volume as they were written.
_types_of(volume) := [type | some type, source in volume; type != "name"; source != null] if is_object(volume)

_types_of(volume) := [] if not is_object(volume)

_what(types) := "of no type" if {
	types == []
} else := sprintf("of type %s", [concat(", ", types)])
