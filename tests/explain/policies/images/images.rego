# METADATA
# title: Images come from known registries
# custom:
#   severity: high
#   match: {kinds: [Pod]}
#   parameters:
#     registries: [registry.example.com]
#     tags: true
package policies.images

deny contains violation if {
	some container in input.containers
	registry := split(container.image, "/")[0]
	not registry in input.parameters.registries
	violation := {
		"msg": sprintf("%s %q: registry %s is not known", [container.kind, container.name, registry]),
		"field": sprintf("%s.image", [container.path]),
	}
}

# The same as a warning: an image without a tag is whatever was pushed last.
warn contains {"msg": sprintf("%q has no tag", [name]), "field": path} if {
	input.parameters.tags == true
	some {"name": name, "image": image, "path": path} in input.containers
	not contains(image, ":")
}
