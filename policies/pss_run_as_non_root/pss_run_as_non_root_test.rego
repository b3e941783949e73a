package policies.pss_run_as_non_root_test

import data.policies.pss_run_as_non_root

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

_user_namespace := {"hostUsers": false}

_true := _context({"runAsNonRoot": true})

_false := _context({"runAsNonRoot": false})

_passes(document) if count(pss_run_as_non_root.deny) == 0 with input as document

_refused(document) if count(pss_run_as_non_root.deny) > 0 with input as document

_fields(document) := fields if {
	fields := {v.field | some v in pss_run_as_non_root.deny} with input as document
}

test_true_passes_in_every_kind_of_container if {
	every kind, _ in _paths {
		_passes(_pod({}, kind, _true))
		_passes(_pod(_context({"runAsUser": 5}), kind, _true))
	}
}

test_pod_says_it_for_every_kind_of_container if {
	every kind, _ in _paths {
		_passes(_pod(_true, kind, {}))
		_passes(_pod(_true, kind, null))
		_passes(_pod(_true, kind, _context(null)))
		_passes(_pod(_true, kind, _context({"runAsNonRoot": null})))
		_passes(_pod(_true, kind, _context({"runAsUser": 0})))
	}
}

test_silence_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		every spec in [{}, null, _context(null), _context({}), _context({"runAsNonRoot": null})] {
			pss_run_as_non_root.deny == {{
				"msg": sprintf("%s: runAsNonRoot is set neither here nor for the Pod", [_labels[kind]]),
				"field": sprintf("%s.securityContext.runAsNonRoot", [path]),
				"remedy": concat("", [
					"set spec.securityContext.runAsNonRoot: true for all containers, ",
					sprintf("or %s.securityContext.runAsNonRoot: true", [path]),
				]),
			}} with input as _pod({}, kind, spec)
		}
	}
}

test_false_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_run_as_non_root.deny == {{
			"msg": sprintf("%s: securityContext.runAsNonRoot is false, not true", [_labels[kind]]),
			"field": sprintf("%s.securityContext.runAsNonRoot", [path]),
			"remedy": sprintf("set %s.securityContext.runAsNonRoot: true", [path]),
		}} with input as _pod(_true, kind, _false)
	}
}

test_false_of_the_pod_is_refused_even_if_overridden if {
	pss_run_as_non_root.deny == {{
		"msg": "Pod: securityContext.runAsNonRoot is false, not true",
		"field": "spec.securityContext.runAsNonRoot",
		"remedy": "set spec.securityContext.runAsNonRoot: true",
	}} with input as _pod(_false, "container", _true)
}

test_false_of_the_pod_is_told_once if {
	_fields(_pod(_false, "container", {})) == {"spec.securityContext.runAsNonRoot"}
}

test_template_is_judged_at_its_place if {
	document := _template(_pod({}, "container", _false), "Deployment", "spec.template")
	_fields(document) == {"spec.template.spec.containers[0].securityContext.runAsNonRoot"}
	said := _template(_pod(_false, "container", _true), "Deployment", "spec.template")
	_fields(said) == {"spec.template.spec.securityContext.runAsNonRoot"}
	unsaid := _template(_pod({}, "init", {}), "CronJob", "spec.jobTemplate.spec.template")
	violations := pss_run_as_non_root.deny with input as unsaid
	every violation in violations {
		startswith(violation.remedy, "set spec.jobTemplate.spec.template.spec.securityContext.runAsNonRoot: true")
	}
}

test_wrong_types_are_refused if {
	every value in ["x", 5, [], false] {
		_fields(_pod(_context(value), "container", _true)) == {"spec.securityContext"}
		_fields(_pod(_true, "container", _context(value))) == {"spec.containers[0].securityContext"}
		_fields(_pod(_true, "container", value)) == {"spec.containers[0]"}
	}
	every value in ["true", 1, {}, []] {
		_refused(_pod(_context({"runAsNonRoot": value}), "container", _true))
		_refused(_pod(_true, "container", _context({"runAsNonRoot": value})))
	}
}

test_user_namespace_is_left_alone_since_1_35 if {
	_passes(_pod(_user_namespace, "container", _false))
	_passes(_at(_pod(object.union(_user_namespace, _false), "container", {}), "v1.35"))
	_refused(_at(_pod(_user_namespace, "container", {}), "v1.34"))
	_refused(_at(_pod(object.union(_user_namespace, _false), "container", _true), "v1.0"))
	_refused(_pod({"hostUsers": true}, "container", {}))
	_refused(_pod({"hostUsers": "false"}, "container", {}))
}

test_holds_in_all_versions_and_on_windows if {
	_refused(_at(_pod({}, "container", {}), "v1.0"))
	_refused(_pod({"os": {"name": "windows"}}, "container", {}))
}

test_pod_without_containers_passes_unless_it_says_false if {
	_passes(object.union(_pod({}, "container", {}), {"containers": []}))
	_refused(object.union(_pod(_false, "container", {}), {"containers": []}))
}
