# METADATA
# title: Images come from allowed registries
# description: |
#   Every container's image, and every volume's that is an image, must lie in a registry or at or below a repository of
#   the parameter allowed. Hosts and whole path segments are compared: registry.example.com/team holds
#   registry.example.com/team/app:1, neither registry.example.com/team-x/app nor registry.example.com.evil.io/team/app,
#   and not registry.example.com:5000/team/app, which is another registry. References are read as the kubelet reads
#   them: nginx is docker.io/library/nginx, team/app is docker.io/team/app, index.docker.io is docker.io, and hosts are
#   the same in any case. Nodes whose runtime (CRI-O) looks for short names elsewhere do so on their own account. What
#   is no image reference lies nowhere. As nobody else can know your registries, none is allowed until you name them.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
# - ref: https://pkg.go.dev/github.com/distribution/reference
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   controls: [nsa/pod-security/container-images]
#   parameters:
#     allowed: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allowed:
#         description: >-
#           Registries (docker.io, registry.example.com:5000) and repositories (registry.example.com/team), in small
#           letters, the host always written; *.example.com stands for every host below example.com.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
package policies.restrict_registries

import data.lib.image
import data.lib.part

deny contains violation if {
	some holder in image.holders(input.containers, input.pod)
	not image.within(holder.image, input.parameters.allowed)
	field := image.field(holder)
	violation := {
		"msg": sprintf("%s: %s", [part.label(holder), _fault(holder.image)]),
		"field": field,
		"remedy": _remedy(field, input.parameters.allowed),
	}
}

_fault(reference) := sprintf("image is %s, which no allowed registry or repository holds", [name]) if {
	name := image.name(reference)
} else := "no image is named" if {
	reference == ""
} else := sprintf("image %s is no image reference", [image.shown(reference)])

_remedy(_, []) := "list your registries in the parameter allowed of restrict_registries: it is empty"

_remedy(field, allowed) := sprintf("set %s to an image below %s", [field, concat(" or ", places)]) if {
	allowed != []
	places := array.slice(allowed, 0, 5)
}
