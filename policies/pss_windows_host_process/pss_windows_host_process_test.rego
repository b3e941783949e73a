package policies.pss_windows_host_process_test

import data.policies.pss_windows_host_process

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

_passes(document) if count(pss_windows_host_process.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_windows_host_process.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_context(value) := {"securityContext": {"windowsOptions": {"hostProcess": value}}}

test_false_and_silence_pass_in_every_kind_of_container_and_the_pod if {
	every kind, _ in _paths {
		every spec in [
			_context(false), _context(null), {"securityContext": {"windowsOptions": {}}},
			{"securityContext": {"windowsOptions": null}}, {"securityContext": {}}, {"securityContext": null}, {},
		] {
			_passes(_pod(spec, kind, spec))
		}
	}
	_passes(_pod({}, "container", null))
}

test_true_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_windows_host_process.deny == {{
			"msg": sprintf("%s: securityContext.windowsOptions.hostProcess is true, not false", [_labels[kind]]),
			"field": sprintf("%s.securityContext.windowsOptions.hostProcess", [path]),
			"remedy": sprintf("remove %s.securityContext.windowsOptions.hostProcess, or set it to false", [path]),
		}} with input as _pod({}, kind, _context(true))
	}
}

test_true_of_the_pod_is_refused if {
	pss_windows_host_process.deny == {{
		"msg": "Pod: securityContext.windowsOptions.hostProcess is true, not false",
		"field": "spec.securityContext.windowsOptions.hostProcess",
		"remedy": "remove spec.securityContext.windowsOptions.hostProcess, or set it to false",
	}} with input as _pod(_context(true), "container", _context(false))
}

test_operating_system_does_not_matter if {
	every name in ["windows", "linux"] {
		document := _pod(object.union(_context(true), {"os": {"name": name}}), "container", {})
		_fields(document) == {"spec.securityContext.windowsOptions.hostProcess"}
	}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		_fields(_template(_pod(_context(true), "sidecar", _context(true)), kind, path)) == {
			sprintf("%s.spec.securityContext.windowsOptions.hostProcess", [path]),
			sprintf("%s.spec.initContainers[1].securityContext.windowsOptions.hostProcess", [path]),
		}
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.37", "v1.999", "latest"] {
		count(_fields(_at(_pod(_context(true), "container", _context(true)), version))) == 2
		_passes(_at(_pod({}, "container", {}), version))
	}
}

test_values_of_a_wrong_type_are_refused if {
	every value in ["true", "false", "", 1, 0, {}, []] {
		count(_fields(_pod(_context(value), "container", _context(value)))) == 2
	}
}

test_what_is_no_mapping_in_the_pod_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"securityContext": value}, "container", {})) == {"spec.securityContext"}
		options := _pod({"securityContext": {"windowsOptions": value}}, "container", {})
		_fields(options) == {"spec.securityContext.windowsOptions"}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
		deeper := _pod({}, "init", {"securityContext": {"windowsOptions": value}})
		_fields(deeper) == {"spec.initContainers[0].securityContext.windowsOptions"}
	}
}
