package lib.part_test

import data.lib.part

test_pod_path_is_spec_in_a_pod if part.pod_path == "spec" with input as {"workload": null}

test_pod_path_is_spec_without_a_workload if part.pod_path == "spec" with input as {}

test_pod_path_leads_through_the_template if {
	part.pod_path == "spec.template.spec" with input as {"workload": {"kind": "Job", "path": "spec.template"}}
}

test_metadata_path_leads_through_the_template if {
	part.metadata_path == "metadata" with input as {"workload": null}
	part.metadata_path == "metadata" with input as {}
	part.metadata_path == "spec.template.metadata" with input as {"workload": {"kind": "Job", "path": "spec.template"}}
}

test_pod_is_a_part if {
	expected := {"kind": "pod", "path": "spec", "spec": {"hostPID": true}}
	part.pod == expected with input as {"workload": null, "pod": {"spec": {"hostPID": true}}}
}

test_labels if {
	part.label({"kind": "container", "name": "web", "path": "spec.containers[0]"}) == `container "web"`
	part.label({"kind": "init", "name": "db", "path": "spec.initContainers[0]"}) == `init container "db"`
	part.label({"kind": "pod", "path": "spec"}) == "Pod"
	part.label({"kind": "volume", "name": "data", "path": "spec.volumes[0]"}) == `volume "data"`
	part.label({"kind": "volume", "name": 5, "path": "spec.volumes[0]"}) == "volume at spec.volumes[0]"
	part.label({"kind": "container", "name": null, "path": "spec.containers[0]"}) == "container at spec.containers[0]"
	part.label({"kind": "sidecar", "name": "", "path": "spec.initContainers[1]"}) == "sidecar container at spec.initContainers[1]"
}

test_values_are_cut_short if {
	part.shown("a") == `"a"`
	count(part.shown(numbers.range(1, 100))) == 40
}
