package policies.pss_proc_mount_restricted_test

import data.policies.pss_proc_mount_restricted

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

# A Pod with one container of the kind.
_pod(pod_spec, kind, container_spec) := {
	"workload": null,
	"pod": {"metadata": {}, "spec": pod_spec},
	"containers": [{"name": "web", "kind": kind, "path": _paths[kind], "image": "i", "spec": container_spec}],
	"parameters": {"version": "latest"},
}

_context(context) := {"securityContext": context}

# The same Pod as the template of another workload.
_template(document, kind, path) := object.union(document, {
	"workload": {"kind": kind, "name": "web", "path": path},
	"containers": [object.union(c, {"path": sprintf("%s.%s", [path, c.path])}) | some c in document.containers],
})

_at(document, version) := object.union(document, {"parameters": {"version": version}})

_mount(value) := _context({"procMount": value})

_passes(document) if count(pss_proc_mount_restricted.deny) == 0 with input as document

_refused(document) if count(pss_proc_mount_restricted.deny) > 0 with input as document

_fields(document) := fields if {
	fields := {v.field | some v in pss_proc_mount_restricted.deny} with input as document
}

test_default_and_silence_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [{}, null, _context(null), _context({}), _mount(null), _mount("Default")] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_unmasked_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_proc_mount_restricted.deny == {{
			"msg": sprintf("%s: securityContext.procMount is \"Unmasked\", not Default", [_labels[kind]]),
			"field": sprintf("%s.securityContext.procMount", [path]),
			"remedy": sprintf("remove %s.securityContext.procMount, or set it to Default", [path]),
		}} with input as _pod({}, kind, _mount("Unmasked"))
	}
}

test_other_values_are_refused if {
	every value in ["", "default", "Default ", "DEFAULT", 0, false, {}, []] {
		_refused(_pod({}, "container", _mount(value)))
	}
}

test_wrong_types_are_refused if {
	every value in ["x", 5, [], false] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", _context(value))) == {"spec.initContainers[0].securityContext"}
	}
}

test_user_namespace_and_windows_are_not_left_alone if {
	_refused(_pod({"hostUsers": false}, "container", _mount("Unmasked")))
	_refused(_pod({"os": {"name": "windows"}}, "container", _mount("Unmasked")))
}

test_template_is_judged_at_its_place if {
	document := _template(_pod({}, "init", _mount("x")), "CronJob", "spec.jobTemplate.spec.template")
	fields := {v.field | some v in pss_proc_mount_restricted.deny} with input as document
	fields == {"spec.jobTemplate.spec.template.spec.initContainers[0].securityContext.procMount"}
}

test_versions_before_1_35_allow_all if {
	_passes(_at(_pod({}, "container", _mount("Unmasked")), "v1.0"))
	_passes(_at(_pod({}, "container", _mount("Unmasked")), "v1.34"))
	_passes(_at(_pod({}, "container", "x"), "v1.34"))
	_refused(_at(_pod({}, "container", _mount("Unmasked")), "v1.35"))
}
