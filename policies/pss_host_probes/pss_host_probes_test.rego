package policies.pss_host_probes_test

import data.policies.pss_host_probes

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_labels := {
	"container": "container \"web\"",
	"init": "init container \"web\"",
	"sidecar": "sidecar container \"web\"",
	"ephemeral": "ephemeral container \"web\"",
}

# The input for a bare Pod with one container of the kind.
_pod(pod_spec, kind, container_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": pod_spec},
	"containers": [{"name": "web", "kind": kind, "path": _paths[kind], "image": "i", "spec": container_spec}],
	"namespace": null,
	"parameters": {"version": "latest"},
	"now": "2026-01-01T00:00:00Z",
}

# The same as the template of another workload.
_template(document, kind, path) := object.union(document, {
	"workload": {"kind": kind, "name": "web", "path": path},
	"containers": [object.union(c, {"path": sprintf("%s.%s", [path, c.path])}) | some c in document.containers],
})

_at(document, version) := object.union(document, {"parameters": {"version": version}})

_passes(document) if count(pss_host_probes.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_host_probes.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_handlers := {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"}

# A container that has a handler at one of the places.
_with(at, handler) := {at: handler} if not startswith(at, "lifecycle.")

_with(at, handler) := {"lifecycle": {trim_prefix(at, "lifecycle."): handler}} if startswith(at, "lifecycle.")

_full := {
	"livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10},
	"readinessProbe": {"tcpSocket": {"port": "http"}},
	"startupProbe": {"exec": {"command": ["true"]}},
	"lifecycle": {"postStart": {"httpGet": {"port": 80}}, "preStop": {"sleep": {"seconds": 5}}},
}

test_handlers_without_a_host_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [_full, {}, null, {"lifecycle": null}, {"lifecycle": {}}] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_empty_host_passes_everywhere if {
	every at in _handlers {
		every action in ["httpGet", "tcpSocket"] {
			every value in [{"host": "", "port": 80}, {"host": null, "port": 80}, {"port": 80}, {}, null] {
				_passes(_pod({}, "container", _with(at, {action: value})))
			}
		}
		_passes(_pod({}, "container", _with(at, null)))
		_passes(_pod({}, "container", _with(at, {})))
		_passes(_pod({}, "container", _with(at, {"grpc": {"port": 9000, "host": "x"}})))
	}
}

test_host_is_refused_everywhere_and_in_every_kind_of_container if {
	every kind, path in _paths {
		every at in _handlers {
			every action in ["httpGet", "tcpSocket"] {
				key := sprintf("%s.%s.host", [at, action])
				field := sprintf("%s.%s", [path, key])
				pss_host_probes.deny == {{
					"msg": sprintf("%s: %s is \"127.0.0.1\", not the Pod itself", [_labels[kind], key]),
					"field": field,
					"remedy": sprintf("remove %s, so that the Pod's own address is called", [field]),
				}} with input as _pod({}, kind, _with(at, {action: {"host": "127.0.0.1", "port": 80}}))
			}
		}
	}
}

test_each_handler_of_each_container_is_judged if {
	host := {"host": "example.com", "port": 80}
	spec := object.union(_full, {
		"livenessProbe": {"httpGet": host, "tcpSocket": host},
		"lifecycle": {"preStop": {"tcpSocket": host}},
	})
	document := object.union(_pod({}, "container", {}), {"containers": [
		{"name": "a", "kind": "container", "path": "spec.containers[0]", "spec": spec},
		{"name": "b", "kind": "container", "path": "spec.containers[1]", "spec": _full},
		{"name": "c", "kind": "sidecar", "path": "spec.initContainers[0]", "spec": {"startupProbe": {"httpGet": host}}},
	]})
	_fields(document) == {
		"spec.containers[0].livenessProbe.httpGet.host",
		"spec.containers[0].livenessProbe.tcpSocket.host",
		"spec.containers[0].lifecycle.preStop.tcpSocket.host",
		"spec.initContainers[0].startupProbe.httpGet.host",
	}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({}, "container", {"livenessProbe": {"httpGet": {"host": "h"}}}), kind, path)
		_fields(document) == {sprintf("%s.spec.containers[0].livenessProbe.httpGet.host", [path])}
	}
}

test_rule_holds_since_1_34 if {
	every spec in [
		{"livenessProbe": {"httpGet": {"host": "h"}}}, {"lifecycle": {"preStop": {"httpGet": {"host": "h"}}}},
		{"livenessProbe": "x"}, {"lifecycle": "x"}, {"lifecycle": {"preStop": {"tcpSocket": 5}}}, "x",
	] {
		every version in ["v1.34", "v1.35", "v1.100", "latest"] {
			count(_fields(_at(_pod({}, "container", spec), version))) == 1
		}
		every version in ["v1.0", "v1.9", "v1.33"] {
			_passes(_at(_pod({}, "container", spec), version))
		}
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}, {"hostNetwork": true}] {
		count(_fields(_pod(spec, "container", {"livenessProbe": {"httpGet": {"host": "h"}}}))) == 1
	}
}

test_host_that_is_no_text_is_refused if {
	every value in [" ", 5, 0, true, false, {}, []] {
		document := _pod({}, "container", {"readinessProbe": {"tcpSocket": {"host": value}}})
		_fields(document) == {"spec.containers[0].readinessProbe.tcpSocket.host"}
	}
}

test_handler_that_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		every at in _handlers {
			_fields(_pod({}, "container", _with(at, value))) == {sprintf("spec.containers[0].%s", [at])}
			every action in ["httpGet", "tcpSocket"] {
				document := _pod({}, "container", _with(at, {action: value}))
				_fields(document) == {sprintf("spec.containers[0].%s.%s", [at, action])}
			}
		}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"lifecycle": value})) == {"spec.initContainers[0].lifecycle"}
	}
}

test_handler_with_a_host_does_not_accuse_one_without if {
	every innocent in [{"host": "", "port": 80}, {"host": null}, {"port": 80}, {}, null] {
		document := _pod({}, "container", {"livenessProbe": {"httpGet": innocent, "tcpSocket": {"host": "h"}}})
		_fields(document) == {"spec.containers[0].livenessProbe.tcpSocket.host"}
	}
}
