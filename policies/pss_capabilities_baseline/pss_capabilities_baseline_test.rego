package policies.pss_capabilities_baseline_test

import data.policies.pss_capabilities_baseline

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

_passes(document) if count(pss_capabilities_baseline.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_capabilities_baseline.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_adds(added) := {"securityContext": {"capabilities": {"add": added}}}

_default := [
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
]

test_default_set_and_silence_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [
			_adds(_default), _adds([]), _adds(null), {"securityContext": {"capabilities": {"drop": ["ALL"]}}},
			{"securityContext": {"capabilities": {}}}, {"securityContext": {"capabilities": null}},
			{"securityContext": {}}, {"securityContext": null}, {}, null,
		] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_other_capability_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		field := sprintf("%s.securityContext.capabilities.add[1]", [path])
		what := `securityContext.capabilities.add[1] is "SYS_ADMIN", not a capability of the default set`
		pss_capabilities_baseline.deny == {{
			"msg": sprintf("%s: %s", [_labels[kind], what]),
			"field": field,
			"remedy": sprintf("remove %s", [field]),
		}} with input as _pod({}, kind, _adds(["CHOWN", "SYS_ADMIN"]))
	}
}

test_capabilities_are_compared_to_the_letter if {
	every capability in ["ALL", "NET_RAW", "CAP_CHOWN", "chown", "CHOWN ", "", null, 5, true, {}, ["CHOWN"]] {
		document := _pod({}, "container", _adds([capability]))
		_fields(document) == {"spec.containers[0].securityContext.capabilities.add[0]"}
	}
}

test_each_capability_is_judged if {
	_fields(_pod({}, "container", _adds(["SYS_ADMIN", "KILL", "BPF"]))) == {
		"spec.containers[0].securityContext.capabilities.add[0]",
		"spec.containers[0].securityContext.capabilities.add[2]",
	}
}

test_what_is_dropped_excuses_nothing if {
	context := {"securityContext": {"capabilities": {"add": ["ALL"], "drop": ["ALL"]}}}
	count(_fields(_pod({}, "container", context))) == 1
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({}, "ephemeral", _adds(["BPF"])), kind, path)
		_fields(document) == {sprintf("%s.spec.ephemeralContainers[0].securityContext.capabilities.add[0]", [path])}
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.37", "v1.999", "latest"] {
		count(_fields(_at(_pod({}, "container", _adds(["NET_RAW"])), version))) == 1
		_passes(_at(_pod({}, "container", _adds(_default)), version))
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		count(_fields(_pod(spec, "container", _adds(["BPF"])))) == 1
	}
}

test_what_is_no_list_is_refused if {
	every value in ["CHOWN", "", 5, true, false, {}, {"CHOWN": true}] {
		document := _pod({}, "container", _adds(value))
		_fields(document) == {"spec.containers[0].securityContext.capabilities.add"}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
		deeper := _pod({}, "init", {"securityContext": {"capabilities": value}})
		_fields(deeper) == {"spec.initContainers[0].securityContext.capabilities"}
	}
}
