package lib.node_test

import data.lib.node

_affine(terms) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}

_term(key, operator, values) := {"matchExpressions": [
	{"key": "disk", "operator": "Exists"}, {"key": key, "operator": operator, "values": values},
]}

_windows := _term("kubernetes.io/os", "In", ["windows"])

test_windows_by_what_the_pod_says_or_asks_for if {
	every spec in [
		{"os": {"name": "windows"}}, {"nodeSelector": {"kubernetes.io/os": "windows"}},
		{"nodeSelector": {"beta.kubernetes.io/os": "windows"}}, _affine([_windows]),
		_affine([_windows, _term("beta.kubernetes.io/os", "In", ["windows"])]),
	] {
		node.is_windows(spec)
	}
}

test_what_may_run_elsewhere_is_not_of_windows if {
	every spec in [
		{}, {"os": {"name": "linux"}}, {"nodeSelector": {"kubernetes.io/os": "linux"}}, _affine([]),
		_affine([_windows, _term("disk", "In", ["ssd"])]), _affine([_term("kubernetes.io/os", "NotIn", ["windows"])]),
		_affine([_term("kubernetes.io/os", "In", ["windows", "linux"])]), _affine([{}, _windows]),
		{"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"preference": _windows}]}}},
	] {
		not node.is_windows(spec)
	}
}

test_what_is_malformed_is_not_of_windows if {
	every terms in [null, 5, "x", {}, [null], ["x"], [{"matchExpressions": "x"}], [{"matchExpressions": [null]}]] {
		not node.is_windows(_affine(terms))
	}
	every spec in [null, 5, {"os": "windows"}, {"nodeSelector": "windows"}, {"affinity": []}] {
		not node.is_windows(spec)
	}
}
