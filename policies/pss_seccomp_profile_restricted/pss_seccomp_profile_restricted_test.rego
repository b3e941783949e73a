package policies.pss_seccomp_profile_restricted_test

import data.policies.pss_seccomp_profile_restricted

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

_profile(type) := _context({"seccompProfile": {"type": type}})

_runtime := _profile("RuntimeDefault")

_passes(document) if count(pss_seccomp_profile_restricted.deny) == 0 with input as document

_refused(document) if count(pss_seccomp_profile_restricted.deny) > 0 with input as document

_fields(document) := fields if {
	fields := {v.field | some v in pss_seccomp_profile_restricted.deny} with input as document
}

test_good_profiles_pass_in_every_kind_of_container if {
	every kind, _ in _paths {
		_passes(_pod({}, kind, _runtime))
		_passes(_pod({}, kind, _context({"seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}})))
	}
}

test_pod_says_it_for_every_kind_of_container if {
	every kind, _ in _paths {
		every spec in [{}, null, _context(null), _context({}), _context({"seccompProfile": null})] {
			_passes(_pod(_runtime, kind, spec))
			_passes(_pod(_profile("Localhost"), kind, spec))
		}
	}
}

test_silence_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		every spec in [{}, null, _context(null), _context({"seccompProfile": null})] {
			pss_seccomp_profile_restricted.deny == {{
				"msg": sprintf("%s: seccompProfile is set neither here nor for the Pod", [_labels[kind]]),
				"field": sprintf("%s.securityContext.seccompProfile.type", [path]),
				"remedy": concat("", [
					"set spec.securityContext.seccompProfile.type: RuntimeDefault for all containers, ",
					sprintf("or %s.securityContext.seccompProfile.type: RuntimeDefault", [path]),
				]),
			}} with input as _pod({}, kind, spec)
		}
	}
}

test_other_types_are_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		pss_seccomp_profile_restricted.deny == {{
			"msg": sprintf(
				concat(": ", [
					"%s",
					"securityContext.seccompProfile.type is \"Unconfined\", not RuntimeDefault or Localhost",
				]),
				[_labels[kind]],
			),
			"field": sprintf("%s.securityContext.seccompProfile.type", [path]),
			"remedy": sprintf("set %s.securityContext.seccompProfile.type: RuntimeDefault", [path]),
		}} with input as _pod(_runtime, kind, _profile("Unconfined"))
	}
	every type in ["", "runtimeDefault", "runtime/default", "Localhost ", null] {
		_refused(_pod(_runtime, "container", _profile(type)))
		_refused(_pod(_profile(type), "container", _runtime))
	}
}

test_wrong_type_of_the_pod_is_refused_even_if_overridden if {
	pss_seccomp_profile_restricted.deny == {{
		"msg": "Pod: securityContext.seccompProfile.type is \"Unconfined\", not RuntimeDefault or Localhost",
		"field": "spec.securityContext.seccompProfile.type",
		"remedy": "set spec.securityContext.seccompProfile.type: RuntimeDefault",
	}} with input as _pod(_profile("Unconfined"), "container", _runtime)
}

test_wrong_type_of_the_pod_is_told_once if {
	_fields(_pod(_profile("Unconfined"), "container", {})) == {"spec.securityContext.seccompProfile.type"}
	_fields(_pod(_profile(""), "container", {})) == {"spec.securityContext.seccompProfile.type"}
	_fields(_pod(_context({"seccompProfile": {}}), "container", {})) == {"spec.securityContext.seccompProfile.type"}
}

test_template_is_judged_at_its_place if {
	document := _template(_pod(_profile("x"), "init", _profile("x")), "CronJob", "spec.jobTemplate.spec.template")
	_fields(document) == {
		"spec.jobTemplate.spec.template.spec.securityContext.seccompProfile.type",
		"spec.jobTemplate.spec.template.spec.initContainers[0].securityContext.seccompProfile.type",
	}
	unsaid := _template(_pod({}, "container", {}), "Deployment", "spec.template")
	violations := pss_seccomp_profile_restricted.deny with input as unsaid
	every violation in violations {
		startswith(violation.remedy, "set spec.template.spec.securityContext.seccompProfile.type: RuntimeDefault for")
	}
}

test_wrong_types_are_refused if {
	every value in ["x", 5, [], false] {
		_fields(_pod(_context(value), "container", _runtime)) == {"spec.securityContext"}
		_fields(_pod(_runtime, "container", _context(value))) == {"spec.containers[0].securityContext"}
		_fields(_pod(_runtime, "container", value)) == {"spec.containers[0]"}
	}
	every profile in ["RuntimeDefault", [], 5, false] {
		container := _pod(_runtime, "container", _context({"seccompProfile": profile}))
		_fields(container) == {"spec.containers[0].securityContext.seccompProfile"}
		pod := _pod(_context({"seccompProfile": profile}), "container", _runtime)
		_fields(pod) == {"spec.securityContext.seccompProfile"}
	}
	_fields(_pod(_runtime, "container", _context({"seccompProfile": {}}))) == {sprintf(
		"%s.securityContext.seccompProfile.type",
		["spec.containers[0]"],
	)}
	every type in [5, {}, ["RuntimeDefault"], true] {
		_refused(_pod(_profile(type), "container", _runtime))
		_refused(_pod(_runtime, "container", _profile(type)))
	}
}

test_versions_before_1_19_allow_all if {
	_passes(_at(_pod({}, "container", {}), "v1.18"))
	_passes(_at(_pod(_profile("Unconfined"), "container", "x"), "v1.0"))
	_refused(_at(_pod({}, "container", {}), "v1.19"))
}

test_windows_is_left_alone_since_1_25 if {
	_passes(_pod(_windows, "container", {}))
	_passes(_at(_pod(_windows, "container", _profile("Unconfined")), "v1.25"))
	_refused(_at(_pod(_windows, "container", {}), "v1.24"))
	_refused(_pod({"os": {"name": "linux"}}, "container", {}))
}
