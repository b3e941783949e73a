package policies.require_ingress_tls_test

import data.policies.require_ingress_tls

_spec(spec) := {
	"request": {"operation": "CREATE", "namespace": "shop", "object": {"kind": "Ingress", "spec": spec}},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": {"allow_default_certificate": false},
	"now": "2026-01-01T00:00:00Z",
}

_ingress(hosts, certified) := _spec({
	"rules": [{"host": host} | some host in hosts],
	"tls": [{"hosts": certified, "secretName": "web-tls"}],
})

_default_certificate(document) := object.union(document, {"parameters": {"allow_default_certificate": true}})

_fields(violations) := {v.field | some v in violations}

test_host_in_tls_passes if {
	count(require_ingress_tls.deny) == 0 with input as _ingress(["a.example.com"], ["a.example.com"])
}

test_host_without_tls_is_refused if {
	require_ingress_tls.deny == {{
		"msg": `host "a.example.com" is not covered by spec.tls`,
		"field": "spec.rules[0].host",
		"remedy": `add "a.example.com" to spec.tls[0].hosts, with the Secret of its certificate`,
	}} with input as _spec({"rules": [{"host": "a.example.com"}]})
}

test_every_host_is_examined if {
	found := require_ingress_tls.deny with input as _ingress(["a.io", "b.io", "c.io"], ["b.io"])
	_fields(found) == {"spec.rules[0].host", "spec.rules[2].host"}
}

test_hosts_of_all_entries_count if {
	count(require_ingress_tls.deny) == 0 with input as _spec({
		"rules": [{"host": "a.io"}, {"host": "b.io"}],
		"tls": [{"hosts": ["a.io"], "secretName": "a"}, {"hosts": ["b.io"], "secretName": "b"}],
	})
}

_passes(host, certified) if {
	count(require_ingress_tls.deny) == 0 with input as _ingress([host], [certified])
}

test_wildcard_covers_one_label if {
	_passes("a.example.com", "*.example.com")
	_passes("*.example.com", "*.example.com")
	not _passes("example.com", "*.example.com")
	not _passes("a.b.example.com", "*.example.com")
	not _passes("*.b.example.com", "*.example.com")
	not _passes(".example.com", "*.example.com")
	not _passes("a.example.com", "*.b.example.com")
	not _passes("a.example.com", "*")
	not _passes("localhost", "*")
}

test_name_does_not_cover_a_wildcard if not _passes("*.example.com", "a.example.com")

test_entry_without_hosts_covers_nothing if {
	every tls in [{"secretName": "a"}, {"secretName": "a", "hosts": []}, {"secretName": "a", "hosts": null}] {
		found := require_ingress_tls.deny with input as _spec({"rules": [{"host": "a.io"}], "tls": [tls]})
		_fields(found) == {"spec.rules[0].host"}
	}
}

test_rule_without_a_host_is_refused if {
	every rule in [{}, {"host": ""}, {"host": null}, {"http": {}}, "x", null] {
		require_ingress_tls.deny == {{
			"msg": "rule 0 has no host, so that no certificate covers it",
			"field": "spec.rules[0].host",
			"remedy": "set spec.rules[0].host, for example to shop.example.com, and add it to spec.tls[0].hosts",
		}} with input as _spec({"rules": [rule], "tls": [{"hosts": ["a.io"], "secretName": "a"}]})
	}
}

test_default_backend_without_tls_is_refused if {
	every key in ["defaultBackend", "backend"] {
		every tls in [null, [], "x"] {
			require_ingress_tls.deny == {{
				"msg": sprintf("spec.%s is served without TLS", [key]),
				"field": "spec.tls",
				"remedy": "set spec.tls to the hosts that are served and the Secret of their certificate",
			}} with input as _spec({key: {"service": {"name": "web"}}, "tls": tls})
		}
		found := require_ingress_tls.deny with input as _spec({key: {"service": {"name": "web"}}})
		_fields(found) == {"spec.tls"}
	}
}

test_default_backend_with_tls_passes if {
	count(require_ingress_tls.deny) == 0 with input as _spec({
		"defaultBackend": {"service": {"name": "web"}},
		"tls": [{"hosts": ["a.io"], "secretName": "a"}],
	})
}

test_entry_without_a_secret_is_refused if {
	every entry in [{"hosts": ["a.io"]}, {"hosts": ["a.io"], "secretName": ""}, {"hosts": ["a.io"], "secretName": 5}] {
		document := _spec({"rules": [{"host": "a.io"}], "tls": [entry]})
		require_ingress_tls.deny == {{
			"msg": "entry 0 of spec.tls names no Secret",
			"field": "spec.tls[0].secretName",
			"remedy": "set spec.tls[0].secretName to the name of the Secret with the certificate",
		}} with input as document
		count(require_ingress_tls.deny) == 0 with input as _default_certificate(document)
	}
}

test_default_certificate_covers_no_host_that_tls_does_not_name if {
	document := _default_certificate(_spec({"rules": [{"host": "b.io"}], "tls": [{"hosts": ["a.io"]}]}))
	found := require_ingress_tls.deny with input as document
	_fields(found) == {"spec.rules[0].host"}
}

test_values_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, true, null, [], {"rules": "x"}, {"rules": {"host": "a"}}, {"tls": "x"}, {"rules": []}] {
		count(require_ingress_tls.deny) == 0 with input as _spec(value)
	}
	every host in [5, true, ["a.io"], {"a": "b"}] {
		found := require_ingress_tls.deny with input as _ingress([host], ["a.io"])
		_fields(found) == {"spec.rules[0].host"}
	}
	every entry in ["x", 5, null, [], {"hosts": "a.io"}, {"hosts": {"a.io": "a.io"}}] {
		found := require_ingress_tls.deny with input as _spec({"rules": [{"host": "a.io"}], "tls": [entry]})
		_fields(found) == {"spec.rules[0].host", "spec.tls[0].secretName"}
	}
}
