# METADATA
# title: No container is privileged
# custom:
#   match: {kinds: [Pod]}
package policies.privileged

deny contains violation if {
	some c in input.containers
	c.spec.securityContext.privileged == true
	violation := {
		"msg": sprintf("container %q is privileged", [c.name]),
		"field": sprintf("%s.securityContext.privileged", [c.path]),
	}
}
