package policies.pss_host_ports_test

import data.policies.pss_host_ports

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

_passes(document) if count(pss_host_ports.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_host_ports.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_port(value) := {"ports": [{"containerPort": 80, "hostPort": value}]}

test_zero_and_silence_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [
			_port(0), _port(null), {"ports": [{"containerPort": 80}, null, {}]}, {"ports": []}, {"ports": null}, {},
			null,
		] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_host_port_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_host_ports.deny == {{
			"msg": sprintf("%s: ports[0].hostPort is 8080, not 0", [_labels[kind]]),
			"field": sprintf("%s.ports[0].hostPort", [path]),
			"remedy": sprintf("remove %s.ports[0].hostPort and reach the container through a Service", [path]),
		}} with input as _pod({}, kind, _port(8080))
	}
}

test_each_port_of_each_container_is_judged if {
	document := object.union(_pod({}, "container", {}), {"containers": [
		{"name": "a", "kind": "container", "path": "spec.containers[0]", "spec": _port(80)},
		{"name": "b", "kind": "container", "path": "spec.containers[1]", "spec": {}},
		{"name": "c", "kind": "init", "path": "spec.initContainers[0]", "spec": {"ports": [
			{"hostPort": 0}, {"hostPort": 81}, {"hostPort": 82},
		]}},
	]})
	_fields(document) == {
		"spec.containers[0].ports[0].hostPort",
		"spec.initContainers[0].ports[1].hostPort",
		"spec.initContainers[0].ports[2].hostPort",
	}
}

test_host_network_excuses_nothing if {
	_fields(_pod({"hostNetwork": true}, "container", _port(80))) == {"spec.containers[0].ports[0].hostPort"}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({}, "container", _port(80)), kind, path)
		_fields(document) == {sprintf("%s.spec.containers[0].ports[0].hostPort", [path])}
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.37", "v1.999", "latest"] {
		count(_fields(_at(_pod({}, "container", _port(80)), version))) == 1
		_passes(_at(_pod({}, "container", _port(0)), version))
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		count(_fields(_pod(spec, "container", _port(80)))) == 1
	}
}

test_values_that_are_no_port_are_refused if {
	every value in ["80", "0", "", -1, 65536, 4294967296, 0.5, true, false, {}, []] {
		_fields(_pod({}, "container", _port(value))) == {"spec.containers[0].ports[0].hostPort"}
	}
}

test_port_that_is_no_mapping_is_refused if {
	every value in ["x", 80, true, false, []] {
		_fields(_pod({}, "container", {"ports": [value]})) == {"spec.containers[0].ports[0]"}
	}
}

test_ports_that_are_no_list_are_refused if {
	every value in ["x", 80, true, false, {}] {
		_fields(_pod({}, "container", {"ports": value})) == {"spec.containers[0].ports"}
	}
	document := _pod({}, "container", {"ports": {"http": {"hostPort": 80}}})
	_fields(document) == {"spec.containers[0].ports", "spec.containers[0].ports[http].hostPort"}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
	}
}
