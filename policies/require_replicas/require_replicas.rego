# METADATA
# title: Workloads run more than one replica
# description: |
#   Deployments and StatefulSets must run at least the parameter min of replicas, so that one node's end is not theirs;
#   without spec.replicas they run one. A HorizontalPodAutoscaler must not scale below it either: its minReplicas is one
#   if unset. Workloads scaled to zero are switched off, not fragile, and pass unless allow_zero is false. Workloads
#   that an autoscaler manages must start with min replicas too, as the server fills in 1 where a manifest says nothing;
#   what cannot run twice is a matter for an exemption. Changes through the scale subresource are not judged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas
# - ref: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
# custom:
#   severity: low
#   enforcement: deny
#   match:
#     kinds: [apps/Deployment, apps/StatefulSet, autoscaling/HorizontalPodAutoscaler]
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   parameters:
#     min: 2
#     allow_zero: true
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       min:
#         description: The least number of replicas.
#         type: integer
#         minimum: 1
#         maximum: 1000
#       allow_zero:
#         description: Accept workloads that are scaled to zero.
#         type: boolean
package policies.require_replicas

import data.lib.part

deny contains violation if {
	field := _field(input.request.kind.kind)
	not _enough(input.request.object, field, input.parameters)
	violation := {
		"msg": sprintf("%s is %s, less than %d", [field, _stated(input.request.object, field), input.parameters.min]),
		"field": sprintf("spec.%s", [field]),
		"remedy": sprintf("set spec.%s: %d", [field, input.parameters.min]),
	}
}

_field(kind) := "minReplicas" if kind == "HorizontalPodAutoscaler"

_field(kind) := "replicas" if kind != "HorizontalPodAutoscaler"

_enough(object, field, parameters) if {
	replicas := object.spec[field]
	is_number(replicas)
	replicas >= parameters.min
} else if {
	parameters.allow_zero == true
	object.spec[field] == 0
} else if {
	parameters.min == 1
	not _states(object, field)
}

_stated(object, field) := part.shown(object.spec[field]) if {
	_states(object, field)
} else := "not set, which means 1"

_states(object, field) if object.spec[field] != null
