package policies.pss_privileged_test

import data.policies.pss_privileged

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

_passes(document) if count(pss_privileged.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_privileged.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

test_false_and_silence_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [
			{"securityContext": {"privileged": false}}, {"securityContext": {"privileged": null}},
			{"securityContext": {}}, {"securityContext": null}, {}, null,
		] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_true_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_privileged.deny == {{
			"msg": sprintf("%s: securityContext.privileged is true, not false", [_labels[kind]]),
			"field": sprintf("%s.securityContext.privileged", [path]),
			"remedy": sprintf("remove %s.securityContext.privileged, or set it to false", [path]),
		}} with input as _pod({}, kind, {"securityContext": {"privileged": true}})
	}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({}, "init", {"securityContext": {"privileged": true}}), kind, path)
		_fields(document) == {sprintf("%s.spec.initContainers[0].securityContext.privileged", [path])}
	}
}

test_each_container_is_judged if {
	bad := {"securityContext": {"privileged": true}}
	document := object.union(_pod({}, "container", {}), {"containers": [
		{"name": "a", "kind": "container", "path": "spec.containers[0]", "spec": bad},
		{"name": "b", "kind": "container", "path": "spec.containers[1]", "spec": {}},
		{"name": "c", "kind": "ephemeral", "path": "spec.ephemeralContainers[0]", "spec": bad},
	]})
	_fields(document) == {
		"spec.containers[0].securityContext.privileged",
		"spec.ephemeralContainers[0].securityContext.privileged",
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.34", "v1.37", "v1.999", "latest"] {
		_fields(_at(_pod({}, "container", {"securityContext": {"privileged": true}}), version)) != set()
		_passes(_at(_pod({}, "container", {}), version))
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		_fields(_pod(spec, "container", {"securityContext": {"privileged": true}})) != set()
	}
}

test_pods_own_context_is_not_asked if {
	_passes(_pod({"securityContext": {"privileged": true}}, "container", {}))
}

test_values_of_a_wrong_type_are_refused if {
	every value in ["true", "false", "", 1, 0, {}, []] {
		fields := _fields(_pod({}, "container", {"securityContext": {"privileged": value}}))
		fields == {"spec.containers[0].securityContext.privileged"}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
	}
}
