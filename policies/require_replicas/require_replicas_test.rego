package policies.require_replicas_test

import data.policies.require_replicas

# The input for an object of the kind. What its Pods hold does not matter.
_object(kind, spec) := {
	"request": {"operation": "CREATE", "kind": {"kind": kind}, "object": {"kind": kind, "spec": spec}},
	"workload": null,
	"pod": null,
	"containers": [],
	"parameters": {"min": 2, "allow_zero": true},
}

_with(document, parameters) := object.union(document, {"parameters": parameters})

test_workloads_of_enough_replicas_pass if {
	every kind in ["Deployment", "StatefulSet"] {
		every replicas in [2, 3, 100] {
			count(require_replicas.deny) == 0 with input as _object(kind, {"replicas": replicas})
		}
	}
}

test_workloads_of_one_replica_are_refused if {
	every kind in ["Deployment", "StatefulSet"] {
		require_replicas.deny == {{
			"msg": "replicas is 1, less than 2",
			"field": "spec.replicas",
			"remedy": "set spec.replicas: 2",
		}} with input as _object(kind, {"replicas": 1})
	}
}

test_unset_means_one if {
	expected := {{
		"msg": "replicas is not set, which means 1, less than 2",
		"field": "spec.replicas",
		"remedy": "set spec.replicas: 2",
	}}
	every spec in [{}, {"replicas": null}, null, 5, "x"] {
		require_replicas.deny == expected with input as _object("Deployment", spec)
		count(require_replicas.deny) == 0 with input as _with(_object("Deployment", spec), {"min": 1})
	}
}

test_autoscalers_are_judged_by_their_least if {
	every spec in [{"minReplicas": 2, "maxReplicas": 5}, {"minReplicas": 3, "replicas": 1}] {
		count(require_replicas.deny) == 0 with input as _object("HorizontalPodAutoscaler", spec)
	}
	require_replicas.deny == {{
		"msg": "minReplicas is not set, which means 1, less than 2",
		"field": "spec.minReplicas",
		"remedy": "set spec.minReplicas: 2",
	}} with input as _object("HorizontalPodAutoscaler", {"maxReplicas": 5, "replicas": 3})
}

test_zero_is_switched_off_unless_the_parameter_says_otherwise if {
	document := _object("Deployment", {"replicas": 0})
	count(require_replicas.deny) == 0 with input as document
	count(require_replicas.deny) == 1 with input as _with(document, {"allow_zero": false})
	count(require_replicas.deny) == 1 with input as _with(document, {"allow_zero": false, "min": 1})
}

test_minimum_is_that_of_the_parameter if {
	document := _object("StatefulSet", {"replicas": 2})
	count(require_replicas.deny) == 1 with input as _with(document, {"min": 3})
	count(require_replicas.deny) == 0 with input as _with(_object("StatefulSet", {"replicas": 1}), {"min": 1})
}

test_what_is_no_number_is_not_enough if {
	every replicas in ["3", true, [2], {}, -1] {
		count(require_replicas.deny) == 1 with input as _object("Deployment", {"replicas": replicas})
		count(require_replicas.deny) == 1 with input as _with(_object("Deployment", {"replicas": replicas}), {"min": 1})
	}
}
