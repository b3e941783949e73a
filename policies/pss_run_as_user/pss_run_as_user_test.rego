package policies.pss_run_as_user_test

import data.policies.pss_run_as_user

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

_user(user) := _context({"runAsUser": user})

_passes(document) if count(pss_run_as_user.deny) == 0 with input as document

_refused(document) if count(pss_run_as_user.deny) > 0 with input as document

_fields(document) := fields if {
	fields := {v.field | some v in pss_run_as_user.deny} with input as document
}

test_no_user_passes_in_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [{}, null, _context(null), _context({}), _user(null), _context({"runAsNonRoot": false})] {
			_passes(_pod({}, kind, spec))
		}
	}
}

test_no_user_passes_for_the_pod if {
	every spec in [{}, _context(null), _context({}), _user(null), _context({"runAsNonRoot": false})] {
		_passes(_pod(spec, "container", {}))
	}
}

test_other_users_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		every user in [1, 65532, 2147483647, 9223372036854775807, -1] {
			_passes(_pod(_user(user), kind, _user(user)))
		}
	}
}

test_user_0_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_run_as_user.deny == {{
			"msg": sprintf("%s: securityContext.runAsUser is 0, not a user id other than root's", [_labels[kind]]),
			"field": sprintf("%s.securityContext.runAsUser", [path]),
			"remedy": sprintf("set %s.securityContext.runAsUser to a user id above 0, for example 65532", [path]),
		}} with input as _pod(_user(5), kind, _user(0))
	}
}

test_user_0_of_the_pod_is_refused_even_if_overridden if {
	pss_run_as_user.deny == {{
		"msg": "Pod: securityContext.runAsUser is 0, not a user id other than root's",
		"field": "spec.securityContext.runAsUser",
		"remedy": "set spec.securityContext.runAsUser to a user id above 0, for example 65532",
	}} with input as _pod(_user(0), "container", _user(5))
}

test_template_is_judged_at_its_place if {
	document := _template(_pod(_user(0), "ephemeral", _user(0)), "CronJob", "spec.jobTemplate.spec.template")
	_fields(document) == {
		"spec.jobTemplate.spec.template.spec.securityContext.runAsUser",
		"spec.jobTemplate.spec.template.spec.ephemeralContainers[0].securityContext.runAsUser",
	}
}

test_what_is_no_user_id_is_refused if {
	every user in ["0", "root", "", true, {}, [], 1.5, 0.5, 9223372036854775808, -9223372036854775809] {
		_fields(_pod(_user(user), "container", {})) == {"spec.securityContext.runAsUser"}
		_fields(_pod({}, "container", _user(user))) == {"spec.containers[0].securityContext.runAsUser"}
	}
	pss_run_as_user.deny == {{
		"msg": "container \"web\": securityContext.runAsUser is \"0\", not a user id other than root's",
		"field": "spec.containers[0].securityContext.runAsUser",
		"remedy": "set spec.containers[0].securityContext.runAsUser to a user id above 0, for example 65532",
	}} with input as _pod({}, "container", _user("0"))
}

test_wrong_types_are_refused if {
	every value in ["x", 5, [], false] {
		_fields(_pod(_context(value), "container", {})) == {"spec.securityContext"}
		_fields(_pod({}, "container", _context(value))) == {"spec.containers[0].securityContext"}
		_fields(_pod({}, "container", value)) == {"spec.containers[0]"}
	}
	pss_run_as_user.deny == {{
		"msg": "container \"web\": is not a mapping",
		"field": "spec.containers[0]",
		"remedy": "write spec.containers[0] as a mapping",
	}} with input as _pod({}, "container", "x")
}

test_versions_before_1_23_allow_all if {
	_passes(_at(_pod(_user(0), "container", _user(0)), "v1.22"))
	_passes(_at(_pod({}, "container", "x"), "v1.0"))
	_refused(_at(_pod(_user(0), "container", {}), "v1.23"))
}

test_user_namespace_is_left_alone_since_1_35 if {
	_passes(_pod(_user_namespace, "container", _user(0)))
	_passes(_at(_pod(object.union(_user_namespace, _user(0)), "container", {}), "v1.35"))
	_refused(_at(_pod(_user_namespace, "container", _user(0)), "v1.34"))
	_refused(_pod({"hostUsers": true}, "container", _user(0)))
	_refused(_pod({"hostUsers": "false"}, "container", _user(0)))
}

test_holds_on_windows if {
	_refused(_pod({"os": {"name": "windows"}}, "container", _user(0)))
}
