# METADATA
# title: Services open no way around the Ingress
# description: |
#   NodePort opens a port on every node and LoadBalancer an address of its own, both past the Ingress or Gateway with
#   its TLS, hosts and logs; only the types of the parameter `allowed_types` are accepted. ExternalName is accepted
#   unless it is taken from that list: it points at a name outside, which an ingress controller may then be made to
#   fetch. A Service without a type is a ClusterIP. Whoever sets spec.externalIPs receives what Pods send to these
#   addresses (CVE-2020-8554), so each must lie in a range of `allowed_external_ips`, by default none. The same flaw
#   through status.loadBalancer is not judged: only who may patch the status of Services can use it.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
# - ref: https://github.com/kubernetes/kubernetes/issues/97076
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [/v1/Service], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     allowed_types: [ClusterIP, ExternalName]
#     allowed_external_ips: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allowed_types:
#         description: Types that a Service may have.
#         type: array
#         items: {enum: [ClusterIP, ExternalName, LoadBalancer, NodePort]}
#       allowed_external_ips:
#         description: Ranges that external IPs may be taken from, for example 192.0.2.0/24 or 2001:db8::/64.
#         type: array
#         items: {type: string, pattern: "^[0-9a-fA-F.:]+/(0|[1-9][0-9]{0,2})$"}
package policies.restrict_service_types

import data.lib.part

deny contains violation if {
	type := _type(object.get(input.request.object, ["spec", "type"], null))
	not type in input.parameters.allowed_types
	violation := {
		"msg": sprintf("type %s is not allowed", [part.shown(type)]),
		"field": "spec.type",
		"remedy": sprintf("set spec.type to %s", [_choice(input.parameters.allowed_types)]),
	}
}

deny contains violation if {
	is_array(input.request.object.spec.externalIPs)
	some i, ip in input.request.object.spec.externalIPs
	not _in_range(ip, input.parameters.allowed_external_ips)
	field := sprintf("spec.externalIPs[%d]", [i])
	violation := {
		"msg": sprintf("external IP %s is in no range that is allowed", [part.shown(ip)]),
		"field": field,
		"remedy": sprintf("remove %s, and publish the Service by an Ingress or Gateway", [field]),
	}
}

# Until the API server fills it in, a Service may have no type.
_type(type) := "ClusterIP" if {
	type in {"", null}
} else := type

_in_range(ip, ranges) if {
	is_string(ip)
	net.cidr_is_valid(sprintf("%s/32", [ip]))
	some range in ranges
	net.cidr_is_valid(range)
	net.cidr_contains(range, ip)
}

_choice(types) := "one of the allowed types, of which there are none" if {
	types == []
} else := concat(" or ", types)
