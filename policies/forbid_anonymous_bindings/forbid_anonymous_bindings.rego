# METADATA
# title: Roles are not bound to anonymous users
# description: |
#   Who reaches the API server without credentials is the user system:anonymous in the group system:unauthenticated. A
#   RoleBinding or ClusterRoleBinding to either grants its role to everyone. Add system:authenticated to the parameter
#   `groups` to refuse bindings to everyone who has any credentials, which on some clouds is everyone with an account
#   there. Roles of the parameter `allowed_roles` may be bound: by default those that Kubernetes and kubeadm bind so
#   themselves, which show the version, the health and the cluster's address. With `cluster_admins`, the ClusterRole
#   cluster-admin is bound to these subjects only; by default to any.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
# custom:
#   severity: critical
#   enforcement: deny
#   match:
#     kinds: [rbac.authorization.k8s.io/RoleBinding, rbac.authorization.k8s.io/ClusterRoleBinding]
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   parameters:
#     users: [system:anonymous]
#     groups: [system:unauthenticated]
#     allowed_roles: [system:public-info-viewer, kube-public/kubeadm:bootstrap-signer-clusterinfo]
#     cluster_admins: ["*"]
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       users:
#         description: Users that no role may be bound to.
#         type: array
#         items: {type: string, minLength: 1}
#       groups:
#         description: Groups that no role may be bound to.
#         type: array
#         items: {type: string, minLength: 1}
#       allowed_roles:
#         description: "Roles that may be bound to them: ClusterRoles by name, Roles as namespace/name."
#         type: array
#         items: {type: string, minLength: 1}
#       cluster_admins:
#         description: "Subjects that may be cluster-admin: User/eve, Group/ops, ServiceAccount/ns/name, or `*`."
#         type: array
#         items: {type: string, minLength: 1}
package policies.forbid_anonymous_bindings

import data.lib.part

deny contains violation if {
	some i, subject in _subjects
	subject.name in _forbidden(subject.kind, input.parameters)
	not _role(input.request) in input.parameters.allowed_roles
	role := part.shown(object.get(input.request.object, ["roleRef", "name"], null))
	violation := {
		"msg": sprintf("role %s is bound to the %s %s, that is to anyone", [role, lower(subject.kind), subject.name]),
		"field": sprintf("subjects[%d].name", [i]),
		"remedy": sprintf("remove subjects[%d], and bind the role to those who need it", [i]),
	}
}

deny contains violation if {
	input.request.object.roleRef.name == "cluster-admin"
	input.request.object.roleRef.kind == "ClusterRole"
	not "*" in input.parameters.cluster_admins
	input.request.userInfo.username != "system:apiserver"
	some i, subject in _subjects
	not _identity(subject) in input.parameters.cluster_admins
	violation := {
		"msg": sprintf("cluster-admin is not to be bound to %s", [part.shown(_identity(subject))]),
		"field": sprintf("subjects[%d]", [i]),
		"remedy": sprintf("remove subjects[%d], or bind a role with only the rights that are needed", [i]),
	}
}

_subjects := input.request.object.subjects if is_array(input.request.object.subjects)

_forbidden("User", parameters) := parameters.users

_forbidden("Group", parameters) := parameters.groups

# A Role's name alone would allow it in every namespace.
_role(request) := request.object.roleRef.name if {
	request.object.roleRef.kind == "ClusterRole"
} else := concat("/", [request.namespace, request.object.roleRef.name]) if {
	is_string(request.object.roleRef.name)
} else := null

# As the parameter writes it, or the subject itself where it cannot be read.
_identity(subject) := concat("/", [subject.kind, subject.name]) if {
	subject.kind in {"Group", "User"}
	is_string(subject.name)
} else := concat("/", [subject.kind, subject.namespace, subject.name]) if {
	subject.kind == "ServiceAccount"
	is_string(subject.namespace)
	is_string(subject.name)
} else := subject
