package policies.restrict_ingress_hosts_test

import data.policies.restrict_ingress_hosts

_defaults := {
	"allowed": [],
	"namespaces": {},
	"require_host": true,
	"host_annotations": ["nginx.ingress.kubernetes.io/server-alias"],
}

_object(kind, spec, annotations) := {
	"request": {
		"operation": "CREATE",
		"namespace": "shop",
		"object": {"kind": kind, "metadata": {"name": "web", "annotations": annotations}, "spec": spec},
	},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

_ingress(hosts) := _object("Ingress", {"rules": [{"host": host} | some host in hosts]}, {})

_route(hosts) := _object("HTTPRoute", {"hostnames": hosts}, {})

_with(document, parameters) := object.union(document, {"parameters": parameters})

_only(pattern) := {"allowed": [pattern]}

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

test_any_host_passes_without_patterns if {
	count(restrict_ingress_hosts.deny) == 0 with input as _ingress(["shop.example.com", "*.example.com"])
	count(restrict_ingress_hosts.deny) == 0 with input as _route(["shop.example.com", "*.example.com"])
}

test_host_that_is_not_allowed_is_refused if {
	document := _with(_ingress(["shop.example.com", "bank.example.com"]), _only("shop.example.com"))
	restrict_ingress_hosts.deny == {{
		"msg": `host "bank.example.com" is not allowed here`,
		"field": "spec.rules[1].host",
		"remedy": "set spec.rules[1].host to a host that fits shop.example.com",
	}} with input as document
}

test_hostname_of_a_route_that_is_not_allowed_is_refused if {
	document := _with(_route(["shop.example.com", "bank.example.com"]), _only("shop.example.com"))
	restrict_ingress_hosts.deny == {{
		"msg": `hostname "bank.example.com" is not allowed here`,
		"field": "spec.hostnames[1]",
		"remedy": "set spec.hostnames[1] to a host that fits shop.example.com",
	}} with input as document
}

_fits(document, pattern) if {
	count(restrict_ingress_hosts.deny) == 0 with input as _with(document, _only(pattern))
}

test_exact_pattern_means_one_host if {
	_fits(_ingress(["example.com"]), "example.com")
	_fits(_route(["example.com"]), "example.com")
	others := ["a.example.com", "*.example.com", "example.com.evil.io", "notexample.com", "EXAMPLE.com", "example.com."]
	every host in others {
		not _fits(_ingress([host]), "example.com")
		not _fits(_route([host]), "example.com")
	}
}

test_wildcard_pattern_means_one_label if {
	every host in ["a.example.com", "*.example.com", "a-b.example.com"] {
		_fits(_ingress([host]), "*.example.com")
	}
	others := ["example.com", "a.b.example.com", "*.b.example.com", ".example.com", "a.example.com.io", "aexample.com"]
	every host in others {
		not _fits(_ingress([host]), "*.example.com")
		not _fits(_route([host]), "*.example.com")
	}
}

test_double_wildcard_pattern_means_all_labels if {
	every host in ["a.example.com", "*.example.com", "a.b.example.com", "*.b.example.com"] {
		_fits(_ingress([host]), "**.example.com")
		_fits(_route([host]), "**.example.com")
	}
	every host in ["example.com", "a.example.org", "aexample.com", "*"] {
		not _fits(_ingress([host]), "**.example.com")
		not _fits(_route([host]), "**.example.com")
	}
}

# In a route a wildcard stands for any number of labels, more than the pattern allows.
test_wildcard_of_a_route_does_not_fit_one_label if {
	_fits(_route(["a.example.com"]), "*.example.com")
	not _fits(_route(["*.example.com"]), "*.example.com")
}

test_bare_wildcard_is_refused if {
	restrict_ingress_hosts.deny == {{
		"msg": `host "*" is not allowed here`,
		"field": "spec.rules[0].host",
		"remedy": "set spec.rules[0].host to a host name of its own",
	}} with input as _ingress(["*"])
	count(restrict_ingress_hosts.deny) == 1 with input as _route(["*"])
}

test_namespaces_have_hosts_of_their_own if {
	parameters := {
		"allowed": ["*.apps.example.com"],
		"namespaces": {"shop": ["shop.example.com"], "bank": ["bank.example.com"]},
	}
	count(restrict_ingress_hosts.deny) == 0 with input as _with(
		_ingress(["shop.example.com", "a.apps.example.com"]),
		parameters,
	)
	found := restrict_ingress_hosts.deny with input as _with(_ingress(["bank.example.com"]), parameters)
	{v.remedy | some v in found} == {"set spec.rules[0].host to a host that fits *.apps.example.com or shop.example.com"}
}

test_namespace_without_hosts_may_use_none if {
	parameters := {"namespaces": {"bank": ["bank.example.com"]}}
	found := restrict_ingress_hosts.deny with input as _with(_ingress(["shop.example.com"]), parameters)
	{v.remedy | some v in found} == {"set spec.rules[0].host to a host of this namespace, for which none is listed"}
}

test_request_without_a_namespace_may_use_the_hosts_of_all if {
	document := json.remove(_with(_ingress(["a.io", "b.io"]), {"allowed": ["a.io"]}), ["request/namespace"])
	_fields(restrict_ingress_hosts.deny) == {"spec.rules[1].host"} with input as document
}

test_rule_without_a_host_is_refused if {
	every rule in [{}, {"host": ""}, {"host": null}, {"http": {"paths": []}}, "x", null] {
		restrict_ingress_hosts.deny == {{
			"msg": "rule 0 serves every host",
			"field": "spec.rules[0].host",
			"remedy": "set spec.rules[0].host, for example to shop.example.com",
		}} with input as _object("Ingress", {"rules": [rule]}, {})
	}
}

test_default_backend_is_refused if {
	restrict_ingress_hosts.deny == {{
		"msg": "spec.defaultBackend serves every host",
		"field": "spec.defaultBackend",
		"remedy": "remove spec.defaultBackend, and give each host a rule of its own",
	}} with input as _object("Ingress", {"defaultBackend": {"service": {"name": "web"}}}, {})
	found := restrict_ingress_hosts.deny with input as _object("Ingress", {"backend": {"serviceName": "web"}}, {})
	_fields(found) == {"spec.backend"}
	count(restrict_ingress_hosts.deny) == 0 with input as _object("Ingress", {"defaultBackend": null}, {})
}

test_route_without_hostnames_is_refused if {
	every spec in [{}, {"hostnames": []}, {"hostnames": null}, {"rules": [{"matches": []}]}, "x", null] {
		restrict_ingress_hosts.deny == {{
			"msg": "a route without hostnames serves every host",
			"field": "spec.hostnames",
			"remedy": "set spec.hostnames, for example to [shop.example.com]",
		}} with input as _object("HTTPRoute", spec, {})
	}
}

test_what_serves_every_host_passes_where_the_parameter_says_so if {
	open := {"require_host": false}
	count(restrict_ingress_hosts.deny) == 0 with input as _with(
		_object("Ingress", {"defaultBackend": {"service": {"name": "web"}}, "rules": [{}]}, {}),
		open,
	)
	count(restrict_ingress_hosts.deny) == 0 with input as _with(_object("HTTPRoute", {}, {}), open)
}

test_hosts_in_annotations_count if {
	aliases := {"nginx.ingress.kubernetes.io/server-alias": "a.example.com, bank.io,", "other": "bank.io"}
	document := _object("Ingress", {"rules": [{"host": "b.example.com"}]}, aliases)
	count(restrict_ingress_hosts.deny) == 0 with input as document
	restrict_ingress_hosts.deny == {{
		"msg": `alias "bank.io" is not allowed here`,
		"field": `metadata.annotations["nginx.ingress.kubernetes.io/server-alias"]`,
		"remedy": concat("", [
			`set metadata.annotations["nginx.ingress.kubernetes.io/server-alias"] to a host that fits `,
			"*.example.com",
		]),
	}} with input as _with(document, _only("*.example.com"))
	none := object.union(_only("*.example.com"), {"host_annotations": []})
	count(restrict_ingress_hosts.deny) == 0 with input as _with(document, none)
}

test_values_of_the_wrong_type_are_refused_or_left_to_the_server if {
	every host in [5, true, ["a.io"], {"a": "b"}] {
		_fields(restrict_ingress_hosts.deny) == {"spec.rules[0].host"} with input as _ingress([host])
		_fields(restrict_ingress_hosts.deny) == {"spec.hostnames[0]"} with input as _route([host])
		found := restrict_ingress_hosts.deny with input as _with(_ingress([host]), _only("**.io"))
		_fields(found) == {"spec.rules[0].host"}
	}
	_fields(restrict_ingress_hosts.deny) == {"spec.hostnames[0]"} with input as _route([null])
	every value in ["x", 5, true, null, [], {"rules": "x"}, {"rules": {"host": "*"}}, {"rules": null}] {
		count(restrict_ingress_hosts.deny) == 0 with input as _object("Ingress", value, {})
	}
	every value in ["x", 5, null, [], {"nginx.ingress.kubernetes.io/server-alias": 5}] {
		count(restrict_ingress_hosts.deny) == 0 with input as _object("Ingress", {}, value)
	}
	every value in ["x", 5, {"a": "b"}] {
		count(restrict_ingress_hosts.deny) == 0 with input as _route(value)
	}
}
