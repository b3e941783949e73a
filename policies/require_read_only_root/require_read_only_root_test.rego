package policies.require_read_only_root_test

import data.policies.require_read_only_root

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_defaults := {"kinds": ["container", "init", "sidecar", "ephemeral"], "exempt_images": []}

_good := {"securityContext": {"readOnlyRootFilesystem": true}}

_container(kind, path, spec) := {"name": "web", "kind": kind, "path": path, "image": "nginx:1", "spec": spec}

# The input for a bare Pod with one container of the kind.
_pod(kind, spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [_container(kind, _paths[kind], spec)],
	"parameters": _defaults,
}

_template(kind, path, spec) := object.union(_pod("container", {}), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"containers": [_container("container", sprintf("%s.spec.containers[0]", [path]), spec)],
})

_with(document, parameters) := object.union(document, {"parameters": parameters})

_on(os) := object.union(_pod("container", {}), {"pod": {"spec": {"os": os}}})

test_read_only_roots_pass_in_every_kind if {
	every kind, _ in _paths {
		count(require_read_only_root.deny) == 0 with input as _pod(kind, _good)
	}
}

test_writable_roots_are_refused_in_every_kind if {
	every kind, path in _paths {
		found := require_read_only_root.deny with input as _pod(kind, {})
		{v.field | some v in found} == {sprintf("%s.securityContext.readOnlyRootFilesystem", [path])}
	}
}

test_container_is_told_what_to_set if {
	require_read_only_root.deny == {{
		"msg": "container \"web\": the root file system can be written to",
		"field": "spec.containers[0].securityContext.readOnlyRootFilesystem",
		"remedy": concat("", [
			"set spec.containers[0].securityContext.readOnlyRootFilesystem: true, ",
			"and mount an emptyDir volume where it writes, such as /tmp",
		]),
	}} with input as _pod("container", {"securityContext": {"readOnlyRootFilesystem": false}})
}

test_only_true_is_true if {
	every value in [false, null, "true", 1, {}, []] {
		document := _pod("init", {"securityContext": {"readOnlyRootFilesystem": value}})
		count(require_read_only_root.deny) == 1 with input as document
	}
	every spec in [null, 5, "x", [], {"securityContext": null}, {"securityContext": "x"}] {
		count(require_read_only_root.deny) == 1 with input as _pod("sidecar", spec)
	}
}

test_the_pod_does_not_speak_for_its_containers if {
	document := object.union(
		_pod("container", {}),
		{"pod": {"spec": {"securityContext": {"readOnlyRootFilesystem": true}}}},
	)
	count(require_read_only_root.deny) == 1 with input as document
}

test_windows_pods_are_left_alone if {
	count(require_read_only_root.deny) == 0 with input as _on({"name": "windows"})
	every os in [{"name": "linux"}, {"name": "Windows"}, {}, null, "windows"] {
		count(require_read_only_root.deny) == 1 with input as _on(os)
	}
}

test_kinds_are_those_of_the_parameter if {
	every kind, _ in _paths {
		count(require_read_only_root.deny) == 1 with input as _with(_pod(kind, {}), {"kinds": [kind]})
		count(require_read_only_root.deny) == 0 with input as _with(_pod(kind, {}), {"kinds": []})
	}
}

test_exempt_images_are_left_alone if {
	exempt := _with(_pod("container", {}), {"exempt_images": ["docker.io/library/nginx"]})
	count(require_read_only_root.deny) == 0 with input as exempt
	other := _with(_pod("container", {}), {"exempt_images": ["docker.io/library/ng", "docker.io/library/nginx/x"]})
	count(require_read_only_root.deny) == 1 with input as other
}

test_every_container_is_examined if {
	document := object.union(_pod("container", {}), {"containers": [
		_container("container", "spec.containers[0]", _good),
		_container("container", "spec.containers[1]", {}),
		_container("init", "spec.initContainers[0]", {}),
	]})
	count(require_read_only_root.deny) == 2 with input as document
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(require_read_only_root.deny) == 0 with input as _template(kind, path, _good)
		found := require_read_only_root.deny with input as _template(kind, path, {})
		field := sprintf("%s.spec.containers[0].securityContext.readOnlyRootFilesystem", [path])
		{v.field | some v in found} == {field}
	}
}
