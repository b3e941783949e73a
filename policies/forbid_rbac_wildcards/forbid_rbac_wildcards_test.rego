package policies.forbid_rbac_wildcards_test

import data.policies.forbid_rbac_wildcards

_defaults := {
	"wildcards_in": ["apiGroups", "resources", "verbs", "nonResourceURLs"],
	"forbidden_verbs": ["bind", "escalate", "impersonate"],
	"secret_verbs": [],
	"allowed_roles": [],
}

_narrow := {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}

_role(kind, rules) := {
	"request": {
		"operation": "CREATE",
		"namespace": "shop",
		"userInfo": {"username": "eve"},
		"object": {"kind": kind, "metadata": {"name": "reader"}, "rules": rules},
		"oldObject": null,
	},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

# A ClusterRole with the narrow rule and one that differs from it.
_rule(change) := _role("ClusterRole", [_narrow, object.union(_narrow, change)])

_with(document, parameters) := object.union(document, {"parameters": parameters})

_by(document, user) := object.union(document, {"request": {"userInfo": {"username": user}}})

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

test_narrow_rules_pass if {
	count(forbid_rbac_wildcards.deny) == 0 with input as _role("Role", [_narrow])
	count(forbid_rbac_wildcards.deny) == 0 with input as _role("ClusterRole", [
		_narrow,
		{"nonResourceURLs": ["/healthz/*", "/metrics"], "verbs": ["get"]},
		{"apiGroups": [""], "resources": ["pods/*", "secrets"], "verbs": ["list", "watch"]},
	])
}

test_wildcard_is_refused_in_each_field if {
	forbid_rbac_wildcards.deny == {{
		"msg": `rule 1: "*" in verbs is a wildcard`,
		"field": "rules[1].verbs[1]",
		"remedy": "name in rules[1].verbs only what is needed, for example get, list and watch",
	}} with input as _rule({"verbs": ["get", "*"]})
	forbid_rbac_wildcards.deny == {{
		"msg": `rule 1: "*" in resources is a wildcard`,
		"field": "rules[1].resources[0]",
		"remedy": "name in rules[1].resources only what is needed, for example deployments",
	}} with input as _rule({"resources": ["*"]})
	forbid_rbac_wildcards.deny == {{
		"msg": `rule 1: "*" in apiGroups is a wildcard`,
		"field": "rules[1].apiGroups[0]",
		"remedy": "name in rules[1].apiGroups only what is needed, for example apps",
	}} with input as _rule({"apiGroups": ["*"]})
	forbid_rbac_wildcards.deny == {{
		"msg": `rule 0: "*" in nonResourceURLs is a wildcard`,
		"field": "rules[0].nonResourceURLs[0]",
		"remedy": "name in rules[0].nonResourceURLs only what is needed, for example /healthz",
	}} with input as _role("ClusterRole", [{"nonResourceURLs": ["*"], "verbs": ["get"]}])
}

test_roles_of_namespaces_are_judged_alike if {
	found := forbid_rbac_wildcards.deny with input as _role("Role", [object.union(_narrow, {"verbs": ["*"]})])
	_fields(found) == {"rules[0].verbs[0]"}
}

test_every_wildcard_is_found if {
	found := forbid_rbac_wildcards.deny with input as _role("ClusterRole", [
		{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
		{"nonResourceURLs": ["*"], "verbs": ["*"]},
	])
	_fields(found) == {
		"rules[0].apiGroups[0]", "rules[0].resources[0]", "rules[0].verbs[0]",
		"rules[1].nonResourceURLs[0]", "rules[1].verbs[0]",
	}
}

test_wildcard_before_a_subresource_is_one if {
	found := forbid_rbac_wildcards.deny with input as _rule({"resources": ["deployments", "*/status"]})
	_messages(found) == {`rule 1: "*/status" in resources is a wildcard`}
}

test_wildcard_over_the_root_is_one if {
	found := forbid_rbac_wildcards.deny with input as _role("ClusterRole", [{"nonResourceURLs": ["/*"], "verbs": ["get"]}])
	_messages(found) == {`rule 0: "/*" in nonResourceURLs is a wildcard`}
}

test_wildcards_pass_where_the_parameter_does_not_name_the_field if {
	everything := _rule({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
	found := forbid_rbac_wildcards.deny with input as _with(everything, {"wildcards_in": ["verbs"]})
	_fields(found) == {"rules[1].verbs[0]"}
	count(forbid_rbac_wildcards.deny) == 0 with input as _with(everything, {"wildcards_in": []})
}

test_verbs_that_raise_rights_are_refused if {
	every verb in _defaults.forbidden_verbs {
		forbid_rbac_wildcards.deny == {{
			"msg": sprintf("rule 1: verb %s lets its holder take further rights", [verb]),
			"field": "rules[1].verbs[1]",
			"remedy": sprintf("remove %s from rules[1].verbs", [verb]),
		}} with input as _rule({"verbs": ["get", verb]})
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(_rule({"verbs": [verb]}), {"forbidden_verbs": []})
	}
}

_list_watch := {"secret_verbs": ["list", "watch"]}

test_secrets_may_be_listed_unless_the_parameter_forbids_it if {
	document := _rule({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]})
	count(forbid_rbac_wildcards.deny) == 0 with input as document
	forbid_rbac_wildcards.deny == {{
		"msg": "rule 1: verb list is granted for all Secrets",
		"field": "rules[1].verbs[1]",
		"remedy": "name the Secrets in rules[1].resourceNames, or remove list from rules[1].verbs",
	}} with input as _with(document, _list_watch)
}

test_secrets_under_a_wildcard_are_secrets if {
	parameters := object.union(_list_watch, {"wildcards_in": []})
	every change in [
		{"apiGroups": ["*"], "resources": ["secrets"], "verbs": ["list"]},
		{"apiGroups": [""], "resources": ["*"], "verbs": ["list"], "resourceNames": []},
		{"apiGroups": ["", "apps"], "resources": ["pods", "secrets"], "verbs": ["list"], "resourceNames": null},
	] {
		found := forbid_rbac_wildcards.deny with input as _with(_rule(change), parameters)
		_messages(found) == {"rule 1: verb list is granted for all Secrets"}
	}
	all_verbs := {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
	found := forbid_rbac_wildcards.deny with input as _with(_rule(all_verbs), parameters)
	_messages(found) == {
		"rule 1: verb list is granted for all Secrets",
		"rule 1: verb watch is granted for all Secrets",
	}
}

test_named_secrets_and_other_verbs_and_groups_pass if {
	every change in [
		{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"], "resourceNames": ["web-tls"]},
		{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create"]},
		{"apiGroups": ["example.com"], "resources": ["secrets"], "verbs": ["list"]},
		{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]},
	] {
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(_rule(change), _list_watch)
	}
}

test_allowed_roles_are_left_alone if {
	every pattern in ["reader", "read*", "*"] {
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(_rule({"verbs": ["*"]}), {"allowed_roles": [pattern]})
	}
	every pattern in ["read", "reader2", "shop/reader", "eader", "rea*er"] {
		count(forbid_rbac_wildcards.deny) == 1 with input as _with(_rule({"verbs": ["*"]}), {"allowed_roles": [pattern]})
	}
}

test_allowed_roles_of_namespaces_are_named_with_it if {
	role := _role("Role", [object.union(_narrow, {"verbs": ["impersonate"]})])
	every pattern in ["shop/reader", "shop/*"] {
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(role, {"allowed_roles": [pattern]})
	}
	every pattern in ["reader", "bank/*"] {
		count(forbid_rbac_wildcards.deny) == 1 with input as _with(role, {"allowed_roles": [pattern]})
	}
}

test_roles_of_the_api_server_are_left_alone if {
	everything := _rule({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
	count(forbid_rbac_wildcards.deny) == 0 with input as _by(everything, "system:apiserver")
	count(forbid_rbac_wildcards.deny) == 3 with input as _by(everything, "system:apiserver2")
}

_aggregated(rules, old_rules) := object.union(
	_role("ClusterRole", rules),
	{"request": {
		"operation": "UPDATE",
		"object": {"aggregationRule": {"clusterRoleSelectors": []}},
		"oldObject": {"rules": old_rules},
	}},
)

_controller := "system:serviceaccount:kube-system:clusterrole-aggregation-controller"

test_aggregation_is_the_controllers if {
	document := _aggregated([object.union(_narrow, {"verbs": ["*"]})], [])
	count(forbid_rbac_wildcards.deny) == 0 with input as _by(document, _controller)
	count(forbid_rbac_wildcards.deny) == 1 with input as document
	count(forbid_rbac_wildcards.deny) == 1 with input as _by(_rule({"verbs": ["*"]}), _controller)
}

test_aggregated_rules_that_stay_are_left_alone if {
	rules := [object.union(_narrow, {"verbs": ["*"]})]
	count(forbid_rbac_wildcards.deny) == 0 with input as _aggregated(rules, rules)
	plain := object.union(_role("ClusterRole", rules), {"request": {"oldObject": {"rules": rules}}})
	count(forbid_rbac_wildcards.deny) == 1 with input as plain
}

test_values_of_the_wrong_type_do_not_break_it if {
	every rules in ["x", 5, true, null, {"verbs": ["*"]}, [], ["x"], [5], [null], [[]]] {
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(_role("Role", rules), _list_watch)
	}
	every value in [5, true, null, {}, [5, null, true, {}, ["*"]], "get"] {
		count(forbid_rbac_wildcards.deny) == 0 with input as _with(_rule({"verbs": value, "resources": value}), _list_watch)
	}
	found := forbid_rbac_wildcards.deny with input as _rule({"verbs": "*"})
	_fields(found) == {"rules[1].verbs[0]"}
	nameless := object.union(_rule({"verbs": ["*"]}), {"request": {"object": {"metadata": "x"}}})
	count(forbid_rbac_wildcards.deny) == 1 with input as _with(nameless, {"allowed_roles": ["*"]})
}
