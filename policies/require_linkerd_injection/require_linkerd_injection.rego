# METADATA
# title: Linkerd's proxy is asked for by annotation, and clearly
# description: |
#   Linkerd decides by the annotation `linkerd.io/inject` of a Pod, or else of its namespace: enabled, ingress and
#   disabled are understood, and with anything else no proxy is injected, silently. Other values are refused, and so
#   is a label of this name, which has no effect. A Pod on the host's network gets no proxy whatever it asks for, so
#   the two together are refused. With `required`, every Pod must ask for the proxy itself. Only the Pod's own
#   annotation is judged, so that the verdict does not depend on its namespace: where a mesh takes all Pods of some
#   namespaces, select these in the configuration and set `required`.
# related_resources:
# - ref: https://linkerd.io/2/features/proxy-injection/
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
#         description: Every Pod must have Linkerd's proxy.
#         type: boolean
package policies.require_linkerd_injection

import data.lib.part

deny contains violation if {
	value := input.pod.metadata.annotations["linkerd.io/inject"]
	not value in {"enabled", "ingress", "disabled"}
	violation := {
		"msg": sprintf("annotation %s is %s, not enabled, ingress or disabled", [_key, part.shown(value)]),
		"field": _field("annotations"),
		"remedy": sprintf("set %s to enabled, ingress or disabled", [_field("annotations")]),
	}
}

deny contains violation if {
	input.pod.metadata.labels["linkerd.io/inject"] != null
	violation := {
		"msg": sprintf("label %s has no effect; Linkerd reads the annotation", [_key]),
		"field": _field("labels"),
		"remedy": sprintf("remove %s, and set %s", [_field("labels"), _field("annotations")]),
	}
}

deny contains violation if {
	input.pod.spec.hostNetwork == true
	_asked(_annotation, input.parameters)
	field := sprintf("%s.hostNetwork", [part.pod_path])
	violation := {
		"msg": "hostNetwork is true, and Linkerd injects no proxy on the host's network",
		"field": field,
		"remedy": sprintf("remove %s, or set %s to disabled", [field, _field("annotations")]),
	}
}

deny contains violation if {
	input.parameters.required == true
	not _annotation in {"enabled", "ingress"}
	violation := {
		"msg": sprintf("annotation %s is neither enabled nor ingress, and the proxy is required", [_key]),
		"field": _field("annotations"),
		"remedy": sprintf("set %s to enabled", [_field("annotations")]),
	}
}

_key := "linkerd.io/inject"

# Null if there is none.
_annotation := object.get(input.pod, ["metadata", "annotations", _key], null)

_asked(value, _) if value in {"enabled", "ingress"}

_asked(_, parameters) if parameters.required == true

_field(map) := sprintf("%s.%s[%q]", [part.metadata_path, map, _key])
