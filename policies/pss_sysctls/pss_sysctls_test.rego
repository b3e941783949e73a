package policies.pss_sysctls_test

import data.policies.pss_sysctls

# The input for a bare Pod.
_pod(pod_spec) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": pod_spec},
	"containers": [],
	"namespace": null,
	"parameters": {"version": "latest"},
	"now": "2026-01-01T00:00:00Z",
}

_template(document, kind, path) := object.union(
	document,
	{"workload": {"kind": kind, "name": "web", "path": path}},
)

_at(document, version) := object.union(document, {"parameters": {"version": version}})

_passes(document) if count(pss_sysctls.deny) == 0 with input as document

_fields(document) := fields if {
	violations := pss_sysctls.deny with input as document
	fields := {violation.field | some violation in violations}
}

_templates := {
	"Deployment": "spec.template",
	"Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template",
}

_sets(names) := {"securityContext": {"sysctls": [{"name": name, "value": "1"} | some name in names]}}

# The sysctls that came to be allowed, by version.
_allowed := {
	"v1.0": [
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	],
	"v1.27": ["net.ipv4.ip_local_reserved_ports"],
	"v1.29": [
		"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
	],
	"v1.32": ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"],
	"v1.37": ["net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"],
}

_before := {"v1.27": "v1.26", "v1.29": "v1.28", "v1.32": "v1.31", "v1.37": "v1.36"}

test_safe_sysctls_and_silence_pass if {
	_passes(_pod(_sets([name | some names in _allowed; some name in names])))
	every spec in [
		_sets([]), {"securityContext": {"sysctls": null}}, {"securityContext": {}}, {"securityContext": null}, {},
	] {
		_passes(_pod(spec))
	}
}

test_first_sysctls_are_allowed_in_every_version if {
	every version in ["v1.0", "v1.9", "v1.26", "v1.27", "v1.37", "v1.999", "latest"] {
		_passes(_at(_pod(_sets(_allowed["v1.0"])), version))
	}
}

test_each_sysctl_is_allowed_since_its_version_and_not_before if {
	every version, previous in _before {
		every name in _allowed[version] {
			document := _pod(_sets([name]))
			_passes(_at(document, version))
			_passes(_at(document, "v1.38"))
			_passes(_at(document, "v1.100"))
			_passes(document)
			_fields(_at(document, previous)) == {"spec.securityContext.sysctls[0].name"}
			_fields(_at(document, "v1.0")) == {"spec.securityContext.sysctls[0].name"}
			_fields(_at(document, "v1.4")) == {"spec.securityContext.sysctls[0].name"}
		}
	}
}

test_other_sysctl_is_refused if {
	pss_sysctls.deny == {{
		"msg": `Pod: sysctl "kernel.msgmax" is not allowed as of version v1.29`,
		"field": "spec.securityContext.sysctls[1].name",
		"remedy": "remove the sysctl of spec.securityContext.sysctls[1].name",
	}} with input as _at(_pod(_sets(["net.ipv4.tcp_syncookies", "kernel.msgmax"])), "v1.29")
}

test_other_sysctls_are_refused_in_every_version if {
	every version in ["v1.0", "v1.26", "v1.37", "v1.999", "latest"] {
		every name in [
			"kernel.sem", "net.ipv4.ip_forward", "net/ipv4/tcp_syncookies", "net.ipv4.tcp_syncookies ",
			"NET.ipv4.tcp_syncookies", "", null, 5, true, {}, ["net.ipv4.tcp_syncookies"],
		] {
			_fields(_at(_pod(_sets([name])), version)) == {"spec.securityContext.sysctls[0].name"}
		}
	}
}

test_each_sysctl_is_judged if {
	_fields(_pod(_sets(["kernel.sem", "net.ipv4.tcp_rmem", "kernel.msgmax"]))) == {
		"spec.securityContext.sysctls[0].name",
		"spec.securityContext.sysctls[2].name",
	}
}

test_sysctl_without_a_name_is_refused if {
	_fields(_pod({"securityContext": {"sysctls": [{}]}})) == {"spec.securityContext.sysctls[0].name"}
	_fields(_pod({"securityContext": {"sysctls": [{"value": "1"}]}})) == {"spec.securityContext.sysctls[0].name"}
}

test_template_is_judged_at_its_place if {
	every kind, path in _templates {
		document := _template(_pod(_sets(["kernel.sem"])), kind, path)
		_fields(document) == {sprintf("%s.spec.securityContext.sysctls[0].name", [path])}
	}
}

test_windows_and_user_namespaces_excuse_nothing if {
	every spec in [{"os": {"name": "windows"}}, {"hostUsers": false}] {
		count(_fields(_pod(object.union(spec, _sets(["kernel.sem"]))))) == 1
	}
}

test_sysctl_that_is_no_mapping_is_refused if {
	every value in [null, "net.ipv4.tcp_syncookies", 5, true, false, []] {
		_fields(_pod({"securityContext": {"sysctls": [value]}})) == {"spec.securityContext.sysctls[0]"}
	}
}

test_sysctls_that_are_no_list_are_refused if {
	every value in ["x", 5, true, false, {}, {"name": "kernel.sem"}] {
		_fields(_pod({"securityContext": {"sysctls": value}})) == {"spec.securityContext.sysctls"}
	}
}

test_security_context_that_is_no_mapping_is_refused if {
	every value in ["x", 5, true, false, []] {
		_fields(_pod({"securityContext": value})) == {"spec.securityContext"}
	}
}
