# METADATA
# title: Containers run as non-root
# description: |
#   Every container (init, sidecar and ephemeral ones too) must run with runAsNonRoot: true, its own or the Pod's, and
#   neither the Pod nor a container may state user 0. For Linux Pods this refuses what the controls runAsNonRoot and
#   runAsUser of the Pod Security Standard "restricted" refuse, and nothing else that is valid: a wrong value at the
#   Pod's level counts even if every container overrides it, and a container's own value wins over the Pod's. Since
#   Kubernetes 1.35 the standard lets a Pod with hostUsers: false run as root; set allow_user_namespaces to follow it.
#   In a Windows Pod (os.name: windows) runAsUser has no meaning: there the user name in effect must not be an
#   administrator's, and without a user name runAsNonRoot: true is needed; the standard asks for the latter in any case.
#   A value of the wrong type is refused, and so is a user id that Kubernetes does not take.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   controls: [cis/5.2.7]
#   parameters:
#     min_run_as_user: 1
#     allow_user_namespaces: false
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       min_run_as_user:
#         description: Lowest user id to state in a Linux Pod; above 1, every container must have one.
#         type: integer
#         minimum: 1
#         maximum: 2147483647
#       allow_user_namespaces:
#         description: Accept any user in a Linux Pod with hostUsers false, where root is not the node's root.
#         type: boolean
package policies.require_non_root

import data.lib.part

# Whatever can state a securityContext: the Pod and its containers.
_levels := array.concat([{"kind": "pod", "spec": object.get(input.pod, "spec", null)}], input.containers)

deny contains violation if {
	some level in _levels
	value := level.spec.securityContext.runAsNonRoot
	value != true
	value != null
	_judged_as(input.pod.spec, input.parameters) == "linux"
	violation := _violation(level, "runAsNonRoot is not true", ".securityContext.runAsNonRoot", true)
}

deny contains violation if {
	some level in _levels
	user := level.spec.securityContext.runAsUser
	user != null
	not _user_id(user, input.parameters.min_run_as_user)
	_judged_as(input.pod.spec, input.parameters) == "linux"
	what := sprintf("runAsUser is %s, not a user id of at least %d", [part.shown(user), input.parameters.min_run_as_user])
	violation := _violation(level, what, ".securityContext.runAsUser", _user_like(input.parameters.min_run_as_user))
}

# A container that says nothing, in a Pod that says nothing.
deny contains violation if {
	not input.pod.spec.securityContext.runAsNonRoot == true
	some c in input.containers
	not c.spec.securityContext.runAsNonRoot == true
	_judged_as(input.pod.spec, input.parameters) == "linux"
	violation := _unsaid(c, input.pod.spec, part.pod_path, "runAsNonRoot", true)
}

deny contains violation if {
	input.parameters.min_run_as_user > 1
	_judged_as(input.pod.spec, input.parameters) == "linux"
	some c in input.containers
	user := _user_like(input.parameters.min_run_as_user)
	violation := _unsaid(c, input.pod.spec, part.pod_path, "runAsUser", user)
}

# Windows: a user name, the container's or else the Pod's, says more than runAsNonRoot.
deny contains violation if {
	input.pod.spec.os.name == "windows"
	some c in input.containers
	user := _windows_user([c, part.pod])
	not _ordinary(user.name)
	violation := {
		"msg": sprintf("%s: runAsUserName %s is an administrator or no user name", [part.label(c), part.shown(user.name)]),
		"field": user.field,
		"remedy": sprintf("set %s: ContainerUser", [user.field]),
	}
}

deny contains violation if {
	input.pod.spec.os.name == "windows"
	some c in input.containers
	not _windows_user([c, part.pod])
	not _non_root(c.spec, input.pod.spec)
	what := "neither runAsNonRoot: true nor a runAsUserName is in effect"
	violation := _violation(c, what, ".securityContext.runAsNonRoot", true)
}

# What is no mapping cannot be read, and says nothing that could be trusted.
deny contains violation if {
	some level in _levels
	not is_object(level.spec)
	violation := _violation(level, "is not a mapping", "", "{securityContext: {runAsNonRoot: true}}")
}

deny contains violation if {
	some level in _levels
	context := level.spec.securityContext
	not is_object(context)
	context != null
	violation := _violation(level, "securityContext is not a mapping", ".securityContext", "{runAsNonRoot: true}")
}

deny contains violation if {
	input.pod.spec.os.name == "windows"
	some level in _levels
	options := level.spec.securityContext.windowsOptions
	not is_object(options)
	options != null
	what := "windowsOptions is not a mapping"
	violation := _violation(level, what, ".securityContext.windowsOptions", "{runAsUserName: ContainerUser}")
}

_judged_as(pod_spec, parameters) := "windows" if {
	pod_spec.os.name == "windows"
} else := "nothing" if {
	pod_spec.hostUsers == false
	parameters.allow_user_namespaces == true
} else := "linux"

# Kubernetes takes user ids up to 2^31 - 1.
_user_id(user, min) if {
	is_number(user)
	user >= 1
	user >= min
	user <= 2147483647
	floor(user) == user
}

_user_like(min) := max([65532, min])

_unsaid(c, pod_spec, pod_path, key, value) := {
	"msg": sprintf("%s: %s is set neither here nor for the Pod", [part.label(c), key]),
	"field": sprintf("%s.securityContext.%s", [c.path, key]),
	"remedy": sprintf("set %s.securityContext.%s: %v", [pod_path, key, value]),
} if {
	not _states(c.spec, key)
	not _states(pod_spec, key)
}

_states(spec, key) if spec.securityContext[key] != null

_non_root(spec, _) if spec.securityContext.runAsNonRoot == true

_non_root(spec, pod_spec) if {
	not _states(spec, "runAsNonRoot")
	pod_spec.securityContext.runAsNonRoot == true
}

# The user name in effect and where it is written: the first of the levels that has one; undefined if none has.
_windows_user(levels) := [{"name": name, "field": field} |
	some level in levels
	name := level.spec.securityContext.windowsOptions.runAsUserName
	name != null
	field := sprintf("%s.securityContext.windowsOptions.runAsUserName", [level.path])
][0]

# Windows compares names without case; a domain before the backslash does not make an administrator less of one.
_ordinary(name) if {
	is_string(name)
	parts := split(name, "\\")
	user := lower(trim_space(parts[count(parts) - 1]))
	not user in {"", "administrator", "administrators", "containeradministrator", "localsystem", "system"}
}

_violation(level, what, at, value) := {
	"msg": sprintf("%s: %s", [part.label(level), what]),
	"field": field,
	"remedy": sprintf("set %s: %v", [field, value]),
} if {
	field := concat("", [_path(level), at])
}

_path(level) := part.pod_path if level.kind == "pod"

_path(level) := level.path if level.kind != "pod"
