package policies.default_resources_test

import data.policies.default_resources

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_defaults := {
	"qos": "burstable",
	"requests": {"cpu": "100m", "memory": "128Mi"},
	"limits": {"memory": "256Mi"},
	"kinds": ["container", "init", "sidecar"],
	"except": ["istio-proxy", "linkerd-*"],
}

_document(kind, name, spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [{"name": name, "kind": kind, "path": _paths[kind], "image": "web:1", "spec": spec}],
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

_web(resources) := _document("container", "web", {"resources": resources})

# The parameters replaced as the configuration does, key by key.
_with(document, change) := object.union(
	object.remove(document, ["parameters"]),
	{"parameters": object.union(object.remove(_defaults, object.keys(change)), change)},
)

_set(ops) := {concat(".", path): op.value |
	some op in ops
	op.op == "default"
	some path in _each(op.path)
}

# A path for each of the containers that it begins with.
_each(path) := [array.concat([container], array.slice(path, 1, count(path))) | some container in path[0]] if {
	is_array(path[0])
} else := [path]

_filled(path) := {
	sprintf("%s.resources.requests.cpu", [path]): "100m",
	sprintf("%s.resources.requests.memory", [path]): "128Mi",
	sprintf("%s.resources.limits.memory", [path]): "256Mi",
}

_requests := "spec.containers[0].resources.requests"

_limits := "spec.containers[0].resources.limits"

test_each_kind_of_container_gets_what_it_does_not_state if {
	every kind in ["container", "init", "sidecar"] {
		ops := default_resources.mutate with input as _document(kind, "web", {})
		_set(ops) == _filled(_paths[kind])
	}
	default_resources.mutate == set() with input as _document("ephemeral", "web", {})
	only := _with(_document("init", "web", {}), {"kinds": ["container"]})
	default_resources.mutate == set() with input as only
}

test_null_and_empty_count_as_unstated if {
	every resources in [null, {}, {"requests": null, "limits": null}, {"requests": {"cpu": null}, "limits": {}}] {
		ops := default_resources.mutate with input as _web(resources)
		_set(ops) == _filled("spec.containers[0]")
	}
}

test_nothing_is_filled_in_until_configured if {
	document := _with(_web({}), {"requests": {}, "limits": {}})
	default_resources.mutate == set() with input as document
	guaranteed := _with(_web({}), {"requests": {}, "limits": {}, "qos": "guaranteed"})
	default_resources.mutate == set() with input as guaranteed
}

test_a_container_that_states_all_is_left_as_it_is if {
	all := {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
	default_resources.mutate == set() with input as _web(all)
	same := {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
	default_resources.mutate == set() with input as _with(_web(same), {"qos": "guaranteed"})
}

test_a_limit_stated_is_the_request_too if {
	nothing := default_resources.mutate with input as _web({"requests": {"memory": null}, "limits": {"memory": "64Mi"}})
	_set(nothing) == {sprintf("%s.cpu", [_requests]): "100m"}
	ops := default_resources.mutate with input as _web({"limits": {"memory": "64Mi", "cpu": 1}})
	ops == set()
}

test_a_default_limit_is_never_below_the_request_stated if {
	every request, limit in {
		"512Mi": "512Mi", "1G": "1G", "256Mi": "256Mi", "255Mi": "256Mi", "0.25Gi": "256Mi", "1": "256Mi",
		"268435457": "268435457",
	} {
		ops := default_resources.mutate with input as _web({"requests": {"memory": request}})
		_set(ops) == {sprintf("%s.cpu", [_requests]): "100m", sprintf("%s.memory", [_limits]): limit}
	}
	ops := default_resources.mutate with input as _web({"requests": {"memory": 536870912}})
	_set(ops)[sprintf("%s.memory", [_limits])] == 536870912
}

test_a_default_request_is_never_above_the_default_limit if {
	document := _with(_web({}), {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}})
	ops := default_resources.mutate with input as document
	_set(ops) == {sprintf("%s.cpu", [_requests]): "1500m", sprintf("%s.cpu", [_limits]): "1500m"}
}

_guaranteed(resources) := _with(_web(resources), {"qos": "guaranteed"})

_equal(cpu, memory) := {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}

# What a container states after the operations.
_after(resources, ops) := {side: sides |
	some side in ["requests", "limits"]
	sides := object.union(
		object.get(resources, side, {}),
		{op.path[3]: op.value | some op in ops; op.path[2] == side},
	)
}

test_guaranteed_makes_requests_and_limits_equal if {
	every case in [
		{"stated": {}, "becomes": _equal("100m", "256Mi")},
		{"stated": {"requests": {"cpu": "1"}}, "becomes": _equal("1", "256Mi")},
		{"stated": {"limits": {"cpu": 2}}, "becomes": _equal(2, "256Mi")},
		{"stated": {"requests": {"cpu": null}, "limits": {"cpu": 2}}, "becomes": _equal(2, "256Mi")},
		{"stated": {"requests": {"memory": "1Gi"}, "limits": {"cpu": "2"}}, "becomes": _equal("2", "1Gi")},
	] {
		ops := default_resources.mutate with input as _guaranteed(case.stated)
		_after(case.stated, ops) == case.becomes
		default_resources.mutate == set() with input as _guaranteed(case.becomes)
	}
	both := {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
	default_resources.mutate == set() with input as _guaranteed(both)
}

test_what_was_filled_in_yields_nothing_new if {
	every stated in [
		{}, {"requests": {"memory": "1Gi"}}, {"limits": {"memory": "64Mi"}}, {"requests": {"cpu": "2"}},
		{"limits": {"cpu": "2"}},
	] {
		ops := default_resources.mutate with input as _web(stated)
		default_resources.mutate == set() with input as _web(_after(stated, ops))
	}
}

test_what_cannot_be_read_is_left_alone if {
	every quantity in ["lots", "", true, [], {}, "-1"] {
		ops := default_resources.mutate with input as _web({"requests": {"memory": quantity}})
		_set(ops) == {sprintf("%s.cpu", [_requests]): "100m"}
	}
	every resources in ["x", 5, true, [], {"requests": "x"}, {"limits": 5}, {"limits": []}, {"requests": ["cpu"]}] {
		default_resources.mutate == set() with input as _web(resources)
	}
	every spec in ["x", 5, null, true, []] {
		default_resources.mutate == set() with input as _document("container", "web", spec)
	}
}

test_pods_with_resources_of_their_own_are_left_alone if {
	document := object.union(_web({}), {"pod": {"spec": {"resources": {"limits": {"memory": "1Gi"}}}}})
	default_resources.mutate == set() with input as document
	null_one := object.union(_web({}), {"pod": {"spec": {"resources": null}}})
	count(default_resources.mutate) == 3 with input as null_one
}

test_containers_excepted_by_name_are_left_alone if {
	every name in ["istio-proxy", "linkerd-proxy", "linkerd-"] {
		default_resources.mutate == set() with input as _document("sidecar", name, {})
	}
	every name in ["istio-proxy-2", "linkerd", null] {
		count(default_resources.mutate) == 3 with input as _document("sidecar", name, {})
	}
}
