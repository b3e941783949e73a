package policies.pss_selinux_options_test

import data.policies.pss_selinux_options

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

_passes(document) if count(pss_selinux_options.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_selinux_options.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_context(options) := {"securityContext": {"seLinuxOptions": options}}

_types := {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

test_types_of_containers_and_silence_pass_in_every_kind_of_container_and_the_pod if {
	every kind, _ in _paths {
		every type in _types {
			spec := _context({"type": type, "level": "s0:c123,c456", "user": "", "role": null})
			_passes(_pod(spec, kind, spec))
		}
		every spec in [
			_context({}), _context(null), _context({"type": "", "user": null, "role": ""}), _context({"type": null}),
			{"securityContext": {}}, {"securityContext": null}, {},
		] {
			_passes(_pod(spec, kind, spec))
		}
	}
	_passes(_pod({}, "container", null))
}

test_other_type_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		field := sprintf("%s.securityContext.seLinuxOptions.type", [path])
		what := `securityContext.seLinuxOptions.type is "spc_t", not container_t`
		pss_selinux_options.deny == {{
			"msg": sprintf("%s: %s", [_labels[kind], what]),
			"field": field,
			"remedy": sprintf("remove %s", [field]),
		}} with input as _pod({}, kind, _context({"type": "spc_t"}))
	}
}

test_user_and_role_are_refused if {
	pss_selinux_options.deny == {
		{
			"msg": `Pod: securityContext.seLinuxOptions.user is "system_u", not absent`,
			"field": "spec.securityContext.seLinuxOptions.user",
			"remedy": "remove spec.securityContext.seLinuxOptions.user",
		},
		{
			"msg": `Pod: securityContext.seLinuxOptions.role is "system_r", not absent`,
			"field": "spec.securityContext.seLinuxOptions.role",
			"remedy": "remove spec.securityContext.seLinuxOptions.role",
		},
	} with input as _pod(_context({"user": "system_u", "role": "system_r", "type": "container_t"}), "container", {})
}

test_everything_wrong_is_named if {
	bad := _context({"type": "unconfined_t", "user": "u", "role": "r", "level": "s0"})
	fields := _fields(_pod(bad, "sidecar", bad))
	fields == {sprintf("%s.securityContext.seLinuxOptions.%s", [path, key]) |
		some path in ["spec", "spec.initContainers[1]"]
		some key in ["type", "user", "role"]
	}
}

test_pod_is_refused_though_its_container_overrides_it if {
	document := _pod(_context({"type": "spc_t"}), "container", _context({"type": "container_t"}))
	_fields(document) == {"spec.securityContext.seLinuxOptions.type"}
}

test_container_engine_is_allowed_since_1_31 if {
	document := _pod({}, "container", _context({"type": "container_engine_t"}))
	every version in ["v1.31", "v1.32", "v1.100", "latest"] {
		_passes(_at(document, version))
	}
	every version in ["v1.0", "v1.4", "v1.30"] {
		_fields(_at(document, version)) == {"spec.containers[0].securityContext.seLinuxOptions.type"}
	}
}

test_rest_holds_for_every_version if {
	every version in ["v1.0", "v1.30", "v1.31", "v1.999", "latest"] {
		_passes(_at(_pod({}, "container", _context({"type": "container_kvm_t"})), version))
		every options in [{"type": "spc_t"}, {"user": "container_engine_t"}, {"role": "container_t"}] {
			count(_fields(_at(_pod({}, "container", _context(options)), version))) == 1
		}
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		count(_fields(_pod(spec, "container", _context({"type": "spc_t"})))) == 1
	}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		bad := _context({"user": "u"})
		_fields(_template(_pod(bad, "ephemeral", bad), kind, path)) == {
			sprintf("%s.spec.securityContext.seLinuxOptions.user", [path]),
			sprintf("%s.spec.ephemeralContainers[0].securityContext.seLinuxOptions.user", [path]),
		}
	}
}

test_values_that_are_no_text_are_refused if {
	every value in [" ", "Container_t", 5, 0, true, false, {}, [], ["container_t"]] {
		every key in ["type", "user", "role"] {
			document := _pod({}, "container", _context({key: value}))
			_fields(document) == {sprintf("spec.containers[0].securityContext.seLinuxOptions.%s", [key])}
		}
	}
}

test_what_is_no_mapping_in_the_pod_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"securityContext": value}, "container", {})) == {"spec.securityContext"}
		_fields(_pod(_context(value), "container", {})) == {"spec.securityContext.seLinuxOptions"}
	}
}

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
		deeper := _pod({}, "init", {"securityContext": {"seLinuxOptions": value}})
		_fields(deeper) == {"spec.initContainers[0].securityContext.seLinuxOptions"}
	}
}
