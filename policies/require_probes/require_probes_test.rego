package policies.require_probes_test

import data.policies.require_probes

_defaults := {
	"probes": ["livenessProbe", "readinessProbe"],
	"kinds": ["container"],
	"jobs": false,
	"forbid_identical": false,
}

_live := {"httpGet": {"path": "/healthz", "port": 8080}}

_ready := {"httpGet": {"path": "/readyz", "port": "http"}}

_good := {"livenessProbe": _live, "readinessProbe": _ready}

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

_with(document, parameters) := object.union(document, {"parameters": parameters})

_workload(kind, path, restart_policy, container_spec) := object.union(_kind("container", {}), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"pod": {"spec": {"restartPolicy": restart_policy}},
	"containers": [_container("web", "container", sprintf("%s.spec.containers[0]", [path]), container_spec)],
})

_restarting(policy, container_spec) := object.union(
	_kind("container", container_spec),
	{"pod": {"spec": {"restartPolicy": policy}}},
)

_live_as(probe) := _kind("container", {"livenessProbe": probe, "readinessProbe": _ready})

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

_sidecars := {"kinds": ["container", "sidecar"]}

test_container_with_probes_passes if {
	count(require_probes.deny) == 0 with input as _kind("container", _good)
}

test_container_without_probes_is_refused if {
	require_probes.deny == {
		{
			"msg": "container \"web\": livenessProbe is missing",
			"field": "spec.containers[0].livenessProbe",
			"remedy": "set spec.containers[0].livenessProbe, for example to {httpGet: {path: /healthz, port: 8080}}",
		},
		{
			"msg": "container \"web\": readinessProbe is missing",
			"field": "spec.containers[0].readinessProbe",
			"remedy": "set spec.containers[0].readinessProbe, for example to {httpGet: {path: /readyz, port: 8080}}",
		},
	} with input as _kind("container", {})
}

test_one_probe_does_not_make_up_for_the_other if {
	found := require_probes.deny with input as _kind("container", {"livenessProbe": _live})
	_fields(found) == {"spec.containers[0].readinessProbe"}
	again := require_probes.deny with input as _kind("container", {"readinessProbe": _ready, "startupProbe": _live})
	_fields(again) == {"spec.containers[0].livenessProbe"}
}

test_init_container_is_never_asked if {
	count(require_probes.deny) == 0 with input as _kind("init", {})
	count(require_probes.deny) == 0 with input as _with(_kind("init", {}), {"kinds": ["init", "container"]})
}

test_ephemeral_container_is_never_asked if {
	count(require_probes.deny) == 0 with input as _kind("ephemeral", {})
	count(require_probes.deny) == 0 with input as _with(_kind("ephemeral", {}), {"kinds": ["ephemeral", "container"]})
}

test_sidecar_is_asked_only_where_the_parameter_says_so if {
	count(require_probes.deny) == 0 with input as _kind("sidecar", {})
	found := require_probes.deny with input as _with(_kind("sidecar", {}), _sidecars)
	_messages(found) == {
		"sidecar container \"web\": livenessProbe is missing",
		"sidecar container \"web\": readinessProbe is missing",
	}
	_fields(found) == {"spec.initContainers[1].livenessProbe", "spec.initContainers[1].readinessProbe"}
}

test_sidecar_with_probes_passes if {
	count(require_probes.deny) == 0 with input as _with(_kind("sidecar", _good), _sidecars)
}

test_container_is_left_alone_where_only_sidecars_are_asked if {
	count(require_probes.deny) == 0 with input as _with(_kind("container", {}), {"kinds": ["sidecar"]})
}

test_every_container_is_examined if {
	document := object.union(_kind("container", _good), {"containers": [
		_container("a", "container", "spec.containers[0]", _good),
		_container("b", "container", "spec.containers[1]", {"livenessProbe": _live}),
		_container("c", "init", "spec.initContainers[0]", {}),
	]})
	found := require_probes.deny with input as document
	_fields(found) == {"spec.containers[1].readinessProbe"}
}

test_deployment_is_told_the_path_in_its_template if {
	require_probes.deny == {{
		"msg": "container \"web\": readinessProbe is missing",
		"field": "spec.template.spec.containers[0].readinessProbe",
		"remedy": concat("", [
			"set spec.template.spec.containers[0].readinessProbe, ",
			"for example to {httpGet: {path: /readyz, port: 8080}}",
		]),
	}} with input as _workload("Deployment", "spec.template", "Always", {"livenessProbe": _live})
}

test_deployment_with_probes_passes if {
	count(require_probes.deny) == 0 with input as _workload("Deployment", "spec.template", "Always", _good)
}

test_update_is_judged_like_create if {
	document := object.union(_kind("container", {}), {"request": {"operation": "UPDATE"}})
	count(require_probes.deny) == 2 with input as document
}

test_jobs_are_judged_only_where_the_parameter_says_so if {
	every job in [["Job", "spec.template"], ["CronJob", "spec.jobTemplate.spec.template"]] {
		document := _workload(job[0], job[1], "Never", {})
		count(require_probes.deny) == 0 with input as document
		count(require_probes.deny) == 2 with input as _with(document, {"jobs": true})
	}
}

test_pods_that_run_to_completion_are_judged_only_where_the_parameter_says_so if {
	every policy in ["Never", "OnFailure"] {
		count(require_probes.deny) == 0 with input as _restarting(policy, {})
		count(require_probes.deny) == 2 with input as _with(_restarting(policy, {}), {"jobs": true})
	}
}

test_bare_pods_that_are_restarted_are_judged if {
	every policy in ["Always", null, "never", {}, 0] {
		count(require_probes.deny) == 2 with input as _restarting(policy, {})
	}
}

test_restart_policy_excuses_no_workload_but_a_job if {
	every kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "PodTemplate"] {
		count(require_probes.deny) == 2 with input as _workload(kind, "spec.template", "Never", {})
	}
}

test_forged_owner_excuses_nothing if {
	owner := {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true}
	document := object.union(
		_kind("container", {}),
		{"pod": {"metadata": {"ownerReferences": [owner], "labels": {"job-name": "j"}}}},
	)
	count(require_probes.deny) == 2 with input as document
}

test_every_handler_makes_a_probe if {
	every probe in [
		{"exec": {"command": ["true"]}},
		{"httpGet": {"port": 1}},
		{"httpGet": {"port": "http"}},
		{"tcpSocket": {"port": 65535}},
		{"tcpSocket": {"port": "tcp"}},
		{"grpc": {"port": 9000}},
		{"exec": null, "grpc": {"port": 9000, "service": "x"}, "periodSeconds": 5},
	] {
		count(require_probes.deny) == 0 with input as _live_as(probe)
	}
}

test_probe_without_a_handler_is_refused if {
	every probe in [{}, {"periodSeconds": 5}, {"exec": null}, {"http": {"port": 80}}] {
		found := require_probes.deny with input as _live_as(probe)
		_messages(found) == {"container \"web\": livenessProbe has no handler: none of exec, grpc, httpGet, tcpSocket"}
	}
}

test_probe_with_two_handlers_is_refused if {
	found := require_probes.deny with input as _live_as({"tcpSocket": {"port": 80}, "httpGet": {"port": 80}})
	_messages(found) == {"container \"web\": livenessProbe has more than one handler: httpGet, tcpSocket"}
}

test_handler_that_does_nothing_is_refused if {
	every handler in [
		{}, {"command": []}, {"command": "true"}, {"command": null}, {"port": 80},
		"x", 5, true, false, [], ["x"],
	] {
		found := require_probes.deny with input as _live_as({"exec": handler})
		_messages(found) == {"container \"web\": livenessProbe has a handler without a command: exec"}
	}
	every handler in [{}, {"path": "/"}, {"port": 0}, {"port": 65536}, {"port": ""}, {"port": null}, "x", 5, [80]] {
		every kind in ["httpGet", "tcpSocket", "grpc"] {
			found := require_probes.deny with input as _live_as({kind: handler})
			_messages(found) == {sprintf("container \"web\": livenessProbe has a handler without a port: %s", [kind])}
		}
	}
	count(require_probes.deny) == 1 with input as _live_as({"grpc": {"port": "grpc"}})
}

test_probe_that_is_no_mapping_is_refused if {
	every probe in ["x", 5, true, false, [], ["exec"]] {
		found := require_probes.deny with input as _live_as(probe)
		_messages(found) == {"container \"web\": livenessProbe is not a mapping"}
	}
	found := require_probes.deny with input as _live_as(null)
	_messages(found) == {"container \"web\": livenessProbe is missing"}
}

test_specs_that_are_no_mapping_are_refused if {
	every spec in [null, "x", 5, true, []] {
		count(require_probes.deny) == 2 with input as _kind("container", spec)
	}
}

test_container_without_a_name_is_named_by_its_path if {
	every container in [
		{"kind": "container", "path": "spec.containers[2]", "spec": {"livenessProbe": _live}},
		{"name": null, "kind": "container", "path": "spec.containers[2]", "spec": {"livenessProbe": _live}},
		{"name": "", "kind": "container", "path": "spec.containers[2]", "spec": {"livenessProbe": _live}},
	] {
		document := object.union(_kind("container", {}), {"containers": [container]})
		found := require_probes.deny with input as document
		_messages(found) == {"container at spec.containers[2]: readinessProbe is missing"}
	}
}

test_required_probes_are_those_of_the_parameters if {
	asked := {"probes": ["startupProbe"]}
	require_probes.deny == {{
		"msg": "container \"web\": startupProbe is missing",
		"field": "spec.containers[0].startupProbe",
		"remedy": concat("", [
			"set spec.containers[0].startupProbe, ",
			"for example to {httpGet: {path: /healthz, port: 8080}, failureThreshold: 30}",
		]),
	}} with input as _with(_kind("container", _good), asked)
	count(require_probes.deny) == 0 with input as _with(_kind("container", {"startupProbe": _live}), asked)
}

test_identical_probes_are_refused_only_where_the_parameter_says_so if {
	same := _kind("container", {"livenessProbe": _live, "readinessProbe": _live})
	count(require_probes.deny) == 0 with input as same
	require_probes.deny == {{
		"msg": "container \"web\": livenessProbe is the same as readinessProbe",
		"field": "spec.containers[0].livenessProbe",
		"remedy": concat("", [
			"set spec.containers[0].livenessProbe.failureThreshold higher than the readinessProbe's, ",
			"or probe something else",
		]),
	}} with input as _with(same, {"forbid_identical": true})
	count(require_probes.deny) == 0 with input as _with(_kind("container", _good), {"forbid_identical": true})
}

test_defaults_do_not_make_identical_probes_different if {
	every twin in [
		{"periodSeconds": 10}, {"failureThreshold": 3, "timeoutSeconds": 1, "successThreshold": 1},
		{"httpGet": {"scheme": "HTTP"}}, {"initialDelaySeconds": 0},
	] {
		document := _kind("container", {"livenessProbe": _live, "readinessProbe": object.union(_live, twin)})
		count(require_probes.deny) == 1 with input as _with(document, {"forbid_identical": true})
	}
	every other in [{"periodSeconds": 5}, {"failureThreshold": 1}, {"httpGet": {"path": "/"}}] {
		document := _kind("container", {"livenessProbe": _live, "readinessProbe": object.union(_live, other)})
		count(require_probes.deny) == 0 with input as _with(document, {"forbid_identical": true})
	}
}

test_identical_probes_of_jobs_and_other_kinds_are_left_alone if {
	same := {"livenessProbe": _live, "readinessProbe": _live}
	forbid := {"forbid_identical": true}
	count(require_probes.deny) == 0 with input as _with(_restarting("Never", same), forbid)
	count(require_probes.deny) == 0 with input as _with(_kind("sidecar", same), forbid)
}

test_probes_that_are_no_mapping_are_not_compared if {
	document := _kind("container", {"livenessProbe": "x", "readinessProbe": "x"})
	found := require_probes.deny with input as _with(document, {"forbid_identical": true})
	_messages(found) == {
		"container \"web\": livenessProbe is not a mapping",
		"container \"web\": readinessProbe is not a mapping",
	}
}

test_workload_may_be_absent_for_a_bare_pod if {
	count(require_probes.deny) == 2 with input as object.remove(_kind("container", {}), ["workload"])
}
