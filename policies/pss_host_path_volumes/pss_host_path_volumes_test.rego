package policies.pss_host_path_volumes_test

import data.policies.pss_host_path_volumes

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

_passes(document) if count(pss_host_path_volumes.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_host_path_volumes.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

test_other_volumes_pass if {
	every volumes in [
		null, [], [null], [{}], [{"name": "a", "emptyDir": {}}],
		[{"name": "a", "hostPath": null, "configMap": {"name": "c"}}],
	] {
		_passes(_pod({"volumes": volumes}))
	}
	_passes(_pod({}))
}

test_host_path_is_refused if {
	pss_host_path_volumes.deny == {{
		"msg": `Pod: volume "data" is a hostPath`,
		"field": "spec.volumes[1].hostPath",
		"remedy": "replace spec.volumes[1].hostPath by a volume that is not of the node, such as emptyDir",
	}} with input as _pod({"volumes": [
		{"name": "tmp", "emptyDir": {}},
		{"name": "data", "hostPath": {"path": "/var/lib/data"}},
	]})
}

test_volume_without_a_name_is_named_by_its_place if {
	every volume in [{"hostPath": {}}, {"name": null, "hostPath": {}}, {"name": 5, "hostPath": {}}] {
		violations := pss_host_path_volumes.deny with input as _pod({"volumes": [volume]})
		{violation.msg | some violation in violations} == {"Pod: volumes[0] is a hostPath"}
	}
}

test_any_host_path_is_refused if {
	every value in [{}, {"path": ""}, {"path": "/var/log", "type": "Directory"}, "/var", "", 0, false, []] {
		_fields(_pod({"volumes": [{"name": "a", "hostPath": value}]})) == {"spec.volumes[0].hostPath"}
	}
}

test_each_volume_is_judged if {
	host := {"name": "a", "hostPath": {"path": "/"}}
	document := _pod({"volumes": [host, {"name": "b", "emptyDir": {}}, host, 5]})
	_fields(document) == {"spec.volumes[0].hostPath", "spec.volumes[2].hostPath", "spec.volumes[3]"}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod({"volumes": [{"hostPath": {}}]}), kind, path)
		_fields(document) == {sprintf("%s.spec.volumes[0].hostPath", [path])}
	}
}

test_every_version_has_the_same_rule if {
	every version in ["v1.0", "v1.24", "v1.25", "v1.37", "v1.999", "latest"] {
		_fields(_at(_pod({"volumes": [{"hostPath": {}}]}), version)) == {"spec.volumes[0].hostPath"}
		_passes(_at(_pod({"volumes": [{"emptyDir": {}}]}), version))
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		document := _pod(object.union(spec, {"volumes": [{"hostPath": {}}]}))
		_fields(document) == {"spec.volumes[0].hostPath"}
	}
}

test_volume_that_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"volumes": [value]})) == {"spec.volumes[0]"}
	}
}

test_volumes_that_are_no_list_are_refused if {
	every value in ["x", 5, true, false, {}] {
		_fields(_pod({"volumes": value})) == {"spec.volumes"}
	}
	_fields(_pod({"volumes": {"a": {"hostPath": {}}}})) == {"spec.volumes", "spec.volumes[a].hostPath"}
}
