# METADATA
# title: Replicas are spread over zones and nodes
# description: |
#   Gives a Pod that states no topologySpreadConstraints one for each of topology_keys, over the Pods that have the same
#   values of those labels listed in the parameter labels which the Pod has; a Pod with none of them is left alone, as
#   nothing says what its replicas are. All are whenUnsatisfiable: ScheduleAnyway: the scheduler prefers to spread, and
#   no Pod stays pending for it. Keys of match_label_keys that the Pod has are added as matchLabelKeys, so that a
#   rollout is spread by itself; API servers before 1.27 ignore them. They take the place of the scheduler's own default
#   constraints. Left alone are Pods that are bound to a node already, and those of DaemonSets, which run everywhere.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
# custom:
#   severity: low
#   enforcement: deny
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     labels: [app.kubernetes.io/name, app.kubernetes.io/instance, app.kubernetes.io/component, app]
#     topology_keys: [topology.kubernetes.io/zone, kubernetes.io/hostname]
#     match_label_keys: [pod-template-hash]
#     max_skew: 1
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       labels:
#         description: Labels by which a workload's Pods are known; those that a Pod has make its selector.
#         type: array
#         items: {type: string, minLength: 1}
#       topology_keys:
#         description: Labels of nodes to spread over, a constraint for each.
#         type: array
#         items: {type: string, minLength: 1}
#         uniqueItems: true
#       match_label_keys:
#         description: Labels that tell one roll-out of a workload from another; none of the parameter labels.
#         type: array
#         items: {type: string, minLength: 1}
#         uniqueItems: true
#       max_skew:
#         description: By how many Pods the fullest zone or node may exceed the emptiest.
#         type: integer
#         minimum: 1
package policies.topology_spread

mutate contains op if {
	not _states(input.pod.spec)
	not _placed(input.pod)
	selector := _labels(input.pod.metadata)
	selector != {}
	input.parameters.topology_keys != []
	constraints := [constraint |
		some key in input.parameters.topology_keys
		constraint := object.union(_constraint(key, selector), _keys(input.pod.metadata, selector))
	]
	op := {"op": _filling, "path": ["spec", "topologySpreadConstraints"], "value": constraints}
}

# An empty list states nothing: the API server leaves it out before any webhook is called.
_filling := "set" if {
	input.pod.spec.topologySpreadConstraints == []
} else := "default"

_constraint(key, selector) := {
	"maxSkew": input.parameters.max_skew,
	"topologyKey": key,
	"whenUnsatisfiable": "ScheduleAnyway",
	"labelSelector": {"matchLabels": selector},
}

_labels(metadata) := {key: value |
	some key in input.parameters.labels
	value := metadata.labels[key]
	_says(value)
}

# The API server reads null as an empty text.
_says(value) if {
	is_string(value)
	value != ""
}

# The API server refuses a key that is in the selector as well.
_keys(metadata, selector) := {"matchLabelKeys": keys} if {
	keys := [key |
		some key in input.parameters.match_label_keys
		_says(metadata.labels[key])
		not selector[key]
	]
	keys != []
} else := {}

_states(spec) if {
	stated := spec.topologySpreadConstraints
	not stated in [null, []]
}

_placed(pod) if {
	pod.spec.nodeName != null
	pod.spec.nodeName != ""
}

_placed(pod) if {
	some i
	pod.metadata.ownerReferences[i].kind == "DaemonSet"
}
