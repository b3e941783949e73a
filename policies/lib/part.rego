# METADATA
# title: What messages say of a Pod and its containers
# description: |
#   A part is the Pod itself, one of its containers or one of its volumes: {name, kind, path, spec}, as
#   input.containers lists them, with the kinds "pod" and "volume" for the others. Rules that fire call these functions;
#   rules that must be fast look at input themselves.
package lib.part

# The path of the Pod's spec in the object that the user sent.
pod_path := "spec" if {
	input.workload == null
} else := sprintf("%s.spec", [input.workload.path]) if {
	is_string(input.workload.path)
} else := "spec"

# The path of the Pod's metadata in the object that the user sent.
metadata_path := sprintf("%s.metadata", [input.workload.path]) if {
	is_string(input.workload.path)
} else := "metadata"

# The Pod as a part.
pod := {"kind": "pod", "path": pod_path, "spec": object.get(input.pod, "spec", null)}

# What a message calls a part: Pod, container "web", init container "migrate", volume "data".
label(part) := sprintf("%s %q", [_kind(part.kind), part.name]) if {
	is_string(part.name)
	part.name != ""
} else := "Pod" if {
	part.kind == "pod"
} else := sprintf("%s at %s", [_kind(part.kind), part.path])

_kind(kind) := kind if kind in {"container", "volume"}

_kind(kind) := sprintf("%s container", [kind]) if not kind in {"container", "volume"}

# A value as it was written, cut short: it may be anything.
shown(value) := substring(json.marshal(value), 0, 40)
