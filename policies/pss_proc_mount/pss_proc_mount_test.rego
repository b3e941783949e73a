package policies.pss_proc_mount_test

import data.policies.pss_proc_mount

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

_passes(document) if count(pss_proc_mount.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_proc_mount.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_mount(value) := {"securityContext": {"procMount": value}}

test_default_and_silence_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [_mount("Default"), _mount(null), {"securityContext": {}}, {"securityContext": null}, {}, null] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_unmasked_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		field := sprintf("%s.securityContext.procMount", [path])
		pss_proc_mount.deny == {{
			"msg": sprintf("%s: securityContext.procMount is \"Unmasked\", not Default", [_labels[kind]]),
			"field": field,
			"remedy": sprintf("remove %s, or set it to Default", [field]),
		}} with input as _pod({}, kind, _mount("Unmasked"))
	}
}

test_anything_but_default_is_refused if {
	every value in ["", "default", "Default ", 5, 0, true, false, {}, []] {
		_fields(_pod({}, "container", _mount(value))) == {"spec.containers[0].securityContext.procMount"}
	}
}

test_user_namespace_excuses_since_1_35 if {
	document := _pod({"hostUsers": false}, "container", _mount("Unmasked"))
	every version in ["v1.35", "v1.36", "v1.100", "latest"] {
		_passes(_at(document, version))
	}
	every version in ["v1.0", "v1.4", "v1.34"] {
		_fields(_at(document, version)) == {"spec.containers[0].securityContext.procMount"}
	}
}

test_only_host_users_false_is_a_user_namespace if {
	every value in [true, null, "false", 0, "", {}, []] {
		document := _pod({"hostUsers": value}, "container", _mount("Unmasked"))
		_fields(document) == {"spec.containers[0].securityContext.procMount"}
	}
}

test_rule_holds_for_every_version_without_a_user_namespace if {
	every version in ["v1.0", "v1.34", "v1.35", "v1.999", "latest"] {
		count(_fields(_at(_pod({}, "container", _mount("Unmasked")), version))) == 1
		_passes(_at(_pod({}, "container", _mount("Default")), version))
	}
}

test_windows_excuses_nothing if {
	count(_fields(_pod({"os": {"name": "windows"}}, "container", _mount("Unmasked")))) == 1
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({}, "sidecar", _mount("Unmasked")), kind, path)
		_fields(document) == {sprintf("%s.spec.initContainers[1].securityContext.procMount", [path])}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
	}
}

test_user_namespace_does_not_excuse_what_cannot_be_read if {
	every spec in ["x", {"securityContext": "x"}] {
		count(_fields(_pod({"hostUsers": false}, "container", spec))) == 1
	}
}
