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

_web := {"kind": "init", "name": "web", "path": "spec.initContainers[0]"}

test_metadata_lies_beside_the_spec if {
	pss.metadata.path == "metadata" with input as {"workload": null}
	workload := {"kind": "CronJob", "path": "spec.jobTemplate.spec.template"}
	pss.metadata.path == "spec.jobTemplate.spec.template.metadata" with input as {"workload": workload}
}

test_violation_names_part_field_and_remedy if {
	pss.violation(_web, ".x", "x is wrong", "remove %s") == {
		"msg": `init container "web": x is wrong`,
		"field": "spec.initContainers[0].x",
		"remedy": "remove spec.initContainers[0].x",
	}
}

test_wrong_type_is_named if {
	pss.not_a(_web, ".a.b", "list") == {
		"msg": `init container "web": a.b is not a list`,
		"field": "spec.initContainers[0].a.b",
		"remedy": "write spec.initContainers[0].a.b as a list",
	}
	pss.not_a(_web, "", "mapping") == {
		"msg": `init container "web": is not a mapping`,
		"field": "spec.initContainers[0]",
		"remedy": "write spec.initContainers[0] as a mapping",
	}
}

test_value_is_shown_or_said_to_be_absent if {
	pss.not_among(_web, ".a", "y", "z", "set %s: z").msg == `init container "web": a is "y", not z`
	pss.not_among(_web, ".a", null, "z", "set %s: z").msg == `init container "web": a is not set, not z`
}

test_profile_is_faulted_by_its_type if {
	pss.forbidden_profile(_web, ".p", {"type": "Unconfined"}) == {
		"msg": `init container "web": p.type is "Unconfined", not RuntimeDefault or Localhost`,
		"field": "spec.initContainers[0].p.type",
		"remedy": "set spec.initContainers[0].p.type: RuntimeDefault",
	}
	pss.forbidden_profile(_web, ".p", {}).field == "spec.initContainers[0].p.type"
	pss.forbidden_profile(_web, ".p", "x").field == "spec.initContainers[0].p"
}

test_what_is_no_mapping_is_less_than_one if {
	every value in [null, false, true, 0, -1, "", "zzz", [], [{}]] {
		value < {}
	}
	every value in [{}, {"a": null}] {
		value >= {}
	}
}
