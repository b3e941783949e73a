package policies.image_pull_policy_test

import data.policies.image_pull_policy

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_document(kind, spec, parameters) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [{
		"name": "web", "kind": kind, "path": _paths[kind], "image": "registry.example.com/shop/web:1", "spec": spec,
	}],
	"parameters": object.union({"policy": null, "images": []}, parameters),
}

_web(spec, parameters) := _document("container", spec, parameters)

_op(op, kind, value) := {"op": op, "path": [[_paths[kind]], "imagePullPolicy"], "value": value}

test_each_kind_of_container_is_set if {
	every kind, _ in _paths {
		filled := _document(kind, {"imagePullPolicy": "IfNotPresent"}, {"policy": "Always"})
		ops := image_pull_policy.mutate with input as filled
		ops == {_op("set", kind, "Always")}
		every policy in ["Always", "IfNotPresent"] {
			unset := image_pull_policy.mutate with input as _document(kind, {}, {"policy": policy})
			unset == {_op("default", kind, policy)}
			null_set := image_pull_policy.mutate with input as _document(kind, {"imagePullPolicy": null}, {"policy": policy})
			null_set == {_op("set", kind, policy)}
		}
	}
}

test_nothing_is_set_until_configured if {
	every spec in [{}, {"imagePullPolicy": null}, {"imagePullPolicy": "IfNotPresent"}, {"imagePullPolicy": "Never"}] {
		image_pull_policy.mutate == set() with input as _web(spec, {})
	}
}

test_what_must_not_be_pulled_is_not if {
	every policy in ["Always", "IfNotPresent"] {
		image_pull_policy.mutate == set() with input as _web({"imagePullPolicy": "Never"}, {"policy": policy})
	}
}

test_what_is_so_already_stays if {
	image_pull_policy.mutate == set() with input as _web({"imagePullPolicy": "Always"}, {"policy": "Always"})
	every value in ["Always", "IfNotPresent"] {
		image_pull_policy.mutate == set() with input as _web({"imagePullPolicy": value}, {"policy": "IfNotPresent"})
	}
}

test_only_listed_images_are_concerned if {
	every place in ["registry.example.com/shop", "*.example.com"] {
		listed := {"policy": "Always", "images": ["docker.io", place]}
		ops := image_pull_policy.mutate with input as _web({}, listed)
		ops == {_op("default", "container", "Always")}
	}
	others := {"policy": "Always", "images": ["docker.io", "registry.example.com/sho"]}
	every spec in [{}, {"imagePullPolicy": "IfNotPresent"}] {
		image_pull_policy.mutate == set() with input as _web(spec, others)
	}
}

test_values_of_the_wrong_type_are_left_alone if {
	every value in [5, true, [], {}, "always"] {
		image_pull_policy.mutate == set() with input as _web({"imagePullPolicy": value}, {"policy": "Always"})
	}
	every spec in [null, "x", 5, []] {
		image_pull_policy.mutate == set() with input as _web(spec, {"policy": "Always"})
	}
}

test_an_empty_text_states_nothing if {
	every policy in ["Always", "IfNotPresent"] {
		ops := image_pull_policy.mutate with input as _web({"imagePullPolicy": ""}, {"policy": policy})
		ops == {_op("set", "container", policy)}
	}
}
