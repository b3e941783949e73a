package policies.pss_allow_privilege_escalation_test

import data.policies.pss_allow_privilege_escalation

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

_windows := {"os": {"name": "windows"}}

_passes(document) if count(pss_allow_privilege_escalation.deny) == 0 with input as document

_refused(document) if count(pss_allow_privilege_escalation.deny) == 1 with input as document

test_false_passes_in_every_kind_of_container if {
	every kind, _ in _paths {
		_passes(_pod({}, kind, _context({"allowPrivilegeEscalation": false})))
	}
}

test_true_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_allow_privilege_escalation.deny == {{
			"msg": sprintf("%s: securityContext.allowPrivilegeEscalation is true, not false", [_labels[kind]]),
			"field": sprintf("%s.securityContext.allowPrivilegeEscalation", [path]),
			"remedy": sprintf("set %s.securityContext.allowPrivilegeEscalation: false", [path]),
		}} with input as _pod({}, kind, _context({"allowPrivilegeEscalation": true}))
	}
}

test_silence_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_allow_privilege_escalation.deny == {{
			"msg": sprintf("%s: securityContext.allowPrivilegeEscalation is not set, not false", [_labels[kind]]),
			"field": sprintf("%s.securityContext.allowPrivilegeEscalation", [path]),
			"remedy": sprintf("set %s.securityContext.allowPrivilegeEscalation: false", [path]),
		}} with input as _pod({}, kind, {})
	}
}

test_template_is_judged_at_its_place if {
	document := _template(_pod({}, "init", {}), "CronJob", "spec.jobTemplate.spec.template")
	fields := {v.field | some v in pss_allow_privilege_escalation.deny} with input as document
	path := "spec.jobTemplate.spec.template.spec.initContainers[0]"
	fields == {sprintf("%s.securityContext.allowPrivilegeEscalation", [path])}
}

test_each_container_is_judged if {
	good := _context({"allowPrivilegeEscalation": false})
	document := object.union(_pod({}, "container", {}), {"containers": [
		{"name": "a", "kind": "container", "path": "spec.containers[0]", "spec": {}},
		{"name": "b", "kind": "container", "path": "spec.containers[1]", "spec": good},
		{"name": "c", "kind": "ephemeral", "path": "spec.ephemeralContainers[0]", "spec": {}},
	]})
	violations := pss_allow_privilege_escalation.deny with input as document
	count(violations) == 2
}

test_null_is_silence if {
	_refused(_pod({}, "container", null))
	_refused(_pod({}, "container", _context(null)))
	_refused(_pod({}, "container", _context({"allowPrivilegeEscalation": null})))
}

test_wrong_types_are_refused if {
	every spec in ["x", 5, [], _context("x"), _context(false), _context([])] {
		_refused(_pod({}, "container", spec))
	}
	every value in ["false", 0, {}, []] {
		_refused(_pod({}, "container", _context({"allowPrivilegeEscalation": value})))
	}
}

test_pod_cannot_say_it_for_its_containers if {
	_refused(_pod(_context({"allowPrivilegeEscalation": false}), "container", {}))
}

test_versions_before_1_8_allow_all if {
	_passes(_at(_pod({}, "container", {}), "v1.0"))
	_passes(_at(_pod({}, "container", "x"), "v1.7"))
	_refused(_at(_pod({}, "container", {}), "v1.8"))
}

test_windows_is_left_alone_since_1_25 if {
	_passes(_pod(_windows, "container", {}))
	_passes(_at(_pod(_windows, "container", {}), "v1.25"))
	_refused(_at(_pod(_windows, "container", {}), "v1.24"))
	_refused(_pod({"os": {"name": "linux"}}, "container", {}))
	_refused(_pod({"os": "windows"}, "container", {}))
}

test_pod_without_containers_passes if {
	_passes(object.union(_pod({}, "container", {}), {"containers": []}))
}
