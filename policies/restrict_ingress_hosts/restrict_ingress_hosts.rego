# METADATA
# title: Ingresses claim only hosts they may
# description: |
#   Whoever names a host in an Ingress or a Gateway API route takes its traffic, another team's included. Every host
#   must fit a pattern of the parameter `allowed` or, for the object's own namespace, of the parameter `namespaces`;
#   while both are empty, any host but `*` will do. A pattern is an exact name, `*.example.com` for the names one
#   label below (as Kubernetes reads it), or `**.example.com` for all names below. A host that is a wildcard must be
#   covered whole: in an Ingress it stands for one label, in a route for any number. What serves every host is refused
#   as well, unless `require_host` is false: a rule without a host, a default backend, a route without hostnames.
#   Annotations that hold further hosts are named by `host_annotations`. The hosts of `spec.tls` route nothing and are
#   left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
# - ref: https://gateway-api.sigs.k8s.io/reference/spec/#hostname
# custom:
#   severity: high
#   enforcement: deny
#   match:
#     kinds:
#     - networking.k8s.io/Ingress
#     - extensions/Ingress
#     - gateway.networking.k8s.io/HTTPRoute
#     - gateway.networking.k8s.io/GRPCRoute
#     - gateway.networking.k8s.io/TLSRoute
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   parameters:
#     allowed: []
#     namespaces: {}
#     require_host: true
#     host_annotations: [nginx.ingress.kubernetes.io/server-alias]
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allowed:
#         description: "Hosts for every namespace, for example `shop.example.com`, `*.example.com` or `**.example.com`."
#         type: array
#         items: {type: string, pattern: '^(\*{1,2}\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'}
#       namespaces:
#         description: "Further hosts by namespace, for example `{shop: [shop.example.com]}`."
#         type: object
#         additionalProperties:
#           type: array
#           items: {type: string, pattern: '^(\*{1,2}\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'}
#       require_host:
#         description: Refuse what serves every host.
#         type: boolean
#       host_annotations:
#         description: Annotations of Ingresses that hold further hosts, separated by commas.
#         type: array
#         items: {type: string, minLength: 1}
package policies.restrict_ingress_hosts

import data.lib.part

deny contains violation if {
	some host in _hosts
	not _allowed(host)
	violation := {
		"msg": sprintf("%s %s is not allowed here", [host.what, part.shown(host.name)]),
		"field": host.field,
		"remedy": sprintf("set %s to %s", [host.field, _choice]),
	}
}

deny contains violation if {
	input.parameters.require_host == true
	some place in _open
	violation := {
		"msg": sprintf("%s serves every host", [place.what]),
		"field": place.field,
		"remedy": place.remedy,
	}
}

# Every host that the object names; in a route a wildcard stands for any number of labels.
_hosts contains host if {
	is_array(input.request.object.spec.rules)
	input.request.object.kind == "Ingress"
	some i, rule in input.request.object.spec.rules
	not rule.host in {"", null}
	host := {"what": "host", "name": rule.host, "field": sprintf("spec.rules[%d].host", [i]), "is_route": false}
}

_hosts contains host if {
	input.request.object.kind == "Ingress"
	some key in input.parameters.host_annotations
	value := input.request.object.metadata.annotations[key]
	is_string(value)
	some name in split(value, ",")
	trim_space(name) != ""
	field := sprintf("metadata.annotations[%q]", [key])
	host := {"what": "alias", "name": trim_space(name), "field": field, "is_route": false}
}

_hosts contains host if {
	is_array(input.request.object.spec.hostnames)
	some i, name in input.request.object.spec.hostnames
	host := {"what": "hostname", "name": name, "field": sprintf("spec.hostnames[%d]", [i]), "is_route": true}
}

# What takes the traffic of hosts that it does not name.
_open contains place if {
	is_array(input.request.object.spec.rules)
	input.request.object.kind == "Ingress"
	some i, rule in input.request.object.spec.rules
	object.get(_mapping(rule), "host", "") in {"", null}
	field := sprintf("spec.rules[%d].host", [i])
	remedy := sprintf("set %s, for example to shop.example.com", [field])
	place := {"what": sprintf("rule %d", [i]), "field": field, "remedy": remedy}
}

_open contains place if {
	input.request.object.kind == "Ingress"
	some key in ["defaultBackend", "backend"]
	input.request.object.spec[key] != null
	field := sprintf("spec.%s", [key])
	place := {"what": field, "field": field, "remedy": sprintf("remove %s, and give each host a rule of its own", [field])}
}

_open contains place if {
	input.request.object.kind != "Ingress"
	object.get(_mapping(input.request.object.spec), "hostnames", []) in [[], null]
	place := {
		"what": "a route without hostnames",
		"field": "spec.hostnames",
		"remedy": "set spec.hostnames, for example to [shop.example.com]",
	}
}

_mapping(value) := value if {
	is_object(value)
} else := {}

_patterns := array.concat(
	input.parameters.allowed,
	object.get(input.parameters.namespaces, object.get(input.request, "namespace", ""), []),
)

_any_host if {
	input.parameters.allowed == []
	input.parameters.namespaces == {}
}

_allowed(host) if {
	_any_host
	is_string(host.name)
	host.name != "*"
}

_allowed(host) if {
	is_string(host.name)
	some pattern in _patterns
	_fits(pattern, host)
}

_fits(pattern, host) if {
	pattern == host.name
	not _is_deep(host)
}

_fits(pattern, host) if {
	startswith(pattern, "*.")
	label := trim_suffix(host.name, substring(pattern, 1, -1))
	not label in {"", host.name}
	not contains(label, ".")
	not _is_deep(host)
}

_fits(pattern, host) if {
	startswith(pattern, "**.")
	labels := trim_suffix(host.name, substring(pattern, 2, -1))
	not labels in {"", host.name}
}

_is_deep(host) if {
	host.is_route
	startswith(host.name, "*.")
}

_choice := "a host name of its own" if {
	_any_host
} else := "a host of this namespace, for which none is listed" if {
	_patterns == []
} else := sprintf("a host that fits %s", [substring(concat(" or ", _patterns), 0, 200)])
