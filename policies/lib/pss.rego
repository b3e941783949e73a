# METADATA
# title: What the policies of the Pod Security Standards have in common
# description: |
#   The standards change with Kubernetes: each policy judges by the rules as of its parameter version, which is
#   latest or v1.NN. Versions that are newer than the newest rules have these.
#
#   Kubernetes reads objects into types and refuses what does not fit; policies see what was written. They refuse it
#   too: what is no mapping has no fields that could be judged. Any scalar and any list is less than {}, null included,
#   and this comparison is a fifth of the price of is_object, which matters where every Pod passes.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
package lib.pss

import data.lib.part

# Whether the rules of Kubernetes 1.NN hold in a version.
at_least(version, minor) if _minor(version) >= minor

# The NN of v1.NN. What is no version counts as latest, as it does in Kubernetes; latest comes after all others.
_minor(version) := to_number(_digits(version)) if {
	version != "latest"
	_digits(version)
} else := 1000000

# No leading zeros, which to_number does not take.
_digits(version) := digits if {
	is_string(version)
	startswith(version, "v1.")
	digits := substring(version, 3, -1)
	digits != ""
	trim_left(digits, "0123456789") == ""
	not _padded(digits)
}

_padded(digits) if {
	digits != "0"
	startswith(digits, "0")
}

# Whether the Pod has a user namespace of its own, where root is not the node's root.
in_user_namespace(pod_spec) if pod_spec.hostUsers == false

# Whether the Pod says that it runs on Windows.
on_windows(pod_spec) if pod_spec.os.name == "windows"

# The Pod's metadata as a part: its annotations once said what fields say now.
metadata := {"kind": "pod", "path": concat("", [trim_suffix(part.pod_path, "spec"), "metadata"])}

# The violation of a part by the field at a place in it. The advice has one %s, for the field's path.
violation(setter, at, fault, advice) := {
	"msg": sprintf("%s: %s", [part.label(setter), fault]),
	"field": field,
	"remedy": sprintf(advice, [field]),
} if {
	field := concat("", [setter.path, at])
}

# The violation of a part by a field, or the part itself, that is not of a type: a mapping, a list.
not_a(setter, at, type) := violation(setter, at, _is_not_a(at, type), _write_as_a(type))

_is_not_a("", type) := sprintf("is not a %s", [type])

_is_not_a(at, type) := sprintf("%s is not a %s", [trim_prefix(at, "."), type]) if at != ""

_write_as_a(type) := concat("", ["write %s as a ", type])

# The violation of a part by a field's value that is not among those allowed.
not_among(setter, at, value, allowed, advice) := violation(setter, at, fault, advice) if {
	fault := sprintf("%s is %s, not %s", [trim_prefix(at, "."), _said(value), allowed])
}

_said(value) := "not set" if value == null

_said(value) := part.shown(value) if value != null

# The violation of a part by a profile, AppArmor's or seccomp's, that may turn confinement off.
forbidden_profile(setter, at, profile) := not_a(setter, at, "mapping") if profile < {}

forbidden_profile(setter, at, profile) := found if {
	profile >= {}
	type := object.get(profile, "type", null)
	found := not_among(setter, concat("", [at, ".type"]), type, "RuntimeDefault or Localhost", "set %s: RuntimeDefault")
}
