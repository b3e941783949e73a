# METADATA
# title: Pods take no more priority than they are due
# description: |
#   A Pod's priorityClassName must fit a pattern of the parameter allowed; Pods of a higher priority push others off
#   their nodes. The classes of the system, system-node-critical and system-cluster-critical, are for the namespaces of
#   the parameter system_namespaces, and only for these, whatever allowed says. A Pod without a class gets the cluster's
#   default one, and passes unless allow_unset is false.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     allowed: ["*"]
#     system_namespaces: [kube-system]
#     allow_unset: true
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allowed:
#         description: Classes that Pods may have; * stands for any characters. Those of the system are not meant.
#         type: array
#         items: {type: string, pattern: "^[a-z0-9.*-]+$"}
#       system_namespaces:
#         description: Namespaces whose Pods may have a class of the system; * stands for any characters.
#         type: array
#         items: {type: string, pattern: "^[a-z0-9*-]+$"}
#       allow_unset:
#         description: Accept Pods that name no class.
#         type: boolean
package policies.restrict_priority_classes

import data.lib.part
import data.lib.pattern

deny contains violation if {
	class := input.pod.spec.priorityClassName
	not class in {"", null}
	not _allowed(class, object.get(input.request, "namespace", ""), input.parameters)
	field := sprintf("%s.priorityClassName", [part.pod_path])
	violation := {
		"msg": sprintf("Pod: priority class %s is %s", [part.shown(class), _fault(class)]),
		"field": field,
		"remedy": sprintf("remove %s, or set it to %s", [field, _instead(class, input.parameters.allowed)]),
	}
}

deny contains violation if {
	input.parameters.allow_unset == false
	not _named(input.pod.spec)
	field := sprintf("%s.priorityClassName", [part.pod_path])
	violation := {
		"msg": "Pod: no priority class is named",
		"field": field,
		"remedy": sprintf("set %s to %s", [field, _instead("", input.parameters.allowed)]),
	}
}

_named(spec) if {
	spec.priorityClassName != null
	spec.priorityClassName != ""
}

# No other class may have a name that begins so.
_is_of_the_system(class) if startswith(class, "system-")

_allowed(class, namespace, parameters) if {
	is_string(class)
	not _is_of_the_system(class)
	pattern.fits(class, parameters.allowed)
} else if {
	is_string(class)
	_is_of_the_system(class)
	pattern.fits(namespace, parameters.system_namespaces)
}

_fault(class) := "for the system's own namespaces" if {
	is_string(class)
	_is_of_the_system(class)
} else := "not allowed"

_instead(class, allowed) := "a class of your own" if {
	is_string(class)
	_is_of_the_system(class)
} else := sprintf("a class that fits %s", [concat(" or ", allowed)]) if {
	allowed != []
} else := "a class that is allowed first"
