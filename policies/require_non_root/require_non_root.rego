# METADATA
# title: Containers run as non-root
# description: |
#   Every container (init, sidecar and ephemeral ones too) must run with runAsNonRoot: true, its own or the Pod's, and
#   neither the Pod nor a container may state user 0. For Linux Pods this refuses what the controls runAsNonRoot and
#   runAsUser of the Pod Security Standard "restricted" refuse, and nothing else that is valid: a wrong value at the
#   Pod's level counts even if every container overrides it, and a container's own value wins over the Pod's. Since
#   Kubernetes 1.35 the standard lets a Pod with hostUsers: false run as root; set allow_user_namespaces to follow it.
#   In a Windows Pod (os.name: windows) runAsUser has no meaning: there the user name in effect must not be an
#   administrator's, and without a user name runAsNonRoot: true is needed. A value of the wrong type is refused.
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

# What the Pod itself states.
deny contains violation if {
	some key in _examined[_judged_as(input.pod.spec, input.parameters)]
	problem := _problem(key, input.pod.spec, input.parameters)
	violation := _violation("Pod", _pod_path(object.get(input, "workload", null)), problem)
}

# What a container states.
deny contains violation if {
	some key in _examined[_judged_as(input.pod.spec, input.parameters)]
	some c in input.containers
	problem := _problem(key, c.spec, input.parameters)
	violation := _violation(_label(c), c.path, problem)
}

# What neither of them states.
deny contains violation if {
	_judged_as(input.pod.spec, input.parameters) == "linux"
	some [key, value] in _needed(input.parameters)
	not _states(input.pod.spec, key)
	some c in input.containers
	not _states(c.spec, key)
	pod_path := _pod_path(object.get(input, "workload", null))
	violation := {
		"msg": sprintf("%s: %s is set neither here nor for the Pod", [_label(c), key]),
		"field": sprintf("%s.securityContext.%s", [c.path, key]),
		"remedy": sprintf("set %s.securityContext.%s: %v", [pod_path, key, value]),
	}
}

# Windows: a user name, the container's or else the Pod's, says more than runAsNonRoot.
deny contains violation if {
	_judged_as(input.pod.spec, input.parameters) == "windows"
	some c in input.containers
	user := _windows_user(c, input.pod.spec, _pod_path(object.get(input, "workload", null)))
	not _ordinary(user.name)
	violation := {
		"msg": sprintf("%s: runAsUserName %s is an administrator or no user name", [_label(c), _shown(user.name)]),
		"field": user.field,
		"remedy": sprintf("set %s: ContainerUser", [user.field]),
	}
}

deny contains violation if {
	_judged_as(input.pod.spec, input.parameters) == "windows"
	some c in input.containers
	not _windows_user(c, input.pod.spec, "")
	not _non_root(c.spec, input.pod.spec)
	violation := {
		"msg": sprintf("%s: neither runAsNonRoot: true nor a runAsUserName is in effect", [_label(c)]),
		"field": sprintf("%s.securityContext.runAsNonRoot", [c.path]),
		"remedy": sprintf("set %s.securityContext.runAsNonRoot: true", [c.path]),
	}
}

_judged_as(pod_spec, parameters) := "windows" if {
	pod_spec.os.name == "windows"
} else := "exempt" if {
	pod_spec.hostUsers == false
	parameters.allow_user_namespaces == true
} else := "linux"

# What to examine wherever it is stated.
_examined := {
	"linux": ["securityContext", "runAsNonRoot", "runAsUser"],
	"windows": ["securityContext", "windowsOptions"],
	"exempt": [],
}

# What every container must have, its own or the Pod's, and a value that will do.
_needed(parameters) := [["runAsNonRoot", true]] if parameters.min_run_as_user <= 1

_needed(parameters) := [["runAsNonRoot", true], ["runAsUser", _some_user(parameters)]] if {
	parameters.min_run_as_user > 1
}

_some_user(parameters) := max([65532, parameters.min_run_as_user])

# What is wrong with the key where `spec`, a Pod's or a container's, states it; undefined if nothing is.
_problem("securityContext", spec, _) := {
	"key": "securityContext",
	"what": "securityContext is not a mapping",
	"value": "{runAsNonRoot: true}",
} if {
	not _well_formed(spec)
}

_problem("windowsOptions", spec, _) := {
	"key": "securityContext.windowsOptions",
	"what": "windowsOptions is not a mapping",
	"value": "{runAsUserName: ContainerUser}",
} if {
	_states(spec, "windowsOptions")
	not is_object(spec.securityContext.windowsOptions)
}

_problem("runAsNonRoot", spec, _) := {
	"key": "securityContext.runAsNonRoot",
	"what": "runAsNonRoot is not true",
	"value": true,
} if {
	_states(spec, "runAsNonRoot")
	spec.securityContext.runAsNonRoot != true
}

_problem("runAsUser", spec, parameters) := {
	"key": "securityContext.runAsUser",
	"what": sprintf("runAsUser is %s, not a user id of at least %d", [_shown(user), parameters.min_run_as_user]),
	"value": _some_user(parameters),
} if {
	_states(spec, "runAsUser")
	user := spec.securityContext.runAsUser
	not _user_id(user, parameters.min_run_as_user)
}

# 0 < min: Kubernetes takes user ids up to 2^31 - 1.
_user_id(user, min) if {
	is_number(user)
	user >= min
	user >= 1
	user <= 2147483647
	floor(user) == user
}

_well_formed(spec) if {
	is_object(spec)
	type_name(object.get(spec, "securityContext", null)) in {"null", "object"}
}

_states(spec, key) if spec.securityContext[key] != null

_non_root(spec, _) if spec.securityContext.runAsNonRoot == true

_non_root(spec, pod_spec) if {
	not _states(spec, "runAsNonRoot")
	pod_spec.securityContext.runAsNonRoot == true
}

# The user name in effect and where it is written; undefined if there is none.
_windows_user(c, pod_spec, pod_path) := user if {
	user := _user_name(c.spec, c.path)
} else := _user_name(pod_spec, pod_path)

_user_name(spec, path) := {"name": name, "field": field} if {
	name := spec.securityContext.windowsOptions.runAsUserName
	name != null
	field := sprintf("%s.securityContext.windowsOptions.runAsUserName", [path])
}

# Windows compares names without case; the domain before the backslash does not make an administrator less of one.
_ordinary(name) if {
	is_string(name)
	parts := split(name, "\\")
	user := lower(trim_space(parts[count(parts) - 1]))
	not user in {"", "administrator", "administrators", "containeradministrator", "localsystem", "system"}
}

_pod_path(workload) := "spec" if workload == null

_pod_path(workload) := sprintf("%s.spec", [workload.path]) if workload != null

_label(c) := sprintf("%s %q", [_kind(c), c.name]) if {
	is_string(c.name)
	c.name != ""
} else := sprintf("%s at %s", [_kind(c), c.path])

_kind(c) := "container" if c.kind == "container"

else := sprintf("%s container", [c.kind])

# A value as it was written, cut short: it may be anything.
_shown(value) := substring(json.marshal(value), 0, 40)

_violation(who, path, problem) := {
	"msg": sprintf("%s: %s", [who, problem.what]),
	"field": sprintf("%s.%s", [path, problem.key]),
	"remedy": sprintf("set %s.%s: %v", [path, problem.key, problem.value]),
}
