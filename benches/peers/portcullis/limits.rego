# METADATA
# title: Containers have a memory limit
# custom:
#   match: {kinds: [Pod]}
package policies.limits

deny contains violation if {
	some c in input.containers
	not c.spec.resources.limits.memory
	violation := {
		"msg": sprintf("container %q has no memory limit", [c.name]),
		"field": sprintf("%s.resources.limits.memory", [c.path]),
	}
}
