package policies.pss_seccomp_profile_baseline_test

import data.policies.pss_seccomp_profile_baseline

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

# The input for a bare Pod with one container of the kind.
_pod(pod_spec, kind, container_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": pod_spec},
	"containers": [{"name": "web", "kind": kind, "path": _paths[kind], "image": "i", "spec": container_spec}],
	"namespace": null,
	"parameters": {"version": "latest"},
	"now": "2026-01-01T00:00:00Z",
}

# The same as the template of another workload.
_template(document, kind, path) := object.union(document, {
	"workload": {"kind": kind, "name": "web", "path": path},
	"containers": [object.union(c, {"path": sprintf("%s.%s", [path, c.path])}) | some c in document.containers],
})

_at(document, version) := object.union(document, {"parameters": {"version": version}})

_passes(document) if count(pss_seccomp_profile_baseline.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_seccomp_profile_baseline.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_context(profile) := {"securityContext": {"seccompProfile": profile}}

test_runtime_default_localhost_and_silence_pass_in_every_kind_of_container_and_the_pod if {
	every kind, _ in _paths {
		every spec in [
			_context({"type": "RuntimeDefault"}), _context({"type": "Localhost", "localhostProfile": "p"}),
			_context(null), {"securityContext": {}}, {"securityContext": null}, {},
		] {
			_passes(_pod(spec, kind, spec))
		}
	}
	_passes(_pod({}, "container", null))
}

test_unconfined_is_refused_in_every_kind_of_container if {
	every kind, path in _paths {
		field := sprintf("%s.securityContext.seccompProfile.type", [path])
		what := `securityContext.seccompProfile.type is "Unconfined", not RuntimeDefault or Localhost`
		pss_seccomp_profile_baseline.deny == {{
			"msg": sprintf("%s: %s", [_labels[kind], what]),
			"field": field,
			"remedy": sprintf("set %s: RuntimeDefault", [field]),
		}} with input as _pod({}, kind, _context({"type": "Unconfined"}))
	}
}

test_unconfined_pod_is_refused_though_its_container_overrides_it if {
	document := _pod(_context({"type": "Unconfined"}), "container", _context({"type": "RuntimeDefault"}))
	pss_seccomp_profile_baseline.deny == {{
		"msg": `Pod: securityContext.seccompProfile.type is "Unconfined", not RuntimeDefault or Localhost`,
		"field": "spec.securityContext.seccompProfile.type",
		"remedy": "set spec.securityContext.seccompProfile.type: RuntimeDefault",
	}} with input as document
}

test_profile_without_a_type_or_of_another_is_refused if {
	every profile in [
		{}, {"type": null}, {"type": ""}, {"type": "runtimeDefault"}, {"type": "runtime/default"},
		{"type": 5}, {"type": true}, {"type": false}, {"type": ["Localhost"]}, {"localhostProfile": "p"},
	] {
		_fields(_pod(_context(profile), "init", _context(profile))) == {
			"spec.securityContext.seccompProfile.type",
			"spec.initContainers[0].securityContext.seccompProfile.type",
		}
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		count(_fields(_pod(spec, "container", _context({"type": "Unconfined"})))) == 1
	}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		bad := _context({"type": "Unconfined"})
		_fields(_template(_pod(bad, "ephemeral", bad), kind, path)) == {
			sprintf("%s.spec.securityContext.seccompProfile.type", [path]),
			sprintf("%s.spec.ephemeralContainers[0].securityContext.seccompProfile.type", [path]),
		}
	}
}

test_what_is_no_mapping_in_the_pod_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"securityContext": value}, "container", {})) == {"spec.securityContext"}
		_fields(_pod(_context(value), "container", {})) == {"spec.securityContext.seccompProfile"}
	}
}

# The annotations of a Pod, with one container.
_annotated(annotations) := object.union(
	_pod({}, "container", {"name": "web"}),
	{"pod": {"metadata": {"annotations": annotations}}},
)

test_what_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({}, "init", value)) == {"spec.initContainers[0]"}
		_fields(_pod({}, "init", {"securityContext": value})) == {"spec.initContainers[0].securityContext"}
		deeper := _pod({}, "init", {"securityContext": {"seccompProfile": value}})
		_fields(deeper) == {"spec.initContainers[0].securityContext.seccompProfile"}
	}
}

_of_pod := "seccomp.security.alpha.kubernetes.io/pod"

_of_web := "container.seccomp.security.alpha.kubernetes.io/web"

test_fields_are_judged_since_1_19 if {
	every bad in [{"seccompProfile": {}}, {"seccompProfile": {"type": "Unconfined"}}, {"seccompProfile": "x"}, "x"] {
		document := _pod({"securityContext": bad}, "container", {"securityContext": bad})
		every version in ["v1.19", "v1.20", "v1.100", "latest"] {
			count(_fields(_at(document, version))) == 2
		}
		every version in ["v1.0", "v1.2", "v1.18"] {
			_passes(_at(document, version))
		}
	}
}

test_annotations_are_judged_until_1_18 if {
	document := _annotated({_of_pod: "unconfined", _of_web: "unconfined"})
	every version in ["v1.0", "v1.2", "v1.18"] {
		fields := _fields(_at(document, version))
		fields == {sprintf("metadata.annotations[%q]", [key]) | some key in [_of_pod, _of_web]}
	}
	every version in ["v1.19", "v1.20", "v1.100", "latest"] {
		_passes(_at(document, version))
	}
}

test_annotations_that_confine_or_concern_others_pass if {
	every value in ["runtime/default", "docker/default", "localhost/", "localhost/p"] {
		_passes(_at(_annotated({_of_pod: value, _of_web: value}), "v1.18"))
	}
	every key in [
		"container.seccomp.security.alpha.kubernetes.io/nobody", "container.seccomp.security.alpha.kubernetes.io/",
		"seccomp.security.alpha.kubernetes.io/web", "example.com/a",
	] {
		_passes(_at(_annotated({key: "unconfined"}), "v1.18"))
	}
	every annotations in [null, {}] {
		_passes(_at(_annotated(annotations), "v1.18"))
	}
}

test_annotation_that_turns_it_off_is_told_the_remedy if {
	pss_seccomp_profile_baseline.deny == {{
		"msg": concat("", [
			`Pod: annotations["container.seccomp.security.alpha.kubernetes.io/web"] is "unconfined", `,
			"not runtime/default, docker/default or localhost/PROFILE",
		]),
		"field": `metadata.annotations["container.seccomp.security.alpha.kubernetes.io/web"]`,
		"remedy": concat("", [
			`set metadata.annotations["container.seccomp.security.alpha.kubernetes.io/web"] to runtime/default, `,
			"or remove it",
		]),
	}} with input as _at(_annotated({_of_web: "unconfined"}), "v1.18")
}

test_other_values_of_annotations_are_refused if {
	every value in ["", null, "Unconfined", "RuntimeDefault", "runtime/default ", "localhost", 5, true, false, {}, []] {
		count(_fields(_at(_annotated({_of_pod: value, _of_web: value}), "v1.18"))) == 2
	}
}

test_annotation_of_each_kind_of_container_is_judged if {
	every kind, _ in _paths {
		document := object.union(
			_at(_pod({}, kind, {"name": "web"}), "v1.18"),
			{"pod": {"metadata": {"annotations": {_of_web: "unconfined"}}}},
		)
		count(_fields(document)) == 1
	}
}

test_container_without_a_name_has_the_annotation_without_a_name if {
	key := "container.seccomp.security.alpha.kubernetes.io/"
	every spec in [{}, {"name": null}, {"name": ""}, null] {
		document := object.union(
			_at(_pod({}, "container", spec), "v1.18"),
			{"pod": {"metadata": {"annotations": {key: "unconfined"}}}},
		)
		_fields(document) == {sprintf("metadata.annotations[%q]", [key])}
	}
}

test_name_that_is_no_text_is_refused_until_1_18 if {
	every name in [5, true, false, {}, []] {
		document := _pod({}, "container", {"name": name})
		_fields(_at(document, "v1.18")) == {"spec.containers[0].name"}
		_passes(_at(document, "v1.19"))
	}
}

test_annotations_of_a_template_are_judged_at_their_place if {
	every kind, path in _templates {
		document := _template(_at(_annotated({_of_pod: "unconfined"}), "v1.0"), kind, path)
		_fields(document) == {sprintf("%s.metadata.annotations[%q]", [path, _of_pod])}
	}
}

test_annotations_that_are_no_mapping_are_refused_until_1_18 if {
	every value in ["x", 5, true, false, [], ["unconfined"]] {
		_fields(_at(_annotated(value), "v1.18")) == {"metadata.annotations"}
		_passes(_at(_annotated(value), "v1.19"))
	}
}

test_container_that_is_no_mapping_is_refused_in_every_version if {
	every version in ["v1.0", "v1.18", "v1.19", "latest"] {
		_fields(_at(_pod({}, "container", "x"), version)) == {"spec.containers[0]"}
	}
}
