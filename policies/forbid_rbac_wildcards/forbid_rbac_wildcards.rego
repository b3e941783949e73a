# METADATA
# title: Roles grant no wildcards and no way to more rights
# description: |
#   A `*` in a rule of a Role or ClusterRole grants what exists now and whatever is installed later, and the verbs
#   bind, escalate and impersonate let their holder take rights that the role does not list. Both are refused:
#   wildcards in the fields of the parameter `wildcards_in` (in resources also `*/status` and its like), verbs of the
#   parameter `forbidden_verbs` whatever the resource. With `secret_verbs`, for example list and watch, rules that
#   grant these for all Secrets of a namespace or the cluster are refused as well; resourceNames make a rule a narrow
#   one. Roles of the parameter `allowed_roles` are left alone, and so is what the control plane writes: the API
#   server's own roles, and the rules that it collects into an aggregated ClusterRole, for the roles that it collects
#   are judged themselves.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
# custom:
#   severity: high
#   enforcement: deny
#   match:
#     kinds: [rbac.authorization.k8s.io/Role, rbac.authorization.k8s.io/ClusterRole]
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   controls: [cis/5.1.3, cis/5.1.8]
#   parameters:
#     wildcards_in: [apiGroups, resources, verbs, nonResourceURLs]
#     forbidden_verbs: [bind, escalate, impersonate]
#     secret_verbs: []
#     allowed_roles: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       wildcards_in:
#         description: Fields of a rule that may not hold a wildcard.
#         type: array
#         items: {enum: [apiGroups, resources, verbs, nonResourceURLs]}
#       forbidden_verbs:
#         description: Verbs that no rule may grant.
#         type: array
#         items: {type: string, minLength: 1}
#       secret_verbs:
#         description: Verbs that no rule may grant for all Secrets, for example list and watch.
#         type: array
#         items: {type: string, minLength: 1}
#       allowed_roles:
#         description: "Roles left alone: ClusterRoles by name, Roles as namespace/name; `*` at the end is any rest."
#         type: array
#         items: {type: string, minLength: 1}
package policies.forbid_rbac_wildcards

deny contains violation if {
	some i, rule in _rules
	some key in input.parameters.wildcards_in
	some j, value in _list(rule, key)
	_is_wildcard(key, value)
	not _left_alone
	violation := {
		"msg": sprintf("rule %d: %q in %s is a wildcard", [i, value, key]),
		"field": sprintf("rules[%d].%s[%d]", [i, key, j]),
		"remedy": sprintf("name in rules[%d].%s only what is needed, for example %s", [i, key, _example[key]]),
	}
}

deny contains violation if {
	some i, rule in _rules
	some j, verb in _list(rule, "verbs")
	verb in input.parameters.forbidden_verbs
	not _left_alone
	violation := {
		"msg": sprintf("rule %d: verb %s lets its holder take further rights", [i, verb]),
		"field": sprintf("rules[%d].verbs[%d]", [i, j]),
		"remedy": sprintf("remove %s from rules[%d].verbs", [verb, i]),
	}
}

deny contains violation if {
	some i, rule in _rules
	some verb in input.parameters.secret_verbs
	_covers_secrets(rule)
	some j, granted in _list(rule, "verbs")
	granted in {verb, "*"}
	not _left_alone
	remedy := "name the Secrets in rules[%d].resourceNames, or remove %s from rules[%d].verbs"
	violation := {
		"msg": sprintf("rule %d: verb %s is granted for all Secrets", [i, verb]),
		"field": sprintf("rules[%d].verbs[%d]", [i, j]),
		"remedy": sprintf(remedy, [i, granted, i]),
	}
}

_rules := input.request.object.rules if is_array(input.request.object.rules)

# What is written as one value counts as a list of it.
_list(rule, key) := rule[key] if {
	is_array(rule[key])
} else := [rule[key]]

_is_wildcard(_, value) if value == "*"

_is_wildcard(key, value) if {
	key == "resources"
	is_string(value)
	startswith(value, "*/")
}

_is_wildcard(key, value) if {
	key == "nonResourceURLs"
	value == "/*"
}

_example := {
	"apiGroups": "apps",
	"resources": "deployments",
	"verbs": "get, list and watch",
	"nonResourceURLs": "/healthz",
}

_covers_secrets(rule) if {
	some group in _list(rule, "apiGroups")
	group in {"", "*"}
	some resource in _list(rule, "resources")
	resource in {"secrets", "*"}
	object.get(rule, "resourceNames", []) in [[], null]
}

_left_alone if input.request.userInfo.username == "system:apiserver"

# The controller's own update of an aggregated role, or one that leaves what it has collected as it was.
_left_alone if {
	input.request.object.aggregationRule != null
	input.request.userInfo.username == "system:serviceaccount:kube-system:clusterrole-aggregation-controller"
}

_left_alone if {
	input.request.object.aggregationRule != null
	input.request.oldObject.rules == input.request.object.rules
}

_left_alone if {
	some pattern in input.parameters.allowed_roles
	_fits(pattern, _name(input.request))
}

# A Role's name alone would allow it in every namespace.
_name(request) := sprintf("%s/%s", [request.namespace, request.object.metadata.name]) if {
	request.object.kind == "Role"
} else := request.object.metadata.name

_fits(pattern, name) if pattern == name

_fits(pattern, name) if {
	endswith(pattern, "*")
	startswith(name, trim_suffix(pattern, "*"))
}
