# METADATA
# title: The nodes that a Pod asks for
package lib.node

# Whether a Pod can run on Windows only: it says so itself, or asks for such nodes.
is_windows(pod_spec) if {
	pod_spec.os.name == "windows"
} else if {
	some key in _keys
	pod_spec.nodeSelector[key] == "windows"
} else if {
	terms := pod_spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
	_is_of_windows(terms[0])
	not _leads_elsewhere(terms)
}

_keys := ["kubernetes.io/os", "beta.kubernetes.io/os"]

# A node has to fit one of the terms.
_leads_elsewhere(terms) if {
	some i
	term := terms[i]
	not _is_of_windows(term)
}

_is_of_windows(term) if {
	some i
	expression := term.matchExpressions[i]
	expression.key in _keys
	expression.operator == "In"
	expression.values == ["windows"]
}
