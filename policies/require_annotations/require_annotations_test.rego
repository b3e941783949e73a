package policies.require_annotations_test

import data.policies.require_annotations

_required := {"example.com/on-call": "https://[a-z.]+/.+"}

_good := {"annotations": {"example.com/on-call": "https://wiki.example.com/shop"}, "labels": {}}

# The input for a Deployment, whose Pod template may have other metadata than itself.
_deployment(metadata, template) := {
	"request": {
		"operation": "UPDATE",
		"kind": {"kind": "Deployment"},
		"object": {"kind": "Deployment", "metadata": metadata},
	},
	"workload": {"kind": "Deployment", "name": "w", "path": "spec.template"},
	"pod": {"metadata": template, "spec": {}},
	"containers": [{"name": "web", "kind": "container", "path": "x", "image": "i", "spec": {}}],
	"parameters": {"kinds": ["Deployment"], "required": _required},
}

_requiring(document, parameters) := object.union(object.remove(document, ["parameters"]), {"parameters": parameters})

test_annotated_objects_pass if count(require_annotations.deny) == 0 with input as _deployment(_good, {})

test_missing_annotations_are_named if {
	expected := {{
		"msg": "annotation example.com/on-call is missing",
		"field": "metadata.annotations[\"example.com/on-call\"]",
		"remedy": concat(" ", [
			"set metadata.annotations[\"example.com/on-call\"]",
			"to a text that matches https://[a-z.]+/.+ as a whole",
		]),
	}}
	every metadata in [{}, null, {"annotations": null}, {"annotations": "x"}, {"labels": _good.annotations}] {
		require_annotations.deny == expected with input as _deployment(metadata, _good)
	}
}

test_values_must_match_as_a_whole if {
	every value in ["see https://wiki.example.com/shop", "https://wiki.example.com/", "http://wiki/a", "", null, 5] {
		document := _deployment({"annotations": {"example.com/on-call": value}}, {})
		count(require_annotations.deny) == 1 with input as document
	}
}

test_any_text_will_do_without_a_pattern if {
	parameters := {"kinds": ["Deployment"], "required": {"note": ""}}
	good := _deployment({"annotations": {"note": "any\ntext"}}, {})
	count(require_annotations.deny) == 0 with input as _requiring(good, parameters)
	bad := _deployment({"annotations": {"note": ""}}, {})
	count(require_annotations.deny) == 1 with input as _requiring(bad, parameters)
}

test_templates_are_judged_as_pods if {
	document := _requiring(_deployment(_good, {}), {"kinds": ["Pod"], "required": _required})
	found := require_annotations.deny with input as document
	{v.field | some v in found} == {"spec.template.metadata.annotations[\"example.com/on-call\"]"}
	good := _requiring(_deployment({}, _good), {"kinds": ["Pod"], "required": _required})
	count(require_annotations.deny) == 0 with input as good
}

test_nothing_is_required_until_it_is_named if {
	document := _requiring(_deployment({}, {}), {"kinds": ["Deployment", "Pod"], "required": {}})
	count(require_annotations.deny) == 0 with input as document
}
