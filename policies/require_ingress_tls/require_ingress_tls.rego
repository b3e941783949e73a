# METADATA
# title: Ingresses use TLS
# description: |
#   Every host of an Ingress must stand in spec.tls, or be covered there by a wildcard as certificates read it:
#   `*.example.com` covers the names one label below, not example.com itself. Kubernetes asks for the hosts of both
#   places to match, so an entry of spec.tls without hosts covers none. What serves every host cannot be covered by a
#   certificate: a rule without a host is refused, and so is a default backend of an Ingress without any spec.tls.
#   Each entry must name the Secret with its certificate unless `allow_default_certificate` is true, where the ingress
#   controller has one of its own. Whether plain HTTP is redirected is up to the controller and not judged.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [networking.k8s.io/Ingress, extensions/Ingress], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     allow_default_certificate: false
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allow_default_certificate:
#         description: Accept entries of spec.tls without a secretName, for which the controller has a certificate.
#         type: boolean
package policies.require_ingress_tls

import data.lib.part

deny contains violation if {
	some rule in _rules
	not _covered(rule.host)
	violation := {
		"msg": sprintf("host %s is not covered by spec.tls", [part.shown(rule.host)]),
		"field": rule.field,
		"remedy": sprintf("add %s to spec.tls[0].hosts, with the Secret of its certificate", [part.shown(rule.host)]),
	}
}

deny contains violation if {
	some rule in _rules
	rule.host in {"", null}
	violation := {
		"msg": sprintf("rule %d has no host, so that no certificate covers it", [rule.index]),
		"field": rule.field,
		"remedy": sprintf("set %s, for example to shop.example.com, and add it to spec.tls[0].hosts", [rule.field]),
	}
}

deny contains violation if {
	some key in ["defaultBackend", "backend"]
	input.request.object.spec[key] != null
	_entries == []
	violation := {
		"msg": sprintf("spec.%s is served without TLS", [key]),
		"field": "spec.tls",
		"remedy": "set spec.tls to the hosts that are served and the Secret of their certificate",
	}
}

deny contains violation if {
	input.parameters.allow_default_certificate != true
	some i, entry in _entries
	not _names_secret(entry)
	field := sprintf("spec.tls[%d].secretName", [i])
	violation := {
		"msg": sprintf("entry %d of spec.tls names no Secret", [i]),
		"field": field,
		"remedy": sprintf("set %s to the name of the Secret with the certificate", [field]),
	}
}

_rules contains {"index": i, "host": host, "field": sprintf("spec.rules[%d].host", [i])} if {
	is_array(input.request.object.spec.rules)
	some i, rule in input.request.object.spec.rules
	host := _host(rule)
}

_host(rule) := object.get(rule, "host", null) if {
	is_object(rule)
} else := null

_entries := input.request.object.spec.tls if {
	is_array(input.request.object.spec.tls)
} else := []

_certified contains host if {
	some entry in _entries
	is_array(entry.hosts)
	some host in entry.hosts
}

_covered(host) if host in {"", null}

_covered(host) if host in _certified

# The wildcard that would cover the host: its first label replaced.
_covered(host) if {
	is_string(host)
	at := indexof(host, ".")
	at > 0
	sprintf("*%s", [substring(host, at, -1)]) in _certified
}

_names_secret(entry) if {
	is_string(entry.secretName)
	entry.secretName != ""
}
