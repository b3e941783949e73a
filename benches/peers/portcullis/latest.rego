# METADATA
# title: No image has the tag latest
# custom:
#   match: {kinds: [Pod]}
package policies.latest

deny contains violation if {
	some c in input.containers
	endswith(c.image, ":latest")
	violation := {
		"msg": sprintf("container %q: image %s has the tag latest", [c.name, c.image]),
		"field": sprintf("%s.image", [c.path]),
	}
}
