package policies.require_labels_test

import data.policies.require_labels

_defaults := {"kinds": ["Deployment", "Service"], "required": {"app.kubernetes.io/name": "", "team": "[a-z]+"}}

_good := {"labels": {"app.kubernetes.io/name": "web", "team": "shop", "other": "x"}}

# The input for an object that has no Pod.
_object(kind, metadata) := {
	"request": {"operation": "CREATE", "kind": {"kind": kind}, "object": {"kind": kind, "metadata": metadata}},
	"workload": null,
	"pod": null,
	"containers": [],
	"parameters": _defaults,
}

# The input for a workload whose Pod template has other metadata than itself.
_workload(kind, path, metadata, template) := object.union(_object(kind, metadata), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"pod": {"metadata": template, "spec": {}},
	"containers": [{"name": "web", "kind": "container", "path": "x", "image": "i", "spec": {}}],
})

_pod(metadata) := object.union(_object("Pod", metadata), {"pod": {"metadata": metadata, "spec": {}}})

_judging(document, kinds) := object.union(document, {"parameters": {"kinds": kinds}})

_fields(violations) := {v.field | some v in violations}

test_labelled_objects_pass if {
	count(require_labels.deny) == 0 with input as _object("Service", _good)
	count(require_labels.deny) == 0 with input as _workload("Deployment", "spec.template", _good, {})
}

test_missing_labels_are_named if {
	require_labels.deny == {
		{
			"msg": "label app.kubernetes.io/name is missing",
			"field": "metadata.labels[\"app.kubernetes.io/name\"]",
			"remedy": "set metadata.labels[\"app.kubernetes.io/name\"] to a text that is not empty",
		},
		{
			"msg": "label team is missing",
			"field": "metadata.labels[\"team\"]",
			"remedy": "set metadata.labels[\"team\"] to a text that matches [a-z]+ as a whole",
		},
	} with input as _object("Service", {})
}

test_values_must_match_as_a_whole if {
	every value in ["shop1", "1shop", "Shop", "", "shop\n", "a b"] {
		document := _object("Service", {"labels": {"app.kubernetes.io/name": "web", "team": value}})
		found := require_labels.deny with input as document
		_fields(found) == {"metadata.labels[\"team\"]"}
	}
	found := require_labels.deny with input as _object("Service", {"labels": {"app.kubernetes.io/name": "w", "team": "S"}})
	{v.msg | some v in found} == {"label team is \"S\", not a text that matches [a-z]+ as a whole"}
}

test_alternatives_are_anchored_as_one if {
	document := _object("Service", {"labels": {"tier": "front-end"}})
	required := {"parameters": {"kinds": ["Service"], "required": {"tier": "front|back"}}}
	count(require_labels.deny) == 1 with input as object.union(object.remove(document, ["parameters"]), required)
	good := object.remove(_object("Service", {"labels": {"tier": "back"}}), ["parameters"])
	count(require_labels.deny) == 0 with input as object.union(good, required)
}

test_empty_values_are_none if {
	found := require_labels.deny with input as _object("Service", {"labels": {"app.kubernetes.io/name": "", "team": "a"}})
	{v.msg | some v in found} == {"label app.kubernetes.io/name is \"\", not a text that is not empty"}
}

test_metadata_of_any_shape_is_judged if {
	every metadata in [null, 5, "x", [], {"labels": null}, {"labels": "team"}, {"labels": ["team"]}] {
		count(require_labels.deny) == 2 with input as _object("Service", metadata)
	}
	every value in [null, 5, true, ["shop"], {}] {
		document := _object("Service", {"labels": {"app.kubernetes.io/name": "web", "team": value}})
		count(require_labels.deny) == 1 with input as document
	}
	unset := _object("Service", {"labels": {"app.kubernetes.io/name": "web", "team": null}})
	found := require_labels.deny with input as unset
	{v.msg | some v in found} == {"label team is missing"}
}

test_other_kinds_are_left_alone if {
	count(require_labels.deny) == 0 with input as _object("ConfigMap", {})
	count(require_labels.deny) == 2 with input as _judging(_object("ConfigMap", {}), ["ConfigMap"])
	count(require_labels.deny) == 0 with input as _pod({})
	count(require_labels.deny) == 0 with input as _judging(_object("Service", {}), [])
}

test_pods_stand_for_templates_too if {
	count(require_labels.deny) == 2 with input as _judging(_pod({}), ["Pod"])
	count(require_labels.deny) == 0 with input as _judging(_pod(_good), ["Pod"])
	deployment := _workload("Deployment", "spec.template", _good, {"labels": {"team": "shop"}})
	count(require_labels.deny) == 0 with input as deployment
	require_labels.deny == {{
		"msg": "Pod template: label app.kubernetes.io/name is missing",
		"field": "spec.template.metadata.labels[\"app.kubernetes.io/name\"]",
		"remedy": concat(" ", [
			"set spec.template.metadata.labels[\"app.kubernetes.io/name\"]",
			"to a text that is not empty",
		]),
	}} with input as _judging(deployment, ["Deployment", "Pod"])
}

test_cron_jobs_are_told_the_path_in_their_template if {
	document := _workload("CronJob", "spec.jobTemplate.spec.template", _good, {})
	found := require_labels.deny with input as _judging(document, ["Pod"])
	_fields(found) == {
		"spec.jobTemplate.spec.template.metadata.labels[\"app.kubernetes.io/name\"]",
		"spec.jobTemplate.spec.template.metadata.labels[\"team\"]",
	}
}

test_a_template_does_not_speak_for_its_workload if {
	document := _workload("Deployment", "spec.template", {}, _good)
	found := require_labels.deny with input as _judging(document, ["Deployment", "Pod"])
	_fields(found) == {"metadata.labels[\"app.kubernetes.io/name\"]", "metadata.labels[\"team\"]"}
}
