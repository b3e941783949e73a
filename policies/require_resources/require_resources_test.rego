package policies.require_resources_test

import data.policies.require_resources

_defaults := {
	"requests": ["cpu", "memory"],
	"limits": ["memory"],
	"kinds": ["container", "init", "sidecar"],
	"pod_level": true,
	"max_requests": {},
	"max_limits": {},
	"max_limit_request_ratio": {},
}

# Nothing is required: what is stated must still be right.
_lax := {"requests": [], "limits": []}

_good := {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

# The input for a bare Pod with one container of the kind.
_kind(kind, container_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [_container("web", kind, _paths[kind], container_spec)],
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

_container(name, kind, path, spec) := {
	"name": name,
	"kind": kind,
	"path": path,
	"image": "registry.example/web:1",
	"spec": spec,
}

_resources(resources) := _kind("container", {"resources": resources})

_with(document, parameters) := object.union(document, {"parameters": parameters})

_pod_level(document, resources) := object.union(document, {"pod": {"spec": {"resources": resources}}})

_deployment(container_spec) := object.union(_kind("container", {}), {
	"workload": {"kind": "Deployment", "name": "web", "path": "spec.template"},
	"containers": [_container("web", "container", "spec.template.spec.containers[0]", container_spec)],
})

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

test_container_with_resources_passes if {
	count(require_resources.deny) == 0 with input as _kind("container", {"resources": _good})
}

test_init_container_with_resources_passes if {
	count(require_resources.deny) == 0 with input as _kind("init", {"resources": _good})
}

test_sidecar_with_resources_passes if {
	count(require_resources.deny) == 0 with input as _kind("sidecar", {"resources": _good})
}

test_container_without_resources_is_refused if {
	require_resources.deny == {
		{
			"msg": "container \"web\": cpu request is missing or 0",
			"field": "spec.containers[0].resources.requests.cpu",
			"remedy": "set spec.containers[0].resources.requests.cpu to what it needs, for example 100m",
		},
		{
			"msg": "container \"web\": memory request is missing or 0",
			"field": "spec.containers[0].resources.requests.memory",
			"remedy": "set spec.containers[0].resources.requests.memory to what it needs, for example 128Mi",
		},
		{
			"msg": "container \"web\": memory limit is missing or 0",
			"field": "spec.containers[0].resources.limits.memory",
			"remedy": "set spec.containers[0].resources.limits.memory to what it needs, for example 128Mi",
		},
	} with input as _kind("container", {})
}

test_init_container_without_resources_is_refused if {
	found := require_resources.deny with input as _kind("init", {})
	_messages(found) == {
		"init container \"web\": cpu request is missing or 0",
		"init container \"web\": memory request is missing or 0",
		"init container \"web\": memory limit is missing or 0",
	}
}

test_sidecar_without_resources_is_refused if {
	found := require_resources.deny with input as _kind("sidecar", {})
	_messages(found) == {
		"sidecar container \"web\": cpu request is missing or 0",
		"sidecar container \"web\": memory request is missing or 0",
		"sidecar container \"web\": memory limit is missing or 0",
	}
}

test_ephemeral_container_is_never_asked if {
	count(require_resources.deny) == 0 with input as _kind("ephemeral", {})
	kinds := {"kinds": ["ephemeral", "container"]}
	count(require_resources.deny) == 0 with input as _with(_kind("ephemeral", {}), kinds)
}

test_only_the_kinds_asked_for_are_judged if {
	count(require_resources.deny) == 0 with input as _with(_kind("init", {}), {"kinds": ["container"]})
	count(require_resources.deny) == 3 with input as _with(_kind("init", {}), {"kinds": ["init"]})
}

test_deployment_is_told_the_path_in_its_template if {
	require_resources.deny == {{
		"msg": "container \"web\": memory limit is missing or 0",
		"field": "spec.template.spec.containers[0].resources.limits.memory",
		"remedy": "set spec.template.spec.containers[0].resources.limits.memory to what it needs, for example 128Mi",
	}} with input as _deployment({"resources": {"requests": _good.requests}})
}

test_deployment_with_resources_passes if {
	count(require_resources.deny) == 0 with input as _deployment({"resources": _good})
}

test_update_is_judged_like_create if {
	document := object.union(_kind("container", {}), {"request": {"operation": "UPDATE"}})
	count(require_resources.deny) == 3 with input as document
}

test_required_resources_are_those_of_the_parameters if {
	asked := {"requests": ["ephemeral-storage"], "limits": ["example.com/gpu"]}
	require_resources.deny == {
		{
			"msg": "container \"web\": ephemeral-storage request is missing or 0",
			"field": "spec.containers[0].resources.requests.ephemeral-storage",
			"remedy": "set spec.containers[0].resources.requests.ephemeral-storage to what it needs, for example 1Gi",
		},
		{
			"msg": "container \"web\": example.com/gpu limit is missing or 0",
			"field": "spec.containers[0].resources.limits[\"example.com/gpu\"]",
			"remedy": "set spec.containers[0].resources.limits[\"example.com/gpu\"] to what it needs, for example 1",
		},
	} with input as _with(_resources(_good), asked)
	count(require_resources.deny) == 0 with input as _with(_kind("container", {}), _lax)
}

test_limit_counts_as_request if {
	count(require_resources.deny) == 0 with input as _resources({"limits": {"cpu": "1", "memory": "1Gi"}})
}

test_zero_is_missing if {
	every zero in ["0", "0Gi", "0.0", 0, "0n"] {
		limits := {"memory": zero}
		found := require_resources.deny with input as _resources(object.union(_good, {"limits": limits}))
		_fields(found) == {"spec.containers[0].resources.limits.memory"}
		"container \"web\": memory limit is missing or 0" in _messages(found)
		again := require_resources.deny with input as _resources(object.union(_good, {"requests": {"cpu": zero}}))
		_fields(again) == {"spec.containers[0].resources.requests.cpu"}
	}
}

test_zero_request_is_not_filled_in_from_the_limit if {
	found := require_resources.deny with input as _resources({
		"requests": {"cpu": "0", "memory": "1Gi"},
		"limits": {"cpu": "1", "memory": "1Gi"},
	})
	_fields(found) == {"spec.containers[0].resources.requests.cpu"}
}

test_pod_level_resources_count_for_each_container if {
	count(require_resources.deny) == 0 with input as _pod_level(_kind("container", {}), _good)
	count(require_resources.deny) == 0 with input as _pod_level(_kind("sidecar", {"resources": {}}), _good)
	count(require_resources.deny) == 0 with input as _pod_level(
		_kind("init", {"resources": null}),
		{"limits": {"cpu": "1", "memory": "1Gi"}},
	)
}

test_pod_level_resources_count_only_where_the_parameter_says_so if {
	document := _with(_pod_level(_kind("container", {}), _good), {"pod_level": false})
	count(require_resources.deny) == 3 with input as document
}

test_pod_level_resources_count_only_for_what_kubernetes_takes_there if {
	both := {"requests": {"example.com/gpu": "1", "hugepages-2Mi": "4Mi"}}
	document := _with(
		_pod_level(_kind("container", {}), both),
		{"requests": ["example.com/gpu", "hugepages-2Mi"], "limits": []},
	)
	found := require_resources.deny with input as document
	_fields(found) == {"spec.containers[0].resources.requests[\"example.com/gpu\"]"}
}

test_pod_level_resources_are_judged_themselves if {
	document := _pod_level(_resources(_good), {"requests": {"cpu": "x", "memory": "2Gi"}, "limits": {"memory": "1Gi"}})
	require_resources.deny == {
		{
			"msg": "Pod: cpu request is \"x\", not a quantity of zero or more",
			"field": "spec.resources.requests.cpu",
			"remedy": "set spec.resources.requests.cpu to a quantity such as 100m",
		},
		{
			"msg": "Pod: memory limit \"1Gi\" is below its request \"2Gi\"",
			"field": "spec.resources.limits.memory",
			"remedy": "set spec.resources.limits.memory to at least \"2Gi\"",
		},
	} with input as document
}

test_pod_level_path_is_the_templates if {
	document := _pod_level(_deployment({"resources": _good}), "x")
	found := require_resources.deny with input as document
	_fields(found) == {"spec.template.spec.resources"}
}

_unreadable := [
	"", "-1", "-0.5Gi", "1K", "1ki", "1 Gi", " 1", "1e", "1Zi", "x", ".", "+", "-", "1.2.3", "1,5", "0x10", "1_000",
	"1e19", "1e3.5", "1MB", "NaN", "Infinity", "1\n", "٣", -1, null, true, {}, [],
	"1234567890123456789012345678901234567", "m", "Mi",
]

test_quantities_that_cannot_be_read_are_refused if {
	every quantity in _unreadable {
		limit := _resources(object.union(_good, {"limits": {"cpu": quantity}}))
		found := require_resources.deny with input as limit
		_messages(found) == {_unreadable_message("cpu limit", quantity)}
		request := _resources(object.union(_good, {"requests": {"ephemeral-storage": quantity}}))
		again := require_resources.deny with input as request
		_messages(again) == {_unreadable_message("ephemeral-storage request", quantity)}
		alone := _resources(object.union(_good, {"limits": {"ephemeral-storage": quantity}}))
		_messages(require_resources.deny) == {_unreadable_message("ephemeral-storage limit", quantity)} with input as alone
		both := _resources(object.union(_good, {"requests": {"x": quantity}, "limits": {"x": quantity}}))
		count(require_resources.deny) == 2 with input as both
	}
}

_unreadable_message(what, quantity) := sprintf("container \"web\": %s is %s, not a quantity of zero or more", [
	what,
	substring(json.marshal(quantity), 0, 40),
])

test_required_quantity_that_cannot_be_read_is_refused_once if {
	require_resources.deny == {{
		"msg": "container \"web\": memory limit is \"-1\", not a quantity of zero or more",
		"field": "spec.containers[0].resources.limits.memory",
		"remedy": "set spec.containers[0].resources.limits.memory to a quantity such as 128Mi",
	}} with input as _resources(object.union(_good, {"limits": {"memory": "-1"}}))
}

test_huge_text_is_refused_and_not_repeated if {
	huge := concat("", ["9" | some _ in numbers.range(1, 5000)])
	found := require_resources.deny with input as _resources(object.union(_good, {"limits": {"cpu": huge}}))
	_fields(found) == {"spec.containers[0].resources.limits.cpu"}
	every violation in found {
		count(violation.msg) < 200
	}
}

test_resources_that_are_no_mapping_are_refused if {
	every value in ["x", 5, true, ["cpu"]] {
		found := require_resources.deny with input as _with(_resources(value), _lax)
		_fields(found) == {"spec.containers[0].resources"}
		again := require_resources.deny with input as _pod_level(_resources(value), _good)
		_fields(again) == {"spec.containers[0].resources"}
	}
}

test_requests_and_limits_that_are_no_mapping_are_refused if {
	every value in ["x", 5, true, ["1"]] {
		found := require_resources.deny with input as _with(_resources({"requests": value, "limits": value}), _lax)
		_fields(found) == {"spec.containers[0].resources.requests", "spec.containers[0].resources.limits"}
	}
}

test_specs_that_are_no_mapping_are_refused if {
	every value in [null, "x", 5, []] {
		count(require_resources.deny) == 3 with input as _kind("container", value)
	}
	every value in [null, {}, {"requests": null, "limits": null}] {
		count(require_resources.deny) == 3 with input as _resources(value)
	}
}

test_container_without_a_name_is_named_by_its_path if {
	document := object.union(
		_with(_kind("container", {}), {"requests": ["cpu"], "limits": []}),
		{"containers": [{"kind": "container", "path": "spec.containers[3]", "spec": {}}]},
	)
	found := require_resources.deny with input as document
	_messages(found) == {"container at spec.containers[3]: cpu request is missing or 0"}
}

test_limit_below_request_is_refused if {
	require_resources.deny == {{
		"msg": "container \"web\": memory limit \"1G\" is below its request \"1Gi\"",
		"field": "spec.containers[0].resources.limits.memory",
		"remedy": "set spec.containers[0].resources.limits.memory to at least \"1Gi\"",
	}} with input as _resources({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1G"}})
}

test_limit_equal_to_request_in_another_notation_passes if {
	every pair in [["1Gi", "1024Mi"], ["1", "1000m"], ["0.5", "500m"], ["1e3", "1k"], [2, "2"], [0.5, "500m"]] {
		resources := {"requests": {"cpu": pair[0], "memory": "1"}, "limits": {"cpu": pair[1], "memory": "1"}}
		count(require_resources.deny) == 0 with input as _resources(resources)
	}
}

test_maximum_request_is_enforced if {
	most := {"max_requests": {"memory": "128Mi", "cpu": 0.1}}
	count(require_resources.deny) == 0 with input as _with(_resources(_good), most)
	require_resources.deny == {{
		"msg": "container \"web\": cpu request \"101m\" is above the maximum 0.1",
		"field": "spec.containers[0].resources.requests.cpu",
		"remedy": "set spec.containers[0].resources.requests.cpu to at most 0.1",
	}} with input as _with(_resources(object.union(_good, {"requests": {"cpu": "101m"}})), most)
}

test_maximum_request_judges_a_request_that_is_the_limit if {
	resources := {"limits": {"cpu": "3", "memory": "1Gi"}}
	found := require_resources.deny with input as _with(_resources(resources), {"max_requests": {"cpu": "2"}})
	_messages(found) == {"container \"web\": cpu request \"3\" is above the maximum \"2\""}
}

test_maximum_limit_is_enforced if {
	most := {"max_limits": {"memory": "128Mi"}}
	count(require_resources.deny) == 0 with input as _with(_resources(_good), most)
	require_resources.deny == {{
		"msg": "container \"web\": memory limit \"134217729\" is above the maximum \"128Mi\"",
		"field": "spec.containers[0].resources.limits.memory",
		"remedy": "set spec.containers[0].resources.limits.memory to at most \"128Mi\"",
	}} with input as _with(_resources(object.union(_good, {"limits": {"memory": "134217729"}})), most)
}

test_maximum_limit_needs_a_limit if {
	found := require_resources.deny with input as _with(_resources(_good), {"max_limits": {"cpu": "2"}})
	_messages(found) == {"container \"web\": cpu limit is missing or 0"}
}

test_maximum_judges_the_pods_own_resources if {
	document := _with(_pod_level(_kind("container", {}), _good), {"max_limits": {"memory": "64Mi"}})
	found := require_resources.deny with input as document
	_messages(found) == {"Pod: memory limit \"128Mi\" is above the maximum \"64Mi\""}
}

test_maximum_that_cannot_be_read_allows_nothing if {
	found := require_resources.deny with input as _with(_resources(_good), {"max_limits": {"memory": "lots"}})
	_messages(found) == {"container \"web\": memory limit \"128Mi\" is above the maximum \"lots\""}
}

test_ratio_is_enforced if {
	resources := {"requests": {"cpu": "250m", "memory": "1"}, "limits": {"cpu": "1", "memory": "1"}}
	every ratio in [4, "4", 4.5, "4000m"] {
		document := _with(_resources(resources), {"max_limit_request_ratio": {"cpu": ratio}})
		count(require_resources.deny) == 0 with input as document
	}
	require_resources.deny == {{
		"msg": "container \"web\": cpu limit is more than 3.9 times its request",
		"field": "spec.containers[0].resources.limits.cpu",
		"remedy": "set spec.containers[0].resources.limits.cpu to at most 3.9 times the request, or request more",
	}} with input as _with(_resources(resources), {"max_limit_request_ratio": {"cpu": 3.9}})
}

test_ratio_is_exact if {
	resources := {"requests": {"memory": "3"}, "limits": {"memory": "9223372036854775807"}}
	lax := object.union(_lax, {"max_limit_request_ratio": {"memory": "3074457345618258602.333333333"}})
	count(require_resources.deny) == 1 with input as _with(_resources(resources), lax)
	even := object.union(_lax, {"max_limit_request_ratio": {"memory": "3074457345618258602.333333334"}})
	count(require_resources.deny) == 0 with input as _with(_resources(resources), even)
}

test_ratio_needs_a_limit if {
	found := require_resources.deny with input as _with(_resources(_good), {"max_limit_request_ratio": {"cpu": 4}})
	_messages(found) == {"container \"web\": cpu limit is missing or 0"}
}

test_ratio_that_cannot_be_read_allows_nothing if {
	document := _with(_resources(_good), {"max_limit_request_ratio": {"memory": "x"}})
	count(require_resources.deny) == 1 with input as document
}

# Each row is one amount in several notations; each is more than the row before it.
_rising := [
	["0", "0.0", "+0", "00", "0Ki", "0e5", "0n", 0],
	["1n", "0.1n", "0.000000001", "1e-9", "1E-09", "1e-30", "0.0000000000001Ki"],
	["2n", "1.1n", "0.0000000011"],
	["1u", "1000n", "0.001m"],
	["1m", ".001", "1e-3", "1000u", "0.000001k", 0.001],
	["1.0000000001m"],
	["500m", "0.5", ".5", "+.5", "0.50", "5e-1", "0.5e0", 0.5],
	["0.9999999999999", "1", "1.", "01", "1000m", "1e0", "1E0", "1e+0", "+1", "0.001k", 1],
	["1000000001n", "1.000000001"],
	["1000", "1k", "1e3", "1E3", "1E+03", ".001M", "1.0e3", 1000],
	["1024", "1Ki", "1.0Ki", "+1Ki", 1024],
	["1536", "1.5Ki", "1.536k"],
	["1M", "1e6", "1000k", "1000000"],
	["1Mi", "1024Ki", "1048576", "1048576000m"],
	["128Mi", "134217728", "0.125Gi"],
	["1G", "1000M", "1e9"],
	["1Gi", "1024Mi", "1073741824"],
	["1T", "1e12"],
	["1Ti", "1024Gi", "1099511627776"],
	["1P", "1e15"],
	["1Pi", "1024Ti"],
	["1E", "1000P", "1e18", "1E18", "1000000000000000000"],
	["1000000000000000001"],
	["1Ei", "1024Pi", "1152921504606846976"],
	["9223372036854775806"],
	["9223372036854775807"],
]

_passes(request, limit) if {
	resources := {"requests": {"cpu": request}, "limits": {"cpu": limit}}
	count(require_resources.deny) == 0 with input as _with(_resources(resources), _lax)
}

test_notations_of_one_amount_are_equal if {
	every row in _rising {
		every quantity in row {
			_passes(quantity, row[0])
			_passes(row[0], quantity)
		}
	}
}

test_amounts_rise if {
	every i in numbers.range(1, count(_rising) - 1) {
		every quantity in _rising[i] {
			_passes(_rising[i - 1][0], quantity)
			not _passes(quantity, _rising[i - 1][0])
		}
	}
}

test_sides_that_are_no_mapping_are_refused_alone if {
	every value in ["x", 5, true, ["1"]] {
		found := require_resources.deny with input as _with(_resources({"requests": value, "limits": {"cpu": "1"}}), _lax)
		_fields(found) == {"spec.containers[0].resources.requests"}
		again := require_resources.deny with input as _with(_resources({"requests": {"cpu": "1"}, "limits": value}), _lax)
		_fields(again) == {"spec.containers[0].resources.limits"}
	}
}

test_pod_level_resources_of_null_are_none if {
	count(require_resources.deny) == 0 with input as _pod_level(_resources(_good), null)
	count(require_resources.deny) == 3 with input as _pod_level(_kind("container", {}), null)
}

test_workload_may_be_absent_for_a_bare_pod if {
	document := object.remove(_pod_level(_resources(_good), "x"), ["workload"])
	found := require_resources.deny with input as document
	_fields(found) == {"spec.resources"}
}

test_unnamed_containers_are_named_by_their_path if {
	every name in [null, "", 5] {
		container := _container(name, "init", "spec.initContainers[0]", {"resources": "x"})
		document := object.union(_with(_kind("init", {}), _lax), {"containers": [container]})
		found := require_resources.deny with input as document
		_messages(found) == {"init container at spec.initContainers[0]: resources is not a mapping"}
	}
}

test_claims_are_no_requests if {
	claims := {"claims": [{"name": "gpu"}]}
	count(require_resources.deny) == 0 with input as _resources(object.union(_good, claims))
	count(require_resources.deny) == 3 with input as _resources(claims)
}

test_ratio_and_maximum_leave_unreadable_quantities_to_their_own_message if {
	most := {"max_limit_request_ratio": {"memory": 4}, "max_limits": {"memory": "1Gi"}, "max_requests": {"memory": "1Gi"}}
	limit := _with(_resources(object.union(_good, {"limits": {"memory": "x"}})), most)
	_messages(require_resources.deny) == {_unreadable_message("memory limit", "x")} with input as limit
	request := _with(_resources(object.union(_good, {"requests": {"memory": "x"}})), most)
	_messages(require_resources.deny) == {_unreadable_message("memory request", "x")} with input as request
}

test_names_that_are_no_plain_keys_are_quoted if {
	every name in ["example.com/gpu", "a[0]"] {
		found := require_resources.deny with input as _with(_kind("container", {}), {"requests": [name], "limits": []})
		_fields(found) == {sprintf("spec.containers[0].resources.requests[\"%s\"]", [name])}
	}
}

# The shortcut and the exact way must agree: the defaults take the one, a maximum that binds nothing the other.
test_shortcut_agrees_with_the_exact_comparison if {
	some_quantities := [
		"1", "9", "10", "11", "99", "100", "1000m", "999m", "1001m", "1k", "1Ki", "1023", "1024", "9Mi", "10Mi", "9M",
	]
	every request in some_quantities {
		every limit in some_quantities {
			resources := {"requests": {"cpu": request, "memory": "1"}, "limits": {"cpu": limit, "memory": "1"}}
			quick := require_resources.deny with input as _resources(resources)
			unbound := {"max_requests": {"memory": "1E"}}
			exact := require_resources.deny with input as _with(_resources(resources), unbound)
			quick == exact
		}
	}
}
