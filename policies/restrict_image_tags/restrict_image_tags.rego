# METADATA
# title: Image tags say what runs
# description: |
#   Every container's image, and every volume's that is an image, must have a tag that the parameter forbidden does not
#   list, or a sha256 digest, which says what runs whatever the tag beside it. No tag means latest to the kubelet, and
#   is refused whatever is forbidden. Any tag can be moved by whoever may push it: require_digests is stricter.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     forbidden: [latest]
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       forbidden:
#         description: "Tags that move; * stands for any characters, as in *-SNAPSHOT."
#         type: array
#         items: {type: string, pattern: "^[A-Za-z0-9_.*-]+$"}
package policies.restrict_image_tags

import data.lib.image
import data.lib.part
import data.lib.pattern

deny contains violation if {
	some holder in image.holders(input.containers, input.pod)
	not _tagged(holder.image, input.parameters.forbidden)
	not image.pinned(holder.image)
	field := image.field(holder)
	violation := {
		"msg": sprintf("%s: %s", [part.label(holder), _fault(holder.image)]),
		"field": field,
		"remedy": sprintf("set %s to a release, such as registry.example.com/app:1.2.3, or add its digest", [field]),
	}
}

_tagged(reference, forbidden) if {
	tag := image.tag(reference)
	not pattern.fits(tag, forbidden)
}

_fault(reference) := sprintf("image tag %s can mean another image tomorrow", [tag]) if {
	tag := image.tag(reference)
} else := sprintf("image %s has neither a tag, which means latest, nor a digest", [image.shown(reference)]) if {
	reference != ""
	not contains(reference, "@")
} else := image.unpinned(reference)
