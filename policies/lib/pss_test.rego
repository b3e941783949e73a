package lib.pss_test

import data.lib.pss

test_version_is_compared_by_number if {
	pss.at_least("v1.9", 9)
	pss.at_least("v1.10", 9)
	pss.at_least("v1.25", 8)
	pss.at_least("v1.0", 0)
	pss.at_least("v1.100", 99)
	not pss.at_least("v1.9", 10)
	not pss.at_least("v1.24", 25)
	not pss.at_least("v1.0", 1)
}

test_latest_is_newer_than_all if {
	pss.at_least("latest", 0)
	pss.at_least("latest", 999)
}

test_what_is_no_version_counts_as_latest if {
	every version in [
		"", "v1", "v1.", "v1.x", "v1.007", "v1.00", "v1.1.2", "v1.-1", "v1.1e3", "v2.3", "1.25",
		null, 1.25, {}, [],
	] {
		pss.at_least(version, 999)
	}
}

test_user_namespace_is_host_users_false if {
	pss.in_user_namespace({"hostUsers": false})
	every spec in [{"hostUsers": true}, {"hostUsers": null}, {"hostUsers": "false"}, {}, null, "x", 5, []] {
		not pss.in_user_namespace(spec)
	}
}

test_windows_is_spelled_as_kubernetes_does if {
	pss.on_windows({"os": {"name": "windows"}})
	every os in [{"name": "Windows"}, {"name": "linux"}, {"name": null}, {}, null, "windows", []] {
		not pss.on_windows({"os": os})
	}
	every spec in [{}, null, "windows", 5, []] {
		not pss.on_windows(spec)
	}
}
