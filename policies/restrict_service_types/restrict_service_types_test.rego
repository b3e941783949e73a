package policies.restrict_service_types_test

import data.policies.restrict_service_types

_service(spec) := {
	"request": {"operation": "CREATE", "namespace": "shop", "object": {"kind": "Service", "spec": spec}},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": {"allowed_types": ["ClusterIP", "ExternalName"], "allowed_external_ips": []},
	"now": "2026-01-01T00:00:00Z",
}

_with(document, parameters) := object.union(document, {"parameters": parameters})

_fields(violations) := {v.field | some v in violations}

test_ordinary_services_pass if {
	every spec in [
		{},
		{"type": null},
		{"type": ""},
		{"type": "ClusterIP"},
		{"type": "ClusterIP", "clusterIP": "None"},
		{"type": "ExternalName", "externalName": "db.example.com"},
		{"externalIPs": null},
		{"externalIPs": []},
	] {
		count(restrict_service_types.deny) == 0 with input as _service(spec)
	}
}

test_types_that_are_not_allowed_are_refused if {
	every type in ["NodePort", "LoadBalancer"] {
		restrict_service_types.deny == {{
			"msg": sprintf("type %q is not allowed", [type]),
			"field": "spec.type",
			"remedy": "set spec.type to ClusterIP or ExternalName",
		}} with input as _service({"type": type})
	}
}

test_types_are_allowed_by_the_parameter if {
	parameters := {"allowed_types": ["ClusterIP", "LoadBalancer"]}
	count(restrict_service_types.deny) == 0 with input as _with(_service({"type": "LoadBalancer"}), parameters)
	every type in ["NodePort", "ExternalName"] {
		found := restrict_service_types.deny with input as _with(_service({"type": type}), parameters)
		_fields(found) == {"spec.type"}
	}
}

test_service_without_a_type_is_a_cluster_ip if {
	found := restrict_service_types.deny with input as _with(_service({}), {"allowed_types": ["LoadBalancer"]})
	{v.msg | some v in found} == {`type "ClusterIP" is not allowed`}
}

test_no_type_may_be_allowed if {
	found := restrict_service_types.deny with input as _with(_service({}), {"allowed_types": []})
	{v.remedy | some v in found} == {"set spec.type to one of the allowed types, of which there are none"}
}

test_external_ips_are_refused if {
	restrict_service_types.deny == {{
		"msg": `external IP "192.0.2.7" is in no range that is allowed`,
		"field": "spec.externalIPs[0]",
		"remedy": "remove spec.externalIPs[0], and publish the Service by an Ingress or Gateway",
	}} with input as _service({"externalIPs": ["192.0.2.7"]})
}

_ranges := {"allowed_external_ips": ["192.0.2.0/24", "2001:db8::/64"]}

test_external_ips_in_an_allowed_range_pass if {
	every ip in ["192.0.2.0", "192.0.2.255", "2001:db8::1", "2001:0DB8:0:0::1"] {
		count(restrict_service_types.deny) == 0 with input as _with(_service({"externalIPs": [ip]}), _ranges)
	}
}

test_every_external_ip_is_examined if {
	addresses := ["192.0.2.1", "192.0.3.1", "2001:db8::1", "2001:db8:0:1::1", "10.0.0.1"]
	found := restrict_service_types.deny with input as _with(_service({"externalIPs": addresses}), _ranges)
	_fields(found) == {"spec.externalIPs[1]", "spec.externalIPs[3]", "spec.externalIPs[4]"}
}

test_external_ips_of_every_type_are_examined if {
	every type in ["ClusterIP", "ExternalName"] {
		found := restrict_service_types.deny with input as _service({"type": type, "externalIPs": ["192.0.2.7"]})
		_fields(found) == {"spec.externalIPs[0]"}
	}
}

test_what_is_no_address_is_in_no_range if {
	everything := {"allowed_external_ips": ["0.0.0.0/0", "::/0"]}
	every ip in [
		"", "x", "192.0.2", "192.0.2.256", "192.0.2.1/32", " 192.0.2.1", "192.0.2.1\n", "0xc0000201", "localhost",
		5, 1.5, true, null, [], {}, ["192.0.2.1"],
	] {
		found := restrict_service_types.deny with input as _with(_service({"externalIPs": [ip]}), everything)
		_fields(found) == {"spec.externalIPs[0]"}
	}
}

test_range_that_cannot_be_read_allows_nothing if {
	every range in ["192.0.2.0", "192.0.2.0/33", "192.0.2.0.0/24", "x/8", "2001:db8::/129"] {
		parameters := {"allowed_external_ips": [range]}
		found := restrict_service_types.deny with input as _with(_service({"externalIPs": ["192.0.2.0"]}), parameters)
		_fields(found) == {"spec.externalIPs[0]"}
	}
}

test_values_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, true, null, [], {"externalIPs": "192.0.2.1"}, {"externalIPs": {"a": "192.0.2.1"}}] {
		count(restrict_service_types.deny) == 0 with input as _service(value)
	}
	every type in [5, true, ["ClusterIP"], {"a": "b"}, "clusterip", " ClusterIP"] {
		found := restrict_service_types.deny with input as _service({"type": type})
		_fields(found) == {"spec.type"}
	}
}
