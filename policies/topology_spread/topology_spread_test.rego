package policies.topology_spread_test

import data.policies.topology_spread

_document(metadata, spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": metadata, "spec": spec},
	"containers": [],
	"parameters": {
		"labels": ["app.kubernetes.io/name", "app"],
		"topology_keys": ["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
		"match_label_keys": ["pod-template-hash"],
		"max_skew": 1,
	},
}

_labelled(labels) := _document({"name": "p", "labels": labels}, {})

_constraint(key, selector) := {
	"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": selector},
}

_both(selector) := [
	_constraint("topology.kubernetes.io/zone", selector),
	_constraint("kubernetes.io/hostname", selector),
]

_set(constraints) := {{"op": "default", "path": ["spec", "topologySpreadConstraints"], "value": constraints}}

test_a_pod_is_spread_by_the_labels_it_has if {
	topology_spread.mutate == _set(_both({"app": "web"})) with input as _labelled({"app": "web", "tier": "front"})
	topology_spread.mutate == _set(_both({"app": "web", "app.kubernetes.io/name": "shop"})) with input as _labelled({
		"app": "web", "app.kubernetes.io/name": "shop",
	})
}

test_each_rollout_is_spread_by_itself if {
	with_keys := [object.union(constraint, {"matchLabelKeys": ["pod-template-hash"]}) |
		some constraint in _both({"app": "web"})
	]
	topology_spread.mutate == _set(with_keys) with input as _labelled({"app": "web", "pod-template-hash": "7d9f"})
}

test_a_key_is_never_in_the_selector_as_well if {
	document := object.union(_labelled({"app": "web"}), {"parameters": {"match_label_keys": ["app"]}})
	topology_spread.mutate == _set(_both({"app": "web"})) with input as document
}

test_a_pod_without_these_labels_is_left_alone if {
	every labels in [{}, null, {"tier": "front"}, {"app": 5}, {"app": null}, {"app": ""}, "app", ["app"]] {
		topology_spread.mutate == set() with input as _labelled(labels)
	}
	topology_spread.mutate == set() with input as _document({"name": "p"}, {})
}

test_constraints_that_are_stated_stand if {
	every stated in [_both({"app": "web"}), [{"topologyKey": "rack"}], {}, "x"] {
		document := _document({"labels": {"app": "web"}}, {"topologySpreadConstraints": stated})
		topology_spread.mutate == set() with input as document
	}
	null_one := _document({"labels": {"app": "web"}}, {"topologySpreadConstraints": null})
	topology_spread.mutate == _set(_both({"app": "web"})) with input as null_one
}

test_a_pod_that_has_its_node_is_left_alone if {
	topology_spread.mutate == set() with input as _document({"labels": {"app": "web"}}, {"nodeName": "a"})
	every name in ["", null] {
		unbound := _document({"labels": {"app": "web"}}, {"nodeName": name})
		count(topology_spread.mutate) == 1 with input as unbound
	}
	every case in [["DaemonSet", 0], ["ReplicaSet", 1], ["StatefulSet", 1]] {
		owned := _document({"labels": {"app": "web"}, "ownerReferences": [{"kind": case[0], "name": "w"}]}, {})
		count(topology_spread.mutate) == case[1] with input as owned
	}
	every owners in [null, "x", 5, [null], {}] {
		document := _document({"labels": {"app": "web"}, "ownerReferences": owners}, {})
		count(topology_spread.mutate) == 1 with input as document
	}
}

test_parameters_say_what_to_spread_over if {
	one := object.union(_labelled({"app": "web"}), {"parameters": {"topology_keys": ["rack"], "max_skew": 3}})
	topology_spread.mutate == _set([object.union(_constraint("rack", {"app": "web"}), {"maxSkew": 3})]) with input as one
	none := object.union(_labelled({"app": "web"}), {"parameters": {"topology_keys": []}})
	topology_spread.mutate == set() with input as none
}

test_an_empty_list_states_nothing if {
	document := _document({"labels": {"app": "web"}}, {"topologySpreadConstraints": []})
	ops := topology_spread.mutate with input as document
	ops == {object.union(op, {"op": "set"}) | some op in _set(_both({"app": "web"}))}
}
