# METADATA
# title: What the policies of the Pod Security Standards have in common
# description: |
#   The standards change with Kubernetes: each policy judges by the rules as of its parameter version, which is
#   latest or v1.NN. Versions that are newer than the newest rules have these.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
package lib.pss

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
