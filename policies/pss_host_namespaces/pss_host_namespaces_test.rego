package policies.pss_host_namespaces_test

import data.policies.pss_host_namespaces

# The input for a bare Pod.
_pod(pod_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": pod_spec},
	"containers": [],
	"namespace": null,
	"parameters": {"version": "latest"},
	"now": "2026-01-01T00:00:00Z",
}

_template(document, kind, path) := object.union(
	document,
	{"workload": {"kind": kind, "name": "web", "path": path}},
)

_at(document, version) := object.union(document, {"parameters": {"version": version}})

_passes(document) if count(pss_host_namespaces.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_host_namespaces.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_keys := ["hostNetwork", "hostPID", "hostIPC"]

test_false_and_silence_pass if {
	every spec in [{}, {"hostUsers": true}, {"shareProcessNamespace": true}] {
		_passes(_pod(spec))
	}
	every key in _keys {
		_passes(_pod({key: false}))
		_passes(_pod({key: null}))
	}
}

test_each_namespace_is_refused if {
	every key in _keys {
		pss_host_namespaces.deny == {{
			"msg": sprintf("Pod: %s is true, not false", [key]),
			"field": sprintf("spec.%s", [key]),
			"remedy": sprintf("remove spec.%s, or set it to false", [key]),
		}} with input as _pod({key: true})
	}
}

test_all_namespaces_are_refused_at_once if {
	fields := _fields(_pod({"hostNetwork": true, "hostPID": true, "hostIPC": true}))
	fields == {"spec.hostNetwork", "spec.hostPID", "spec.hostIPC"}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		_fields(_template(_pod({"hostPID": true}), kind, path)) == {sprintf("%s.spec.hostPID", [path])}
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.37", "v1.999", "latest"] {
		_fields(_at(_pod({"hostIPC": true}), version)) == {"spec.hostIPC"}
		_passes(_at(_pod({}), version))
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		_fields(_pod(object.union(spec, {"hostNetwork": true}))) == {"spec.hostNetwork"}
	}
}

test_values_of_a_wrong_type_are_refused if {
	every value in ["true", "false", "", 1, 0, {}, []] {
		_fields(_pod({"hostNetwork": value})) == {"spec.hostNetwork"}
	}
}
