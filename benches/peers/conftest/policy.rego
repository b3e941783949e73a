package main

# The containers of a Pod or of a workload's template.
containers contains c if some c in input.spec.containers

containers contains c if some c in input.spec.initContainers

containers contains c if some c in input.spec.template.spec.containers

containers contains c if some c in input.spec.template.spec.initContainers

deny contains msg if {
	some c in containers
	c.securityContext.privileged == true
	msg := sprintf("container %q is privileged", [c.name])
}

deny contains msg if {
	some c in containers
	endswith(c.image, ":latest")
	msg := sprintf("container %q: image %s has the tag latest", [c.name, c.image])
}

deny contains msg if {
	some c in containers
	not c.resources.limits.memory
	msg := sprintf("container %q has no memory limit", [c.name])
}
