package policies.forbid_anonymous_bindings_test

import data.policies.forbid_anonymous_bindings

_defaults := {
	"users": ["system:anonymous"],
	"groups": ["system:unauthenticated"],
	"allowed_roles": ["system:public-info-viewer", "kube-public/kubeadm:bootstrap-signer-clusterinfo"],
	"cluster_admins": ["*"],
}

_user(name) := {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}

_group(name) := {"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}

_account(namespace, name) := {"kind": "ServiceAccount", "namespace": namespace, "name": name}

_binding(role_kind, role, subjects) := {
	"request": {
		"operation": "CREATE",
		"namespace": "shop",
		"userInfo": {"username": "eve"},
		"object": {
			"kind": "RoleBinding",
			"metadata": {"name": "b"},
			"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
			"subjects": subjects,
		},
	},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

_view(subjects) := _binding("ClusterRole", "view", subjects)

_with(document, parameters) := object.union(document, {"parameters": parameters})

_fields(violations) := {v.field | some v in violations}

_messages(violations) := {v.msg | some v in violations}

test_bindings_to_somebody_pass if {
	count(forbid_anonymous_bindings.deny) == 0 with input as _view([
		_user("eve"),
		_group("ops"),
		_group("system:authenticated"),
		_group("system:serviceaccounts:shop"),
		_account("shop", "web"),
	])
}

test_anonymous_user_is_refused if {
	forbid_anonymous_bindings.deny == {{
		"msg": `role "view" is bound to the user system:anonymous, that is to anyone`,
		"field": "subjects[1].name",
		"remedy": "remove subjects[1], and bind the role to those who need it",
	}} with input as _view([_user("eve"), _user("system:anonymous")])
}

test_unauthenticated_group_is_refused if {
	forbid_anonymous_bindings.deny == {{
		"msg": `role "reader" is bound to the group system:unauthenticated, that is to anyone`,
		"field": "subjects[0].name",
		"remedy": "remove subjects[0], and bind the role to those who need it",
	}} with input as _binding("Role", "reader", [_group("system:unauthenticated")])
}

test_api_group_of_the_subject_does_not_matter if {
	found := forbid_anonymous_bindings.deny with input as _view([{"kind": "Group", "name": "system:unauthenticated"}])
	_fields(found) == {"subjects[0].name"}
}

# A user may have a group's name, and the other way round; neither is everyone.
test_kind_of_the_subject_counts if {
	count(forbid_anonymous_bindings.deny) == 0 with input as _view([
		_group("system:anonymous"),
		_user("system:unauthenticated"),
		_account("shop", "system:anonymous"),
	])
}

test_further_groups_and_users_are_refused_by_the_parameters if {
	parameters := {"groups": ["system:unauthenticated", "system:authenticated"], "users": []}
	found := forbid_anonymous_bindings.deny with input as _with(
		_view([_user("system:anonymous"), _group("system:authenticated"), _group("system:unauthenticated")]),
		parameters,
	)
	_fields(found) == {"subjects[1].name", "subjects[2].name"}
}

test_roles_that_kubernetes_binds_so_are_allowed if {
	anyone := [_user("system:anonymous"), _group("system:unauthenticated")]
	count(forbid_anonymous_bindings.deny) == 0 with input as _binding("ClusterRole", "system:public-info-viewer", anyone)
	info := _binding("Role", "kubeadm:bootstrap-signer-clusterinfo", anyone)
	public := object.union(info, {"request": {"namespace": "kube-public"}})
	count(forbid_anonymous_bindings.deny) == 0 with input as public
	count(forbid_anonymous_bindings.deny) == 2 with input as info
}

test_role_with_the_name_of_an_allowed_cluster_role_is_another if {
	anyone := [_group("system:unauthenticated")]
	count(forbid_anonymous_bindings.deny) == 1 with input as _binding("Role", "system:public-info-viewer", anyone)
	cluster_role := _binding("ClusterRole", "kube-public/kubeadm:bootstrap-signer-clusterinfo2", anyone)
	count(forbid_anonymous_bindings.deny) == 1 with input as cluster_role
}

_admin(subjects) := _binding("ClusterRole", "cluster-admin", subjects)

_only_ops := {"cluster_admins": ["Group/ops", "ServiceAccount/flux-system/flux"]}

test_cluster_admin_may_be_bound_to_anybody_unless_the_parameter_names_them if {
	subjects := [_group("ops"), _group("dev"), _user("ops"), _account("flux-system", "flux"), _account("shop", "flux")]
	count(forbid_anonymous_bindings.deny) == 0 with input as _admin(subjects)
	found := forbid_anonymous_bindings.deny with input as _with(_admin(subjects), _only_ops)
	found == {
		{
			"msg": `cluster-admin is not to be bound to "Group/dev"`,
			"field": "subjects[1]",
			"remedy": "remove subjects[1], or bind a role with only the rights that are needed",
		},
		{
			"msg": `cluster-admin is not to be bound to "User/ops"`,
			"field": "subjects[2]",
			"remedy": "remove subjects[2], or bind a role with only the rights that are needed",
		},
		{
			"msg": `cluster-admin is not to be bound to "ServiceAccount/shop/flux"`,
			"field": "subjects[4]",
			"remedy": "remove subjects[4], or bind a role with only the rights that are needed",
		},
	}
}

test_other_roles_are_no_cluster_admin if {
	count(forbid_anonymous_bindings.deny) == 0 with input as _with(_view([_group("dev")]), _only_ops)
	role := _binding("Role", "cluster-admin", [_group("dev")])
	count(forbid_anonymous_bindings.deny) == 0 with input as _with(role, _only_ops)
}

test_api_server_binds_cluster_admin_itself if {
	document := _with(_admin([_group("system:masters")]), _only_ops)
	count(forbid_anonymous_bindings.deny) == 1 with input as document
	count(forbid_anonymous_bindings.deny) == 0 with input as object.union(
		document,
		{"request": {"userInfo": {"username": "system:apiserver"}}},
	)
}

test_values_of_the_wrong_type_do_not_break_it if {
	every subjects in ["x", 5, true, null, {"kind": "User", "name": "system:anonymous"}, [], ["x"], [5, null, [], {}]] {
		count(forbid_anonymous_bindings.deny) == 0 with input as _admin(subjects)
	}
	every subject in [5, null, {}, {"kind": "User", "name": 5}, {"kind": "ServiceAccount", "name": "a"}, {"kind": 5}] {
		found := forbid_anonymous_bindings.deny with input as _with(_admin([subject]), _only_ops)
		_fields(found) == {"subjects[0]"}
	}
	every role in [null, "x", 5, {}, {"kind": "ClusterRole"}, {"kind": "Role"}, {"kind": "Role", "name": 5}] {
		document := _view([_user("system:anonymous")])
		bound := object.union(object.remove(document.request.object, ["roleRef"]), {"roleRef": role})
		request := object.union(object.remove(document.request, ["object"]), {"object": bound})
		found := forbid_anonymous_bindings.deny with input as object.union(
			object.remove(document, ["request"]),
			{"request": request},
		)
		_fields(found) == {"subjects[0].name"}
	}
}
