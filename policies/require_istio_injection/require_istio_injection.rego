# METADATA
# title: Istio's sidecar is asked for by label, and clearly
# description: |
#   Istio decides by the label `sidecar.istio.io/inject` of a Pod: the strings "true" and "false" count, and anything
#   else falls back to the namespace's default, silently. Other values are refused, and so is the annotation of the
#   same name, which is deprecated, loses against the label and acts only in namespaces with injection. A Pod on the
#   host's network gets no sidecar whatever it asks for, so the two together are refused. With `required`, every Pod
#   must ask for the sidecar, by the label or by `istio.io/rev`, which names the control plane to inject it. Only the
#   Pod's own labels are judged, so that the verdict does not depend on its namespace: where a mesh takes all Pods of
#   some namespaces, select these in the configuration and set `required`. Ambient meshes have no sidecars to ask for.
# related_resources:
# - ref: https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/
# - ref: https://istio.io/latest/docs/reference/config/labels/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     required: false
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       required:
#         description: Every Pod must have Istio's sidecar.
#         type: boolean
package policies.require_istio_injection

import data.lib.part

deny contains violation if {
	value := input.pod.metadata.labels["sidecar.istio.io/inject"]
	not value in {"true", "false"}
	violation := {
		"msg": sprintf(`label %s is %s, neither "true" nor "false"`, [_key, part.shown(value)]),
		"field": _field("labels"),
		"remedy": sprintf(`set %s to "true" or "false"`, [_field("labels")]),
	}
}

deny contains violation if {
	value := input.pod.metadata.annotations["sidecar.istio.io/inject"]
	violation := {
		"msg": sprintf("annotation %s %s", [_key, _fault(value, _label)]),
		"field": _field("annotations"),
		"remedy": sprintf(`remove %s, and set %s to "true" or "false"`, [_field("annotations"), _field("labels")]),
	}
}

deny contains violation if {
	input.pod.spec.hostNetwork == true
	_asked(_label, input.parameters)
	field := sprintf("%s.hostNetwork", [part.pod_path])
	violation := {
		"msg": "hostNetwork is true, and Istio injects no sidecar on the host's network",
		"field": field,
		"remedy": sprintf(`remove %s, or set %s to "false"`, [field, _field("labels")]),
	}
}

deny contains violation if {
	input.parameters.required == true
	_label != "true"
	not _has_revision(_label, input.pod.metadata)
	violation := {
		"msg": sprintf(`label %s is not "true", and the sidecar is required`, [_key]),
		"field": _field("labels"),
		"remedy": sprintf(`set %s to "true"`, [_field("labels")]),
	}
}

_key := "sidecar.istio.io/inject"

# Null if there is none.
_label := object.get(input.pod, ["metadata", "labels", _key], null)

_fault(value, label) := sprintf("contradicts the label, which is %s", [part.shown(label)]) if {
	label != null
	label != value
} else := "is deprecated; a label has taken its place"

_asked(label, _) if label == "true"

_asked(_, parameters) if parameters.required == true

_has_revision(label, metadata) if {
	label == null
	is_string(metadata.labels["istio.io/rev"])
	metadata.labels["istio.io/rev"] != ""
}

_field(map) := sprintf("%s.%s[%q]", [part.metadata_path, map, _key])
