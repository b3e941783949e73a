package policies.pss_app_armor_profile_test

import data.policies.pss_app_armor_profile

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

_passes(document) if count(pss_app_armor_profile.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_app_armor_profile.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_context(profile) := {"securityContext": {"appArmorProfile": profile}}

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
		field := sprintf("%s.securityContext.appArmorProfile.type", [path])
		what := `securityContext.appArmorProfile.type is "Unconfined", not RuntimeDefault or Localhost`
		pss_app_armor_profile.deny == {{
			"msg": sprintf("%s: %s", [_labels[kind], what]),
			"field": field,
			"remedy": sprintf("set %s: RuntimeDefault", [field]),
		}} with input as _pod({}, kind, _context({"type": "Unconfined"}))
	}
}

test_unconfined_pod_is_refused_though_its_container_overrides_it if {
	document := _pod(_context({"type": "Unconfined"}), "container", _context({"type": "RuntimeDefault"}))
	pss_app_armor_profile.deny == {{
		"msg": `Pod: securityContext.appArmorProfile.type is "Unconfined", not RuntimeDefault or Localhost`,
		"field": "spec.securityContext.appArmorProfile.type",
		"remedy": "set spec.securityContext.appArmorProfile.type: RuntimeDefault",
	}} with input as document
}

test_profile_without_a_type_or_of_another_is_refused if {
	every profile in [
		{}, {"type": null}, {"type": ""}, {"type": "runtimeDefault"}, {"type": "runtime/default"},
		{"type": 5}, {"type": true}, {"type": false}, {"type": ["Localhost"]}, {"localhostProfile": "p"},
	] {
		_fields(_pod(_context(profile), "init", _context(profile))) == {
			"spec.securityContext.appArmorProfile.type",
			"spec.initContainers[0].securityContext.appArmorProfile.type",
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
			sprintf("%s.spec.securityContext.appArmorProfile.type", [path]),
			sprintf("%s.spec.ephemeralContainers[0].securityContext.appArmorProfile.type", [path]),
		}
	}
}

test_what_is_no_mapping_in_the_pod_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"securityContext": value}, "container", {})) == {"spec.securityContext"}
		_fields(_pod(_context(value), "container", {})) == {"spec.securityContext.appArmorProfile"}
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
		deeper := _pod({}, "init", {"securityContext": {"appArmorProfile": value}})
		_fields(deeper) == {"spec.initContainers[0].securityContext.appArmorProfile"}
	}
}

_prefix := "container.apparmor.security.beta.kubernetes.io/"

test_annotations_that_confine_or_concern_others_pass if {
	every value in ["runtime/default", "localhost/", "localhost/profile", "", null] {
		_passes(_annotated({concat("", [_prefix, "web"]): value}))
	}
	every key in [
		"container.apparmor.security.beta.kubernetes.io", "container.apparmor.security.beta.kubernetes.io.web",
		"container.apparmor.security.beta.kubernetes.io0", "container.apparmor.security.beta.kubernetes.iox/web",
		"Container.apparmor.security.beta.kubernetes.io/web", "apparmor.security.beta.kubernetes.io/web", "", "z",
	] {
		_passes(_annotated({key: "unconfined"}))
	}
	every annotations in [null, {}] {
		_passes(_annotated(annotations))
	}
}

test_annotation_that_turns_it_off_is_refused if {
	pss_app_armor_profile.deny == {{
		"msg": concat("", [
			`Pod: annotations["container.apparmor.security.beta.kubernetes.io/web"] is "unconfined", `,
			"not runtime/default or localhost/PROFILE",
		]),
		"field": `metadata.annotations["container.apparmor.security.beta.kubernetes.io/web"]`,
		"remedy": `remove metadata.annotations["container.apparmor.security.beta.kubernetes.io/web"]`,
	}} with input as _annotated({concat("", [_prefix, "web"]): "unconfined", "example.com/a": "b"})
}

test_annotation_is_judged_whatever_container_it_names if {
	every name in ["", "nobody", "a/b", "~", "ü"] {
		count(_fields(_annotated({concat("", [_prefix, name]): "unconfined"}))) == 1
	}
}

test_other_values_of_the_annotation_are_refused if {
	every value in ["Unconfined", "docker/default", "runtime/default ", "Localhost/p", "localhost", " ", 5, true, {}, []] {
		count(_fields(_annotated({concat("", [_prefix, "web"]): value}))) == 1
	}
}

test_annotations_of_a_template_are_judged_at_their_place if {
	every kind, path in _templates {
		document := _template(_annotated({concat("", [_prefix, "web"]): "unconfined"}), kind, path)
		_fields(document) == {sprintf("%s.metadata.annotations[%q]", [path, concat("", [_prefix, "web"])])}
	}
}

test_annotations_that_are_no_mapping_are_refused if {
	every value in ["x", 5, true, false, [], ["unconfined"]] {
		_fields(_annotated(value)) == {"metadata.annotations"}
	}
}

test_every_version_has_the_same_rules if {
	every version in ["v1.0", "v1.24", "v1.29", "v1.30", "v1.37", "v1.999", "latest"] {
		count(_fields(_at(_pod({}, "container", _context({"type": "Unconfined"})), version))) == 1
		count(_fields(_at(_annotated({concat("", [_prefix, "web"]): "unconfined"}), version))) == 1
		_passes(_at(_annotated({concat("", [_prefix, "web"]): "localhost/p"}), version))
	}
}
