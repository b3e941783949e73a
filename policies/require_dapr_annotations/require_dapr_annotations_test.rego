package policies.require_dapr_annotations_test

import data.policies.require_dapr_annotations

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_container(name, kind, ports) := {
	"name": name,
	"kind": kind,
	"path": _paths[kind],
	"image": "registry.example/web:1",
	"spec": {"name": name, "ports": ports},
}

# The input for a bare Pod with these annotations and one container without ports.
_pod(annotations) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p", "annotations": annotations}, "spec": {}},
	"containers": [_container("web", "container", null)],
	"namespace": null,
	"parameters": {"required": false, "match_container_port": true},
	"now": "2026-01-01T00:00:00Z",
}

_enabled := {"dapr.io/enabled": "true", "dapr.io/app-id": "web"}

# A Pod with Dapr whose annotations differ so.
_dapr(change) := _pod(object.union(_enabled, change))

_required(document) := object.union(document, {"parameters": {"required": true}})

_listening(kind, port) := object.union(
	_dapr({"dapr.io/app-port": "8080"}),
	{"containers": [_container("web", kind, [{"containerPort": port}])]},
)

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

_field(key) := sprintf("metadata.annotations[%q]", [key])

test_pod_without_dapr_passes if {
	count(require_dapr_annotations.deny) == 0 with input as _pod({})
	count(require_dapr_annotations.deny) == 0 with input as _pod(null)
	count(require_dapr_annotations.deny) == 0 with input as _pod({"dapr.io/enabled": "false", "dapr.io/app-port": "x"})
}

test_pod_with_dapr_passes if {
	count(require_dapr_annotations.deny) == 0 with input as _dapr({})
	count(require_dapr_annotations.deny) == 0 with input as _required(_dapr({}))
	count(require_dapr_annotations.deny) == 0 with input as _dapr({
		"dapr.io/app-port": "8080",
		"dapr.io/app-protocol": "h2c",
		"dapr.io/config": "tracing",
		"dapr.io/log-level": "warn",
		"dapr.io/log-as-json": "true",
		"dapr.io/app-max-concurrency": "10",
		"dapr.io/sidecar-cpu-limit": "300m",
		"dapr.io/sidecar-memory-limit": "0.5Gi",
		"dapr.io/volume-mounts": "a:/b",
	})
}

test_dapr_is_asked_for_only_where_it_is_required if {
	every annotations in [null, {}, {"dapr.io/enabled": "false"}, {"dapr.io/enabled": true}, {"dapr.io/app-id": "web"}] {
		require_dapr_annotations.deny == {{
			"msg": "annotation dapr.io/enabled is not \"true\"",
			"field": "metadata.annotations[\"dapr.io/enabled\"]",
			"remedy": "set metadata.annotations[\"dapr.io/enabled\"] to \"true\"",
		}} with input as _required(_pod(annotations))
	}
}

test_enabled_is_true_or_false if {
	every value in [true, false, "True", "yes", "1", "", null, 1, " true"] {
		found := require_dapr_annotations.deny with input as _dapr({"dapr.io/enabled": value})
		what := sprintf("is %s, neither \"true\" nor \"false\"", [json.marshal(value)])
		_messages(found) == {sprintf("annotation dapr.io/enabled %s", [what])}
	}
}

test_annotations_without_enabled_have_no_effect if {
	require_dapr_annotations.deny == {{
		"msg": "annotation dapr.io/enabled is missing, so that dapr.io/app-id has no effect",
		"field": "metadata.annotations[\"dapr.io/enabled\"]",
		"remedy": "set metadata.annotations[\"dapr.io/enabled\"] to \"true\"",
	}} with input as _pod({"dapr.io/app-id": "web"})
	count(require_dapr_annotations.deny) == 1 with input as _pod({"dapr.io/app-port": "80"})
	count(require_dapr_annotations.deny) == 0 with input as _pod({"dapr.io/log-level": "debug"})
}

test_app_id_is_required if {
	require_dapr_annotations.deny == {{
		"msg": "annotation dapr.io/app-id is missing",
		"field": "metadata.annotations[\"dapr.io/app-id\"]",
		"remedy": "set metadata.annotations[\"dapr.io/app-id\"] to the application's name",
	}} with input as _pod({"dapr.io/enabled": "true"})
}

_good := {
	"dapr.io/app-id": ["a", "web-1", "0a"],
	"dapr.io/app-port": ["1", "80", "65535"],
	"dapr.io/app-protocol": ["http", "grpc", "https", "grpcs", "h2c"],
	"dapr.io/log-level": ["debug", "info", "warn", "error", "fatal"],
	"dapr.io/config": ["tracing", "a.b-c"],
	"dapr.io/enable-api-logging": ["true", "false"],
	"dapr.io/graceful-shutdown-seconds": ["0", "30"],
	"dapr.io/sidecar-cpu-limit": ["1", "100m", ".5", "1.5", "+2", "1e3"],
	"dapr.io/sidecar-memory-request": ["64Mi", "1G", "128974848"],
}

_bad := {
	"dapr.io/app-id": ["", "Web", "web.shop", "-web", "web-", "web shop", "web\n", 5, true, [], {}],
	"dapr.io/app-port": ["", "0", "65536", "99999", "080", "-1", "http", "80 ", "8080.0", 8080, true, []],
	"dapr.io/app-protocol": ["", "HTTP", "tcp", "http2", 5, ["http"], {}],
	"dapr.io/log-level": ["", "INFO", "trace", "warning", 5, [], {}],
	"dapr.io/config": ["", "a/b", "Tracing", "a b", 5, {}],
	"dapr.io/enable-api-logging": ["", "True", "yes", "1", true, 1],
	"dapr.io/graceful-shutdown-seconds": ["", "5s", "-1", "1.5", "9999999999", 5],
	"dapr.io/sidecar-cpu-limit": ["", "x", "-1", "100M i", "100x", ".", "1K", 1, 0.5],
	"dapr.io/sidecar-memory-request": ["", "64MB", "64mi", "Mi", 64, {}],
}

test_values_in_their_form_pass if {
	every key, values in _good {
		every value in values {
			count(require_dapr_annotations.deny) == 0 with input as _dapr({key: value})
		}
	}
}

test_values_out_of_their_form_are_refused if {
	every key, values in _bad {
		every value in values {
			found := require_dapr_annotations.deny with input as _dapr({key: value})
			_fields(found) == {_field(key)}
		}
	}
}

test_app_id_leaves_room_for_the_name_of_its_service if {
	count(require_dapr_annotations.deny) == 0 with input as _dapr({"dapr.io/app-id": substring(_letters, 0, 58)})
	count(require_dapr_annotations.deny) == 1 with input as _dapr({"dapr.io/app-id": substring(_letters, 0, 59)})
}

_letters := "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

test_violation_says_what_to_write if {
	require_dapr_annotations.deny == {{
		"msg": "annotation dapr.io/app-port is 8080, not a port from 1 to 65535",
		"field": "metadata.annotations[\"dapr.io/app-port\"]",
		"remedy": "set metadata.annotations[\"dapr.io/app-port\"] to a port from 1 to 65535, as a string",
	}} with input as _dapr({"dapr.io/app-port": 8080})
}

test_app_port_is_a_port_of_a_container if {
	every kind in ["container", "sidecar"] {
		count(require_dapr_annotations.deny) == 0 with input as _listening(kind, 8080)
		require_dapr_annotations.deny == {{
			"msg": "annotation dapr.io/app-port is 8080, the port of no container",
			"field": "metadata.annotations[\"dapr.io/app-port\"]",
			"remedy": "set metadata.annotations[\"dapr.io/app-port\"] to the port of a container: 9000",
		}} with input as _listening(kind, 9000)
	}
}

# What runs to its end, or only for debugging, serves no application.
test_ports_of_init_and_ephemeral_containers_do_not_count if {
	every kind in ["init", "ephemeral"] {
		count(require_dapr_annotations.deny) == 0 with input as _listening(kind, 8080)
		count(require_dapr_annotations.deny) == 0 with input as _listening(kind, 9000)
		document := object.union(_listening(kind, 8080), {"containers": [
			_container("web", "container", [{"containerPort": 9000}]),
			_container("other", kind, [{"containerPort": 8080}]),
		]})
		count(require_dapr_annotations.deny) == 1 with input as document
	}
}

test_ports_of_all_containers_count if {
	document := object.union(_listening("container", 1), {"containers": [
		_container("a", "container", [{"containerPort": 9000}, {"containerPort": 9001}]),
		_container("b", "container", [{"containerPort": 8080}]),
	]})
	count(require_dapr_annotations.deny) == 0 with input as document
}

test_ports_of_the_injected_sidecar_are_not_the_applications if {
	injected := _container("daprd", "container", [{"containerPort": 3500}, {"containerPort": 50001}])
	alone := object.union(_listening("container", 1), {"containers": [_container("web", "container", []), injected]})
	count(require_dapr_annotations.deny) == 0 with input as alone
	own := [_container("web", "container", [{"containerPort": 8080}]), injected]
	found := require_dapr_annotations.deny with input as object.union(
		_dapr({"dapr.io/app-port": "3500"}),
		{"containers": own},
	)
	_fields(found) == {_field("dapr.io/app-port")}
}

test_app_port_may_be_any_where_the_parameter_says_so if {
	document := object.union(_listening("container", 9000), {"parameters": {"match_container_port": false}})
	count(require_dapr_annotations.deny) == 0 with input as document
}

test_template_is_told_its_path if {
	template := {"workload": {"kind": "Deployment", "name": "web", "path": "spec.template"}}
	found := require_dapr_annotations.deny with input as object.union(_dapr({"dapr.io/log-level": "x"}), template)
	_fields(found) == {"spec.template.metadata.annotations[\"dapr.io/log-level\"]"}
	cron_job := {"workload": {"kind": "CronJob", "name": "web", "path": "spec.jobTemplate.spec.template"}}
	again := require_dapr_annotations.deny with input as object.union(_pod({"dapr.io/enabled": "true"}), cron_job)
	_fields(again) == {"spec.jobTemplate.spec.template.metadata.annotations[\"dapr.io/app-id\"]"}
}

test_values_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, true, null, [], ["dapr.io/enabled"]] {
		count(require_dapr_annotations.deny) == 0 with input as _pod(value)
		count(require_dapr_annotations.deny) == 1 with input as _required(_pod(value))
	}
	nameless := [["x"], [null], [{}], [{"containerPort": "8080"}], {"a": {"containerPort": 1}}]
	every ports in array.concat(nameless, ["x", 5, true, null, {}]) {
		document := object.union(
			_dapr({"dapr.io/app-port": "8080"}),
			{"containers": [_container("web", "container", ports)]},
		)
		count(require_dapr_annotations.deny) == 0 with input as document
	}
	every spec in ["x", 5, null, []] {
		document := object.union(_dapr({"dapr.io/app-port": "8080"}), {"containers": [{
			"name": "web", "kind": "container", "path": "spec.containers[0]", "spec": spec,
		}]})
		count(require_dapr_annotations.deny) == 0 with input as document
	}
}
