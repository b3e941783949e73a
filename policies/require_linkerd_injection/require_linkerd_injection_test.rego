package policies.require_linkerd_injection_test

import data.policies.require_linkerd_injection

_pod(labels, annotations) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p", "labels": labels, "annotations": annotations}, "spec": {}},
	"containers": [],
	"namespace": null,
	"parameters": {"required": false},
	"now": "2026-01-01T00:00:00Z",
}

_inject(value) := {"linkerd.io/inject": value}

_annotated(value) := _pod({}, _inject(value))

_required(document) := object.union(document, {"parameters": {"required": true}})

_host(document) := object.union(document, {"pod": {"spec": {"hostNetwork": true}}})

_template(document, kind, path) := object.union(document, {"workload": {"kind": kind, "name": "w", "path": path}})

_fields(violations) := {v.field | some v in violations}

_field := `metadata.annotations["linkerd.io/inject"]`

test_pod_without_a_word_passes if {
	count(require_linkerd_injection.deny) == 0 with input as _pod({}, {})
	count(require_linkerd_injection.deny) == 0 with input as _pod(null, null)
	count(require_linkerd_injection.deny) == 0 with input as _host(_pod({"app": "web"}, {"a": "b"}))
}

test_values_that_linkerd_knows_pass if {
	every value in ["enabled", "ingress", "disabled"] {
		count(require_linkerd_injection.deny) == 0 with input as _annotated(value)
	}
}

test_other_values_are_refused if {
	every value in ["", "true", "Enabled", "enable", true, null, 1, [], {}] {
		require_linkerd_injection.deny == {{
			"msg": sprintf("annotation linkerd.io/inject is %s, not enabled, ingress or disabled", [json.marshal(value)]),
			"field": _field,
			"remedy": `set metadata.annotations["linkerd.io/inject"] to enabled, ingress or disabled`,
		}} with input as _annotated(value)
	}
}

test_label_is_refused if {
	require_linkerd_injection.deny == {{
		"msg": "label linkerd.io/inject has no effect; Linkerd reads the annotation",
		"field": `metadata.labels["linkerd.io/inject"]`,
		"remedy": `remove metadata.labels["linkerd.io/inject"], and set metadata.annotations["linkerd.io/inject"]`,
	}} with input as _pod(_inject("enabled"), {})
	count(require_linkerd_injection.deny) == 1 with input as _pod(_inject("enabled"), _inject("enabled"))
}

test_proxy_on_the_hosts_network_is_refused if {
	every value in ["enabled", "ingress"] {
		require_linkerd_injection.deny == {{
			"msg": "hostNetwork is true, and Linkerd injects no proxy on the host's network",
			"field": "spec.hostNetwork",
			"remedy": `remove spec.hostNetwork, or set metadata.annotations["linkerd.io/inject"] to disabled`,
		}} with input as _host(_annotated(value))
	}
	count(require_linkerd_injection.deny) == 0 with input as _host(_annotated("disabled"))
}

test_proxy_is_asked_for_where_it_is_required if {
	require_linkerd_injection.deny == {{
		"msg": "annotation linkerd.io/inject is neither enabled nor ingress, and the proxy is required",
		"field": _field,
		"remedy": `set metadata.annotations["linkerd.io/inject"] to enabled`,
	}} with input as _required(_pod({}, {}))
	found := require_linkerd_injection.deny with input as _required(_annotated("disabled"))
	_fields(found) == {_field}
	every value in ["enabled", "ingress"] {
		count(require_linkerd_injection.deny) == 0 with input as _required(_annotated(value))
	}
}

test_required_proxy_cannot_be_on_the_hosts_network if {
	every value in ["enabled", "ingress"] {
		found := require_linkerd_injection.deny with input as _required(_host(_annotated(value)))
		_fields(found) == {"spec.hostNetwork"}
	}
	both := require_linkerd_injection.deny with input as _required(_host(_pod({}, {})))
	_fields(both) == {"spec.hostNetwork", _field}
}

test_templates_are_told_their_paths if {
	deployment := _template(_host(_annotated("enabled")), "Deployment", "spec.template")
	_fields(require_linkerd_injection.deny) == {"spec.template.spec.hostNetwork"} with input as deployment
	cron_job := _template(_pod(_inject("x"), _inject("x")), "CronJob", "spec.jobTemplate.spec.template")
	_fields(require_linkerd_injection.deny) == {
		`spec.jobTemplate.spec.template.metadata.labels["linkerd.io/inject"]`,
		`spec.jobTemplate.spec.template.metadata.annotations["linkerd.io/inject"]`,
	} with input as cron_job
	template := _template(_required(_pod({}, {})), "PodTemplate", "template")
	found := require_linkerd_injection.deny with input as template
	_fields(found) == {`template.metadata.annotations["linkerd.io/inject"]`}
}

test_values_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, true, null, [], ["linkerd.io/inject"]] {
		count(require_linkerd_injection.deny) == 0 with input as _pod(value, value)
		count(require_linkerd_injection.deny) == 1 with input as _required(_pod(value, value))
		document := object.union(_pod({}, {}), {"pod": {"metadata": value}})
		count(require_linkerd_injection.deny) == 0 with input as document
	}
	every value in ["true", 1, null, []] {
		document := object.union(_annotated("enabled"), {"pod": {"spec": {"hostNetwork": value}}})
		count(require_linkerd_injection.deny) == 0 with input as document
	}
}
