package lib.keys_test

import data.lib.keys

_team := {"example.com/team": "[a-z]+"}

test_keys_with_fitting_values_leave_nothing_to_say if {
	keys.violations({"metadata": {"labels": {"example.com/team": "shop"}}}, "metadata", "labels", _team) == set()
	keys.violations({"metadata": {"labels": {"note": "any text"}}}, "metadata", "labels", {"note": ""}) == set()
	keys.violations(null, "metadata", "labels", {}) == set()
}

test_missing_keys_are_named_with_their_place if {
	every something in [null, 5, {}, {"metadata": null}, {"metadata": {"annotations": {"example.com/team": "shop"}}}] {
		keys.violations(something, "metadata", "labels", _team) == {{
			"msg": "label example.com/team is missing",
			"field": "metadata.labels[\"example.com/team\"]",
			"remedy": "set metadata.labels[\"example.com/team\"] to a text that matches [a-z]+ as a whole",
		}}
	}
}

test_templates_are_named_as_such if {
	found := keys.violations({}, "spec.template.metadata", "annotations", {"note": ""})
	found == {{
		"msg": "Pod template: annotation note is missing",
		"field": "spec.template.metadata.annotations[\"note\"]",
		"remedy": "set spec.template.metadata.annotations[\"note\"] to a text that is not empty",
	}}
}

test_pods_have_their_metadata_where_they_stand if {
	keys.pod_path == "metadata" with input as {"workload": null}
	keys.pod_path == "spec.template.metadata" with input as {"workload": {"kind": "Job", "path": "spec.template"}}
}
