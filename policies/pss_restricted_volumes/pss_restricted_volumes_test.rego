package policies.pss_restricted_volumes_test

import data.policies.pss_restricted_volumes

_pod(volumes) := {
	"workload": null,
	"pod": {"metadata": {}, "spec": {"volumes": volumes}},
	"containers": [],
	"parameters": {"version": "latest"},
}

_passes(document) if count(pss_restricted_volumes.deny) == 0 with input as document

_refused(document) if count(pss_restricted_volumes.deny) > 0 with input as document

_allowed := [
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
	"secret",
]

_forbidden := [
	"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
	"gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk",
	"portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
]

test_isolating_types_pass if {
	every type in _allowed {
		_passes(_pod([{"name": "a", type: {}}]))
	}
}

test_all_other_types_are_refused if {
	every type in _forbidden {
		pss_restricted_volumes.deny == {{
			"msg": sprintf("volume \"data\" is of type %s", [type]),
			"field": sprintf("spec.volumes[1].%s", [type]),
			"remedy": concat(" ", ["make spec.volumes[1] one of", concat(", ", _allowed)]),
		}} with input as _pod([{"name": "tmp", "emptyDir": {}}, {"name": "data", type: {"path": "/"}}])
	}
}

test_volume_of_no_type_is_refused if {
	every volume in [{"name": "data"}, {"name": "data", "emptyDir": null}, {"name": "data", "hostPath": null}] {
		pss_restricted_volumes.deny == {{
			"msg": "volume \"data\" is of no type",
			"field": "spec.volumes[0]",
			"remedy": concat(" ", ["make spec.volumes[0] one of", concat(", ", _allowed)]),
		}} with input as _pod([volume])
	}
}

test_volume_of_an_unknown_type_is_refused if {
	fields := {v.field | some v in pss_restricted_volumes.deny} with input as _pod([
		{"name": "a", "emptydir": {}},
		{"name": "b", "example.com/type": {}},
	])
	fields == {"spec.volumes[0].emptydir", "spec.volumes[1]"}
}

test_volume_of_two_types_passes_if_one_isolates if {
	_passes(_pod([{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]))
	pss_restricted_volumes.deny == {{
		"msg": "volume \"a\" is of type hostPath, nfs",
		"field": "spec.volumes[0]",
		"remedy": concat(" ", ["make spec.volumes[0] one of", concat(", ", _allowed)]),
	}} with input as _pod([{"name": "a", "nfs": {}, "hostPath": {"path": "/"}}])
}

test_pod_without_volumes_passes if {
	_passes(_pod([]))
	_passes(_pod(null))
	_passes({"workload": null, "pod": {"spec": {}}, "containers": [], "parameters": {"version": "latest"}})
}

test_wrong_types_are_refused if {
	every volumes in ["x", 5, false, {}, {"a": {"emptyDir": {}}}] {
		pss_restricted_volumes.deny == {{
			"msg": sprintf("volumes is %s, not a list", [json.marshal(volumes)]),
			"field": "spec.volumes",
			"remedy": "write spec.volumes as a list of volumes",
		}} with input as _pod(volumes)
	}
	every volume in ["emptyDir", 5, null, false, [], ["emptyDir"]] {
		pss_restricted_volumes.deny == {{
			"msg": "volume at spec.volumes[0] is of no type",
			"field": "spec.volumes[0]",
			"remedy": concat(" ", ["make spec.volumes[0] one of", concat(", ", _allowed)]),
		}} with input as _pod([volume])
	}
	every source in ["x", 5, false, []] {
		_refused(_pod([{"name": "a", "emptyDir": source}]))
	}
}

test_template_is_judged_at_its_place if {
	document := object.union(
		_pod([{"name": 5, "hostPath": {"path": "/"}}]),
		{"workload": {"kind": "CronJob", "name": "web", "path": "spec.jobTemplate.spec.template"}},
	)
	pss_restricted_volumes.deny == {{
		"msg": "volume at spec.jobTemplate.spec.template.spec.volumes[0] is of type hostPath",
		"field": "spec.jobTemplate.spec.template.spec.volumes[0].hostPath",
		"remedy": concat(" ", [
			"make spec.jobTemplate.spec.template.spec.volumes[0] one of",
			concat(", ", _allowed),
		]),
	}} with input as document
}

test_holds_in_all_versions if {
	every version in ["v1.0", "v1.25", "v1.99", "latest"] {
		_refused(object.union(_pod([{"name": "a", "nfs": {}}]), {"parameters": {"version": version}}))
		_passes(object.union(_pod([{"name": "a", "secret": {}}]), {"parameters": {"version": version}}))
	}
}
