package lib.security_context_test

import data.lib.security_context

test_what_is_absent_or_null_is_unsaid if {
	every spec in [
		null, {}, {"securityContext": null}, {"securityContext": {}}, {"securityContext": {"runAsUser": null}},
		{"securityContext": {"runAsGroup": 5}},
	] {
		security_context.silent(spec, "runAsUser")
	}
}

test_what_is_said_is_not_unsaid if {
	every value in [0, 5, false, "", {}, []] {
		not security_context.silent({"securityContext": {"runAsUser": value}}, "runAsUser")
	}
}

test_what_cannot_be_read_leaves_nothing_unsaid if {
	every spec in ["x", 5, false, [], {"securityContext": "x"}, {"securityContext": []}, {"securityContext": false}] {
		not security_context.silent(spec, "runAsUser")
	}
}
