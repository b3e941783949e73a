# METADATA
# title: Pods set only sysctls that are safe
# description: |
#   The control sysctls of the Pod Security Standard "baseline": Pods may set only sysctls that concern themselves and
#   nobody else on the node: since v1.0 kernel.shm_rmid_forced, net.ipv4.ip_local_port_range, net.ipv4.tcp_syncookies,
#   net.ipv4.ping_group_range and net.ipv4.ip_unprivileged_port_start; since v1.27 net.ipv4.ip_local_reserved_ports;
#   since v1.29 net.ipv4.tcp_keepalive_time, net.ipv4.tcp_fin_timeout, net.ipv4.tcp_keepalive_intvl and
#   net.ipv4.tcp_keepalive_probes; since v1.32 net.ipv4.tcp_rmem and net.ipv4.tcp_wmem; since v1.37
#   net.ipv4.tcp_slow_start_after_idle and net.ipv4.tcp_notsent_lowat. Their values are left alone. Spelled with
#   slashes, without a name or null, a sysctl is none of these.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# - ref: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   controls: [pss/baseline/sysctls]
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
package policies.pss_sysctls

import data.lib.part
import data.lib.pss

deny contains violation if {
	sysctls := input.pod.spec.securityContext.sysctls
	is_array(sysctls)
	some i, sysctl in sysctls
	not _allowed(sysctl, input.parameters.version)
	at := sprintf(".securityContext.sysctls[%d]", [i])
	violation := _violation(at, sysctl, input.parameters.version)
}

# What is no list and no mapping cannot be judged.
deny contains violation if {
	sysctls := input.pod.spec.securityContext.sysctls
	not is_array(sysctls)
	sysctls != null
	violation := pss.not_a(part.pod, ".securityContext.sysctls", "list")
}

deny contains violation if {
	input.pod.spec.securityContext < {}
	input.pod.spec.securityContext != null
	violation := pss.not_a(part.pod, ".securityContext", "mapping")
}

_allowed(sysctl, version) if {
	since := _since[sysctl.name]
	pss.at_least(version, since)
}

# The minor version that came to allow each.
_since := {
	"kernel.shm_rmid_forced": 0,
	"net.ipv4.ip_local_port_range": 0,
	"net.ipv4.ip_local_reserved_ports": 27,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range": 0,
	"net.ipv4.tcp_fin_timeout": 29,
	"net.ipv4.tcp_keepalive_intvl": 29,
	"net.ipv4.tcp_keepalive_probes": 29,
	"net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_notsent_lowat": 37,
	"net.ipv4.tcp_rmem": 32,
	"net.ipv4.tcp_slow_start_after_idle": 37,
	"net.ipv4.tcp_syncookies": 0,
	"net.ipv4.tcp_wmem": 32,
}

_violation(at, sysctl, version) := pss.not_a(part.pod, at, "mapping") if {
	sysctl < {}
} else := violation if {
	name := object.get(sysctl, "name", null)
	fault := sprintf("sysctl %s is not allowed as of version %s", [part.shown(name), version])
	violation := pss.violation(part.pod, concat("", [at, ".name"]), fault, "remove the sysctl of %s")
}
