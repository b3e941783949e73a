package policies.pss_capabilities_restricted_test

import data.policies.pss_capabilities_restricted

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

_all := _capabilities({"drop": ["ALL"]})

_capabilities(capabilities) := _context({"capabilities": capabilities})

_passes(document) if count(pss_capabilities_restricted.deny) == 0 with input as document

_refused(document) if count(pss_capabilities_restricted.deny) > 0 with input as document

_fields(document) := fields if {
	fields := {v.field | some v in pss_capabilities_restricted.deny} with input as document
}

test_dropping_all_passes_in_every_kind_of_container if {
	every kind, _ in _paths {
		every drop in [["ALL"], ["ALL", "ALL"], ["NET_RAW", "ALL"], ["ALL", null], ["", "ALL"]] {
			_passes(_pod({}, kind, _capabilities({"drop": drop})))
		}
		every add in [null, [], ["NET_BIND_SERVICE"], ["NET_BIND_SERVICE", "NET_BIND_SERVICE"]] {
			_passes(_pod({}, kind, _capabilities({"drop": ["ALL"], "add": add})))
		}
	}
}

test_silence_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		every spec in [{}, null, _context(null), _capabilities(null), _capabilities({}), _capabilities({"drop": null})] {
			pss_capabilities_restricted.deny == {{
				"msg": sprintf("%s: capabilities.drop is not set to [ALL]", [_labels[kind]]),
				"field": sprintf("%s.securityContext.capabilities.drop", [path]),
				"remedy": sprintf("set %s.securityContext.capabilities.drop: [ALL]", [path]),
			}} with input as _pod({}, kind, spec)
		}
	}
}

test_dropping_less_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_capabilities_restricted.deny == {{
			"msg": sprintf("%s: capabilities.drop is [\"NET_RAW\"], without ALL", [_labels[kind]]),
			"field": sprintf("%s.securityContext.capabilities.drop", [path]),
			"remedy": sprintf("set %s.securityContext.capabilities.drop: [ALL]", [path]),
		}} with input as _pod({}, kind, _capabilities({"drop": ["NET_RAW"]}))
	}
	every drop in [[], ["all"], ["All"], ["CAP_ALL"], ["*"], [" ALL"], [null]] {
		_refused(_pod({}, "container", _capabilities({"drop": drop})))
	}
}

test_adding_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_capabilities_restricted.deny == {{
			"msg": sprintf("%s: adds the capability \"SYS_TIME\"", [_labels[kind]]),
			"field": sprintf("%s.securityContext.capabilities.add[1]", [path]),
			"remedy": concat("", [
				sprintf("remove %s.securityContext.capabilities.add[1]; ", [path]),
				"only NET_BIND_SERVICE may be added",
			]),
		}} with input as _pod({}, kind, _capabilities({"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "SYS_TIME"]}))
	}
	every capability in ["ALL", "net_bind_service", "CAP_NET_BIND_SERVICE", "", null, 5, {}] {
		_refused(_pod({}, "container", _capabilities({"drop": ["ALL"], "add": [capability]})))
	}
}

test_each_fault_is_told if {
	_fields(_pod({}, "container", _capabilities({"add": ["A", "NET_BIND_SERVICE", "B"]}))) == {
		"spec.containers[0].securityContext.capabilities.drop",
		"spec.containers[0].securityContext.capabilities.add[0]",
		"spec.containers[0].securityContext.capabilities.add[2]",
	}
}

test_template_is_judged_at_its_place if {
	document := _template(_pod({}, "sidecar", {}), "CronJob", "spec.jobTemplate.spec.template")
	path := "spec.jobTemplate.spec.template.spec.initContainers[1]"
	_fields(document) == {sprintf("%s.securityContext.capabilities.drop", [path])}
}

test_wrong_types_are_refused if {
	every spec in ["x", 5, [], _context("x"), _context([]), _capabilities("ALL"), _capabilities(["ALL"])] {
		_refused(_pod({}, "container", spec))
	}
	every drop in ["ALL", {"0": "ALL"}, true, 5, ["ALL", 5], ["ALL", {}]] {
		fields := _fields(_pod({}, "container", _capabilities({"drop": drop})))
		fields == {"spec.containers[0].securityContext.capabilities.drop"}
	}
	every add in ["NET_BIND_SERVICE", {}, true, 0, ""] {
		pss_capabilities_restricted.deny == {{
			"msg": "container \"web\": securityContext.capabilities.add is not a list",
			"field": "spec.containers[0].securityContext.capabilities.add",
			"remedy": "write spec.containers[0].securityContext.capabilities.add as a list",
		}} with input as _pod({}, "container", _capabilities({"drop": ["ALL"], "add": add}))
	}
	_refused(_pod({}, "container", _capabilities({"drop": ["ALL"], "add": {"0": "NET_BIND_SERVICE"}})))
}

test_versions_before_1_22_allow_all if {
	_passes(_at(_pod({}, "container", {}), "v1.21"))
	_passes(_at(_pod({}, "container", _capabilities({"add": ["SYS_ADMIN"]})), "v1.0"))
	_passes(_at(_pod({}, "container", _capabilities({"add": "SYS_ADMIN"})), "v1.0"))
	_refused(_at(_pod({}, "container", {}), "v1.22"))
}

test_windows_is_left_alone_since_1_25 if {
	_passes(_pod(_windows, "container", {}))
	_passes(_at(_pod(_windows, "container", _capabilities({"add": ["SYS_ADMIN"]})), "v1.25"))
	_refused(_at(_pod(_windows, "container", {}), "v1.24"))
	_refused(_pod({"os": {"name": "linux"}}, "container", {}))
	_passes(_pod({}, "container", _all))
}
