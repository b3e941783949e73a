# METADATA
# title: Images are pinned by digest
# description: |
#   Every container's image, and every volume's that is an image, must end with a sha256 digest (64 hexadecimal digits
#   in small letters), so that what was reviewed and signed is what runs, on every node and after every restart. A tag
#   may stand before it for people to read. Images in the repositories of the parameter exempt are left alone; they are
#   compared as restrict_registries compares.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     exempt: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       exempt:
#         description: >-
#           Registries and repositories whose images need no digest, in small letters, the host always written
#           (docker.io/library, registry.example.com/dev); *.example.com stands for every host below example.com.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
package policies.require_digests

import data.lib.image
import data.lib.part

deny contains violation if {
	some holder in image.holders(input.containers, input.pod)
	not image.pinned(holder.image)
	not image.within(holder.image, input.parameters.exempt)
	field := image.field(holder)
	violation := {
		"msg": sprintf("%s: %s", [part.label(holder), image.unpinned(holder.image)]),
		"field": field,
		"remedy": sprintf("append @sha256: and the digest that its registry shows to %s", [field]),
	}
}
