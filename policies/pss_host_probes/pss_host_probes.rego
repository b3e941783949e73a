# METADATA
# title: Probes and lifecycle hooks call the Pod itself
# description: |
#   The control hostProbesAndHostLifecycle of the Pod Security Standard "baseline": in no container (init, sidecar and
#   ephemeral ones too) may livenessProbe, readinessProbe, startupProbe, lifecycle.postStart or lifecycle.preStop have
#   an httpGet or tcpSocket with a host. The kubelet calls that host from the node's network, wherever it is; without
#   one it calls the Pod. An empty host, null and silence pass; 127.0.0.1, the node itself, does not. Since v1.34;
#   before that everything passes.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
# - ref: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/hostProbesAndHostLifecycle]
#   parameters:
#     version: latest
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       version:
#         description: The version of Kubernetes whose rules hold, latest or v1.NN.
#         type: string
#         pattern: ^(latest|v1\.(0|[1-9][0-9]{0,3}))$
package policies.pss_host_probes

import data.lib.pss

deny contains violation if {
	some c in input.containers
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	handler := c.spec[probe]
	not _hostless(handler)
	pss.at_least(input.parameters.version, 34)
	some violation in _violations(c, concat("", [".", probe]), handler)
}

deny contains violation if {
	some c in input.containers
	lifecycle := c.spec.lifecycle
	some hook in ["postStart", "preStop"]
	handler := lifecycle[hook]
	not _hostless(handler)
	pss.at_least(input.parameters.version, 34)
	some violation in _violations(c, concat("", [".lifecycle.", hook]), handler)
}

# What is no mapping says nothing that could be judged.
deny contains violation if {
	some c in input.containers
	c.spec.lifecycle < {}
	c.spec.lifecycle != null
	pss.at_least(input.parameters.version, 34)
	violation := pss.not_a(c, ".lifecycle", "mapping")
}

deny contains violation if {
	some c in input.containers
	c.spec < {}
	c.spec != null
	pss.at_least(input.parameters.version, 34)
	violation := pss.not_a(c, "", "mapping")
}

# Nothing to look at more closely, as in most handlers. Engines differ in how they negate a comparison with what is not
# there, so that each is a list that must stay empty.
_hostless(handler) if {
	handler >= {}
	[1 | handler.httpGet < {}] == []
	[1 | handler.tcpSocket < {}] == []
	[1 | handler.httpGet.host != ""] == []
	[1 | handler.tcpSocket.host != ""] == []
}

_violations(c, at, handler) := {violation |
	handler != null
	violation := pss.not_a(c, at, "mapping")
} if {
	handler < {}
}

_violations(c, at, handler) := {violation |
	some action in ["httpGet", "tcpSocket"]
	violation := _violation(c, concat(".", [at, action]), handler[action])
} if {
	handler >= {}
}

_violation(c, at, action) := pss.not_a(c, at, "mapping") if {
	action < {}
	action != null
}

_violation(c, at, action) := violation if {
	action.host != ""
	action.host != null
	advice := "remove %s, so that the Pod's own address is called"
	violation := pss.not_among(c, concat("", [at, ".host"]), action.host, "the Pod itself", advice)
}
