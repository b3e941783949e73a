package policies.require_non_root_test

import data.policies.require_non_root

_defaults := {"min_run_as_user": 1, "allow_user_namespaces": false}

# The input for a bare Pod with one container of the kind.
_pod(pod_spec, kind, path, container_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": pod_spec},
	"containers": [_container("web", kind, path, container_spec)],
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

# A bare Pod with one ordinary container: what the Pod and the container say in securityContext.
_said(pod_context, context) := _pod(
	{"securityContext": pod_context}, "container", "spec.containers[0]",
	{"securityContext": context},
)

_windows(pod_context, context) := object.union(
	_said(pod_context, context),
	{"pod": {"spec": {"os": {"name": "windows"}}}},
)

_deployment(container_spec) := object.union(
	_pod({}, "container", "spec.template.spec.containers[0]", container_spec),
	{"workload": {"kind": "Deployment", "name": "web", "path": "spec.template"}},
)

_with(document, parameters) := object.union(document, {"parameters": parameters})

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_true := {"securityContext": {"runAsNonRoot": true}}

_root := {"securityContext": {"runAsNonRoot": true, "runAsUser": 0}}

test_container_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _pod({}, "container", _paths.container, _true)
}

test_init_container_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _pod({}, "init", _paths.init, _true)
}

test_sidecar_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _pod({}, "sidecar", _paths.sidecar, _true)
}

test_ephemeral_container_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _pod({}, "ephemeral", _paths.ephemeral, _true)
}

test_container_without_a_word_is_refused if {
	require_non_root.deny == {{
		"msg": "container \"web\": runAsNonRoot is set neither here nor for the Pod",
		"field": "spec.containers[0].securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _pod({}, "container", _paths.container, {})
}

test_init_container_without_a_word_is_refused if {
	require_non_root.deny == {{
		"msg": "init container \"web\": runAsNonRoot is set neither here nor for the Pod",
		"field": "spec.initContainers[0].securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _pod({}, "init", _paths.init, {})
}

test_sidecar_without_a_word_is_refused if {
	require_non_root.deny == {{
		"msg": "sidecar container \"web\": runAsNonRoot is set neither here nor for the Pod",
		"field": "spec.initContainers[1].securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _pod({}, "sidecar", _paths.sidecar, {})
}

test_ephemeral_container_without_a_word_is_refused if {
	require_non_root.deny == {{
		"msg": "ephemeral container \"web\": runAsNonRoot is set neither here nor for the Pod",
		"field": "spec.ephemeralContainers[0].securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _pod({}, "ephemeral", _paths.ephemeral, {})
}

test_user_zero_is_refused_in_every_kind if {
	every kind, path in _paths {
		found := require_non_root.deny with input as _pod({}, kind, path, _root)
		_fields(found) == {concat("", [path, ".securityContext.runAsUser"])}
	}
}

test_every_container_is_examined if {
	document := object.union(
		_pod({}, "container", _paths.container, _true),
		{"containers": [
			_container("a", "container", "spec.containers[0]", _true),
			_container("b", "container", "spec.containers[1]", {}),
			_container("c", "init", "spec.initContainers[0]", _root),
		]},
	)
	found := require_non_root.deny with input as document
	_fields(found) == {
		"spec.containers[1].securityContext.runAsNonRoot",
		"spec.initContainers[0].securityContext.runAsUser",
	}
}

test_deployment_is_told_the_path_in_its_template if {
	require_non_root.deny == {{
		"msg": "container \"web\": runAsNonRoot is set neither here nor for the Pod",
		"field": "spec.template.spec.containers[0].securityContext.runAsNonRoot",
		"remedy": "set spec.template.spec.securityContext.runAsNonRoot: true",
	}} with input as _deployment({})
}

test_deployment_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _deployment(_true)
}

test_cron_job_is_told_the_path_of_its_pod if {
	document := object.union(
		_said({"runAsNonRoot": true, "runAsUser": 0}, {"runAsUser": 7}),
		{"workload": {"kind": "CronJob", "name": "c", "path": "spec.jobTemplate.spec.template"}},
	)
	require_non_root.deny == {{
		"msg": "Pod: runAsUser is 0, not a user id of at least 1",
		"field": "spec.jobTemplate.spec.template.spec.securityContext.runAsUser",
		"remedy": "set spec.jobTemplate.spec.template.spec.securityContext.runAsUser: 65532",
	}} with input as document
}

test_update_is_judged_like_create if {
	document := object.union(_said(null, null), {"request": {"operation": "UPDATE"}})
	count(require_non_root.deny) == 1 with input as document
}

test_pod_speaks_for_a_container_that_says_nothing if {
	count(require_non_root.deny) == 0 with input as _said({"runAsNonRoot": true, "runAsUser": 1000}, null)
	count(require_non_root.deny) == 0 with input as _said({"runAsNonRoot": true}, {"runAsNonRoot": null})
}

test_container_overrides_the_pod if {
	require_non_root.deny == {{
		"msg": "container \"web\": runAsNonRoot is not true",
		"field": "spec.containers[0].securityContext.runAsNonRoot",
		"remedy": "set spec.containers[0].securityContext.runAsNonRoot: true",
	}} with input as _said({"runAsNonRoot": true}, {"runAsNonRoot": false})
}

test_pod_that_says_false_is_refused_though_its_container_overrides_it if {
	require_non_root.deny == {{
		"msg": "Pod: runAsNonRoot is not true",
		"field": "spec.securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _said({"runAsNonRoot": false}, {"runAsNonRoot": true})
}

test_pod_of_user_zero_is_refused_though_its_container_overrides_it if {
	found := require_non_root.deny with input as _said({"runAsNonRoot": true, "runAsUser": 0}, {"runAsUser": 1000})
	_fields(found) == {"spec.securityContext.runAsUser"}
}

test_pod_of_user_zero_is_refused_once_for_those_that_inherit if {
	found := require_non_root.deny with input as _said({"runAsNonRoot": true, "runAsUser": 0}, {})
	_fields(found) == {"spec.securityContext.runAsUser"}
}

test_user_without_non_root_is_refused if {
	found := require_non_root.deny with input as _said({"runAsUser": 1000}, {"runAsUser": 1000})
	_fields(found) == {"spec.containers[0].securityContext.runAsNonRoot"}
}

test_values_that_are_no_user_id_are_refused if {
	every user in ["0", "1000", 0, -1, 1.5, 0.0, 2147483648, 4294967296, true, {}, []] {
		found := require_non_root.deny with input as _said({"runAsNonRoot": true}, {"runAsUser": user})
		_fields(found) == {"spec.containers[0].securityContext.runAsUser"}
	}
	every user in [1, 65532, 2147483647, null] {
		count(require_non_root.deny) == 0 with input as _said({"runAsNonRoot": true}, {"runAsUser": user})
	}
}

test_message_shows_what_was_written if {
	found := require_non_root.deny with input as _said({"runAsNonRoot": true}, {"runAsUser": "0"})
	_messages(found) == {"container \"web\": runAsUser is \"0\", not a user id of at least 1"}
}

test_values_that_are_not_true_are_refused if {
	every value in ["true", "false", 1, 0, {}, [], false] {
		found := require_non_root.deny with input as _said(null, {"runAsNonRoot": value})
		_fields(found) == {"spec.containers[0].securityContext.runAsNonRoot"}
		again := require_non_root.deny with input as _said({"runAsNonRoot": value}, null)
		_fields(again) == {"spec.securityContext.runAsNonRoot"}
	}
}

test_security_context_that_is_no_mapping_is_refused if {
	every value in ["x", 5, true, ["runAsNonRoot"]] {
		found := require_non_root.deny with input as _said({"runAsNonRoot": true}, value)
		_fields(found) == {"spec.containers[0].securityContext"}
		again := require_non_root.deny with input as _said(value, {"runAsNonRoot": true})
		_fields(again) == {"spec.securityContext"}
	}
}

test_specs_that_are_no_mapping_are_refused if {
	every value in [null, "x", 5, []] {
		document := _pod(_true, "container", _paths.container, value)
		count(require_non_root.deny) == 1 with input as document
		again := _pod(value, "container", _paths.container, _true)
		count(require_non_root.deny) == 1 with input as again
	}
}

test_container_without_a_name_is_named_by_its_path if {
	every name in [null, "", 5, {}] {
		document := object.union(_said(null, null), {"containers": [_container(name, "init", "spec.initContainers[0]", {})]})
		found := require_non_root.deny with input as document
		_messages(found) == {"init container at spec.initContainers[0]: runAsNonRoot is set neither here nor for the Pod"}
	}
	found := require_non_root.deny with input as object.union(
		_said(null, null),
		{"containers": [{"kind": "container", "path": "spec.containers[0]", "spec": {}}]},
	)
	_messages(found) == {"container at spec.containers[0]: runAsNonRoot is set neither here nor for the Pod"}
}

test_minimum_user_is_enforced if {
	high := {"min_run_as_user": 10000}
	found := require_non_root.deny with input as _with(_said({"runAsNonRoot": true}, {"runAsUser": 9999}), high)
	_fields(found) == {"spec.containers[0].securityContext.runAsUser"}
	count(require_non_root.deny) == 0 with input as _with(_said({"runAsNonRoot": true}, {"runAsUser": 10000}), high)
	count(require_non_root.deny) == 0 with input as _with(_said({"runAsNonRoot": true, "runAsUser": 10000}, null), high)
}

test_minimum_user_needs_a_user if {
	require_non_root.deny == {{
		"msg": "container \"web\": runAsUser is set neither here nor for the Pod",
		"field": "spec.containers[0].securityContext.runAsUser",
		"remedy": "set spec.securityContext.runAsUser: 100000",
	}} with input as _with(_said({"runAsNonRoot": true}, null), {"min_run_as_user": 100000})
}

test_user_namespace_excuses_only_where_the_parameter_says_so if {
	pod := {"hostUsers": false, "securityContext": {"runAsUser": 0}}
	document := _pod(pod, "container", _paths.container, {})
	count(require_non_root.deny) == 2 with input as document
	count(require_non_root.deny) == 0 with input as _with(document, {"allow_user_namespaces": true})
}

test_only_host_users_false_is_a_user_namespace if {
	every value in [true, null, "false", 0] {
		document := _with(
			_pod({"hostUsers": value}, "container", _paths.container, {}),
			{"allow_user_namespaces": true},
		)
		count(require_non_root.deny) == 1 with input as document
	}
}

test_windows_pod_that_is_non_root_passes if {
	count(require_non_root.deny) == 0 with input as _windows({"runAsNonRoot": true}, null)
	count(require_non_root.deny) == 0 with input as _windows(null, {"runAsNonRoot": true})
}

test_windows_pod_with_an_ordinary_user_passes if {
	every name in ["ContainerUser", "CORP\\web", "NT AUTHORITY\\NetworkService"] {
		options := {"windowsOptions": {"runAsUserName": name}}
		count(require_non_root.deny) == 0 with input as _windows(null, options)
		count(require_non_root.deny) == 0 with input as _windows(options, null)
	}
}

test_windows_administrator_is_refused_wherever_it_is_in_effect if {
	every name in [
		"ContainerAdministrator", "containeradministrator", " ContainerAdministrator ", "NT AUTHORITY\\SYSTEM",
		"nt authority\\ system", "User Manager\\ContainerAdministrator", "BUILTIN\\Administrators", "Administrator",
		"LocalSystem", "", " ", "CORP\\", 5, {}, true,
	] {
		options := {"runAsNonRoot": true, "windowsOptions": {"runAsUserName": name}}
		found := require_non_root.deny with input as _windows(null, options)
		_fields(found) == {"spec.containers[0].securityContext.windowsOptions.runAsUserName"}
		again := require_non_root.deny with input as _windows(options, {"windowsOptions": null})
		_fields(again) == {"spec.securityContext.windowsOptions.runAsUserName"}
	}
}

test_windows_container_overrides_the_pods_user if {
	admin := {"windowsOptions": {"runAsUserName": "ContainerAdministrator"}}
	user := {"windowsOptions": {"runAsUserName": "ContainerUser"}}
	count(require_non_root.deny) == 0 with input as _windows(admin, user)
	count(require_non_root.deny) == 1 with input as _windows(user, admin)
}

test_windows_administrator_is_told_the_remedy if {
	require_non_root.deny == {{
		"msg": "container \"web\": runAsUserName \"Administrator\" is an administrator or no user name",
		"field": "spec.containers[0].securityContext.windowsOptions.runAsUserName",
		"remedy": "set spec.containers[0].securityContext.windowsOptions.runAsUserName: ContainerUser",
	}} with input as _windows(null, {"windowsOptions": {"runAsUserName": "Administrator"}})
}

test_windows_pod_without_a_word_is_refused if {
	every context in [null, {}, {"runAsNonRoot": false}, {"runAsNonRoot": "true"}, {"windowsOptions": {}}] {
		require_non_root.deny == {{
			"msg": "container \"web\": neither runAsNonRoot: true nor a runAsUserName is in effect",
			"field": "spec.containers[0].securityContext.runAsNonRoot",
			"remedy": "set spec.containers[0].securityContext.runAsNonRoot: true",
		}} with input as _windows(null, context)
	}
	count(require_non_root.deny) == 1 with input as _windows({"runAsNonRoot": true}, {"runAsNonRoot": false})
}

test_windows_options_that_are_no_mapping_are_refused if {
	found := require_non_root.deny with input as _windows({"runAsNonRoot": true}, {"windowsOptions": "x"})
	_fields(found) == {"spec.containers[0].securityContext.windowsOptions"}
}

test_user_id_has_no_meaning_on_windows if {
	count(require_non_root.deny) == 0 with input as _windows({"runAsNonRoot": true}, {"runAsUser": 0})
}

test_windows_is_spelled_as_kubernetes_does if {
	every name in ["Windows", "linux", null, {}] {
		document := object.union(
			_said(null, {"windowsOptions": {"runAsUserName": "ContainerUser"}}),
			{"pod": {"spec": {"os": {"name": name}}}},
		)
		found := require_non_root.deny with input as document
		_fields(found) == {"spec.containers[0].securityContext.runAsNonRoot"}
	}
}

test_windows_options_have_no_meaning_on_linux if {
	every options in [{"runAsUserName": "ContainerAdministrator"}, "x", null] {
		count(require_non_root.deny) == 0 with input as _said(null, {"runAsNonRoot": true, "windowsOptions": options})
	}
	count(require_non_root.deny) == 1 with input as _said(null, {"windowsOptions": {"runAsUserName": "ContainerUser"}})
}

test_minimum_user_has_no_meaning_on_windows if {
	document := _windows({"runAsNonRoot": true}, null)
	count(require_non_root.deny) == 0 with input as _with(document, {"min_run_as_user": 10000})
}

test_minimum_below_one_does_not_let_root_in if {
	document := _said({"runAsNonRoot": true}, {"runAsUser": 0})
	count(require_non_root.deny) == 1 with input as _with(document, {"min_run_as_user": 0})
}

test_windows_user_name_of_null_is_none if {
	context := {"windowsOptions": {"runAsUserName": null}}
	count(require_non_root.deny) == 0 with input as _windows({"windowsOptions": {"runAsUserName": "web"}}, context)
	count(require_non_root.deny) == 1 with input as _windows(null, context)
}

test_workload_may_be_absent_for_a_bare_pod if {
	document := object.remove(_said({"runAsUser": 0}, null), ["workload"])
	found := require_non_root.deny with input as document
	_fields(found) == {"spec.securityContext.runAsUser", "spec.containers[0].securityContext.runAsNonRoot"}
}
