package policies.require_istio_injection_test

import data.policies.require_istio_injection

_pod(labels, annotations) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p", "labels": labels, "annotations": annotations}, "spec": {}},
	"containers": [],
	"namespace": null,
	"parameters": {"required": false},
	"now": "2026-01-01T00:00:00Z",
}

_inject(value) := {"sidecar.istio.io/inject": value}

_required(document) := object.union(document, {"parameters": {"required": true}})

_host(document) := object.union(document, {"pod": {"spec": {"hostNetwork": true}}})

_template(document, kind, path) := object.union(document, {"workload": {"kind": kind, "name": "w", "path": path}})

_fields(violations) := {v.field | some v in violations}

_label_field := `metadata.labels["sidecar.istio.io/inject"]`

_annotation_field := `metadata.annotations["sidecar.istio.io/inject"]`

test_pod_without_a_word_passes if {
	count(require_istio_injection.deny) == 0 with input as _pod({}, {})
	count(require_istio_injection.deny) == 0 with input as _pod(null, null)
	count(require_istio_injection.deny) == 0 with input as _host(_pod({"app": "web"}, {"a": "b"}))
}

test_labels_of_true_and_false_pass if {
	count(require_istio_injection.deny) == 0 with input as _pod(_inject("true"), {})
	count(require_istio_injection.deny) == 0 with input as _pod(_inject("false"), {})
	count(require_istio_injection.deny) == 0 with input as _required(_pod(_inject("true"), {}))
}

test_labels_of_other_values_are_refused if {
	every value in ["", "True", "yes", "enabled", true, false, null, 1, [], {}] {
		require_istio_injection.deny == {{
			"msg": sprintf(`label sidecar.istio.io/inject is %s, neither "true" nor "false"`, [json.marshal(value)]),
			"field": _label_field,
			"remedy": `set metadata.labels["sidecar.istio.io/inject"] to "true" or "false"`,
		}} with input as _pod(_inject(value), {})
	}
}

test_annotation_is_refused if {
	every value in ["true", "false", "x", true, null] {
		require_istio_injection.deny == {{
			"msg": "annotation sidecar.istio.io/inject is deprecated; a label has taken its place",
			"field": _annotation_field,
			"remedy": concat("", [
				`remove metadata.annotations["sidecar.istio.io/inject"], and `,
				`set metadata.labels["sidecar.istio.io/inject"] to "true" or "false"`,
			]),
		}} with input as _pod({}, _inject(value))
	}
	found := require_istio_injection.deny with input as _pod(_inject("true"), _inject("true"))
	_fields(found) == {_annotation_field}
}

test_annotation_that_contradicts_the_label_is_refused_as_that if {
	found := require_istio_injection.deny with input as _pod(_inject("true"), _inject("false"))
	{v.msg | some v in found} == {`annotation sidecar.istio.io/inject contradicts the label, which is "true"`}
}

test_sidecar_on_the_hosts_network_is_refused if {
	require_istio_injection.deny == {{
		"msg": "hostNetwork is true, and Istio injects no sidecar on the host's network",
		"field": "spec.hostNetwork",
		"remedy": `remove spec.hostNetwork, or set metadata.labels["sidecar.istio.io/inject"] to "false"`,
	}} with input as _host(_pod(_inject("true"), {}))
	count(require_istio_injection.deny) == 0 with input as _host(_pod(_inject("false"), {}))
}

test_sidecar_is_asked_for_where_it_is_required if {
	require_istio_injection.deny == {{
		"msg": `label sidecar.istio.io/inject is not "true", and the sidecar is required`,
		"field": _label_field,
		"remedy": `set metadata.labels["sidecar.istio.io/inject"] to "true"`,
	}} with input as _required(_pod({}, {}))
	found := require_istio_injection.deny with input as _required(_pod(_inject("false"), {}))
	_fields(found) == {_label_field}
}

test_revision_asks_for_the_sidecar_too if {
	revision := {"istio.io/rev": "1-24"}
	count(require_istio_injection.deny) == 0 with input as _required(_pod(revision, {}))
	count(require_istio_injection.deny) == 1 with input as _required(_pod(object.union(revision, _inject("false")), {}))
	every value in ["", null, 5] {
		count(require_istio_injection.deny) == 1 with input as _required(_pod({"istio.io/rev": value}, {}))
	}
}

test_required_sidecar_cannot_be_on_the_hosts_network if {
	found := require_istio_injection.deny with input as _required(_host(_pod(_inject("true"), {})))
	_fields(found) == {"spec.hostNetwork"}
	again := require_istio_injection.deny with input as _required(_host(_pod({"istio.io/rev": "a"}, {})))
	_fields(again) == {"spec.hostNetwork"}
	both := require_istio_injection.deny with input as _required(_host(_pod({}, {})))
	_fields(both) == {"spec.hostNetwork", _label_field}
}

test_templates_are_told_their_paths if {
	deployment := _template(_host(_pod(_inject("true"), {})), "Deployment", "spec.template")
	_fields(require_istio_injection.deny) == {"spec.template.spec.hostNetwork"} with input as deployment
	cron_job := _template(_pod(_inject("x"), _inject("x")), "CronJob", "spec.jobTemplate.spec.template")
	_fields(require_istio_injection.deny) == {
		`spec.jobTemplate.spec.template.metadata.labels["sidecar.istio.io/inject"]`,
		`spec.jobTemplate.spec.template.metadata.annotations["sidecar.istio.io/inject"]`,
	} with input as cron_job
	template := _template(_required(_pod({}, {})), "PodTemplate", "template")
	found := require_istio_injection.deny with input as template
	_fields(found) == {`template.metadata.labels["sidecar.istio.io/inject"]`}
}

test_values_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, true, null, [], ["sidecar.istio.io/inject"]] {
		count(require_istio_injection.deny) == 0 with input as _pod(value, value)
		count(require_istio_injection.deny) == 1 with input as _required(_pod(value, value))
		document := object.union(_pod({}, {}), {"pod": {"metadata": value}})
		count(require_istio_injection.deny) == 0 with input as document
	}
	every value in ["true", 1, null, []] {
		document := object.union(_pod(_inject("true"), {}), {"pod": {"spec": {"hostNetwork": value}}})
		count(require_istio_injection.deny) == 0 with input as document
	}
}
