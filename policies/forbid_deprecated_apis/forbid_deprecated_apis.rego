# METADATA
# title: Objects use API versions that stay
# description: |
#   An API version that a Kubernetes release no longer serves makes kubectl, Helm and GitOps tools fail there; one
#   that is deprecated will. Refused is what is not served in the parameter `target_version`, a release such as v1.40
#   or `latest`, the newest that this policy knows (v1.37); deny also covers all releases before it. What is
#   deprecated there and still served is a warning. Dates and replacements are those of Kubernetes' migration guide
#   and of its API types, announced removals included. This is foremost a check of manifests: a server asks its
#   webhooks about an object in the version of their rules, converted if need be (matchPolicy Equivalent), and says in
#   requestKind what was sent, which is what is judged; of a version that it does not serve it never asks. Endpoints
#   that the control plane keeps are left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
# custom:
#   severity: medium
#   enforcement: deny
#   match:
#     kinds:
#     - /v1/Endpoints
#     - admissionregistration.k8s.io/*
#     - apiextensions.k8s.io/CustomResourceDefinition
#     - apiregistration.k8s.io/APIService
#     - apps/*
#     - autoscaling/HorizontalPodAutoscaler
#     - batch/CronJob
#     - certificates.k8s.io/*
#     - coordination.k8s.io/v*beta*/*
#     - coordination.k8s.io/v*alpha*/*
#     - discovery.k8s.io/v*beta*/*
#     - events.k8s.io/v*beta*/*
#     - extensions/*
#     - flowcontrol.apiserver.k8s.io/*
#     - networking.k8s.io/*
#     - node.k8s.io/RuntimeClass
#     - policy/PodDisruptionBudget
#     - policy/PodSecurityPolicy
#     - rbac.authorization.k8s.io/*
#     - resource.k8s.io/*
#     - scheduling.k8s.io/PriorityClass
#     - storage.k8s.io/*
#     - storagemigration.k8s.io/*
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   parameters:
#     target_version: latest
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       target_version:
#         description: The release that objects must be fit for, such as v1.40, or latest.
#         type: string
#         pattern: ^(latest|v1\.(0|[1-9][0-9]{0,2}))$
package policies.forbid_deprecated_apis

deny contains violation if {
	_may_be_old(_asked)
	api := _api(_asked)
	_gone(api, _target(input.parameters.target_version))
	violation := {
		"msg": sprintf("%s %s is not served since Kubernetes v1.%d", [_version(_asked), _asked.kind, api.removed]),
		"field": "apiVersion",
		"remedy": _remedy(api),
	}
}

warn contains violation if {
	_may_be_old(_asked)
	api := _api(_asked)
	api.deprecated <= _target(input.parameters.target_version)
	not _gone(api, _target(input.parameters.target_version))
	not _by_control_plane(input.request.userInfo.username)
	what := sprintf("%s %s is deprecated since Kubernetes v1.%d", [_version(_asked), _asked.kind, api.deprecated])
	violation := {
		"msg": concat(", ", [text | some text in [what, _end(api)]; text != ""]),
		"field": "apiVersion",
		"remedy": _remedy(api),
	}
}

# What the user sent, if the server says so; request.kind may be what it was converted to.
_asked := input.request.requestKind if {
	is_object(input.request.requestKind)
} else := input.request.kind

# Most objects are in v1; they need no look at the table.
_may_be_old(asked) if not asked.version in {"v1", "v2"}

_may_be_old(asked) if asked.kind == "Endpoints"

_api(asked) := api if {
	some api in _apis[_version(asked)]
	asked.kind in api.kinds
}

_version(asked) := trim_left(sprintf("%s/%s", [asked.group, asked.version]), "/")

_gone(api, target) if api.removed <= target

_target(version) := 37 if version == "latest"

_target(version) := to_number(trim_prefix(version, "v1.")) if version != "latest"

_by_control_plane(user) if startswith(user, "system:serviceaccount:kube-system:")

_by_control_plane(user) if user in {"system:apiserver", "system:kube-controller-manager"}

_end(api) := sprintf("and not served from v1.%d on", [api.removed]) if {
	api.removed
} else := ""

_remedy(api) := sprintf("set apiVersion: %s, and adapt the fields that differ", [api.use]) if {
	api.use
} else := api.remedy

# By API version: since which minor releases the kinds are deprecated and no longer served.
_apis := {
	"v1": [{"kinds": {"Endpoints"}, "deprecated": 33, "remedy": "use an EndpointSlice of discovery.k8s.io/v1"}],
	"admissionregistration.k8s.io/v1alpha1": [
		{
			"kinds": {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"},
			"deprecated": 29, "removed": 32, "use": "admissionregistration.k8s.io/v1",
		},
		{
			"kinds": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
			"deprecated": 35, "removed": 38, "use": "admissionregistration.k8s.io/v1",
		},
	],
	"admissionregistration.k8s.io/v1beta1": [
		{
			"kinds": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"},
			"deprecated": 16, "removed": 22, "use": "admissionregistration.k8s.io/v1",
		},
		{
			"kinds": {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"},
			"deprecated": 31, "removed": 34, "use": "admissionregistration.k8s.io/v1",
		},
		{
			"kinds": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
			"deprecated": 37, "removed": 40, "use": "admissionregistration.k8s.io/v1",
		},
	],
	"apiextensions.k8s.io/v1beta1": [{
		"kinds": {"CustomResourceDefinition"},
		"deprecated": 16, "removed": 22, "use": "apiextensions.k8s.io/v1",
	}],
	"apiregistration.k8s.io/v1beta1": [{
		"kinds": {"APIService"},
		"deprecated": 19, "removed": 22, "use": "apiregistration.k8s.io/v1",
	}],
	"apps/v1beta1": [{
		"kinds": {"ControllerRevision", "Deployment", "StatefulSet"},
		"deprecated": 8, "removed": 16, "use": "apps/v1",
	}],
	"apps/v1beta2": [{
		"kinds": {"ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"},
		"deprecated": 9, "removed": 16, "use": "apps/v1",
	}],
	"autoscaling/v2beta1": [{
		"kinds": {"HorizontalPodAutoscaler"},
		"deprecated": 22, "removed": 25, "use": "autoscaling/v2",
	}],
	"autoscaling/v2beta2": [{
		"kinds": {"HorizontalPodAutoscaler"},
		"deprecated": 23, "removed": 26, "use": "autoscaling/v2",
	}],
	"batch/v1beta1": [{"kinds": {"CronJob"}, "deprecated": 21, "removed": 25, "use": "batch/v1"}],
	"certificates.k8s.io/v1alpha1": [{
		"kinds": {"ClusterTrustBundle"},
		"deprecated": 34, "removed": 37, "use": "certificates.k8s.io/v1",
	}],
	"certificates.k8s.io/v1beta1": [
		{
			"kinds": {"CertificateSigningRequest"},
			"deprecated": 19, "removed": 22, "use": "certificates.k8s.io/v1",
		},
		{
			"kinds": {"ClusterTrustBundle", "PodCertificateRequest"},
			"deprecated": 37, "removed": 40, "use": "certificates.k8s.io/v1",
		},
	],
	"coordination.k8s.io/v1alpha2": [{
		"kinds": {"LeaseCandidate"},
		"deprecated": 35, "removed": 38, "use": "coordination.k8s.io/v1beta1",
	}],
	"coordination.k8s.io/v1beta1": [{
		"kinds": {"Lease"},
		"deprecated": 19, "removed": 22, "use": "coordination.k8s.io/v1",
	}],
	"discovery.k8s.io/v1beta1": [{
		"kinds": {"EndpointSlice"},
		"deprecated": 21, "removed": 25, "use": "discovery.k8s.io/v1",
	}],
	"events.k8s.io/v1beta1": [{"kinds": {"Event"}, "deprecated": 22, "removed": 25, "use": "events.k8s.io/v1"}],
	"extensions/v1beta1": [
		{"kinds": {"DaemonSet", "Deployment", "ReplicaSet"}, "deprecated": 8, "removed": 16, "use": "apps/v1"},
		{"kinds": {"NetworkPolicy"}, "deprecated": 9, "removed": 16, "use": "networking.k8s.io/v1"},
		{"kinds": {"PodSecurityPolicy"}, "deprecated": 11, "removed": 16, "remedy": _instead_of_psp},
		{"kinds": {"Ingress"}, "deprecated": 14, "removed": 22, "use": "networking.k8s.io/v1"},
	],
	"flowcontrol.apiserver.k8s.io/v1alpha1": [{
		"kinds": {"FlowSchema", "PriorityLevelConfiguration"},
		"deprecated": 20, "removed": 21, "use": "flowcontrol.apiserver.k8s.io/v1",
	}],
	"flowcontrol.apiserver.k8s.io/v1beta1": [{
		"kinds": {"FlowSchema", "PriorityLevelConfiguration"},
		"deprecated": 23, "removed": 26, "use": "flowcontrol.apiserver.k8s.io/v1",
	}],
	"flowcontrol.apiserver.k8s.io/v1beta2": [{
		"kinds": {"FlowSchema", "PriorityLevelConfiguration"},
		"deprecated": 26, "removed": 29, "use": "flowcontrol.apiserver.k8s.io/v1",
	}],
	"flowcontrol.apiserver.k8s.io/v1beta3": [{
		"kinds": {"FlowSchema", "PriorityLevelConfiguration"},
		"deprecated": 29, "removed": 32, "use": "flowcontrol.apiserver.k8s.io/v1",
	}],
	"networking.k8s.io/v1beta1": [
		{"kinds": {"Ingress", "IngressClass"}, "deprecated": 19, "removed": 22, "use": "networking.k8s.io/v1"},
		{"kinds": {"IPAddress", "ServiceCIDR"}, "deprecated": 34, "removed": 37, "use": "networking.k8s.io/v1"},
	],
	"node.k8s.io/v1beta1": [{
		"kinds": {"RuntimeClass"},
		"deprecated": 22, "removed": 25, "use": "node.k8s.io/v1",
	}],
	"policy/v1beta1": [
		{"kinds": {"PodDisruptionBudget"}, "deprecated": 21, "removed": 25, "use": "policy/v1"},
		{"kinds": {"PodSecurityPolicy"}, "deprecated": 21, "removed": 25, "remedy": _instead_of_psp},
	],
	"rbac.authorization.k8s.io/v1alpha1": [{
		"kinds": {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
		"deprecated": 17, "removed": 23, "use": "rbac.authorization.k8s.io/v1",
	}],
	"rbac.authorization.k8s.io/v1beta1": [{
		"kinds": {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
		"deprecated": 17, "removed": 22, "use": "rbac.authorization.k8s.io/v1",
	}],
	"resource.k8s.io/v1beta1": [{
		"kinds": {"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"},
		"deprecated": 35, "removed": 38, "use": "resource.k8s.io/v1",
	}],
	"resource.k8s.io/v1beta2": [{
		"kinds": {"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"},
		"deprecated": 36, "removed": 39, "use": "resource.k8s.io/v1",
	}],
	"scheduling.k8s.io/v1alpha1": [{
		"kinds": {"PriorityClass"},
		"deprecated": 14, "removed": 23, "use": "scheduling.k8s.io/v1",
	}],
	"scheduling.k8s.io/v1beta1": [{
		"kinds": {"PriorityClass"},
		"deprecated": 14, "removed": 22, "use": "scheduling.k8s.io/v1",
	}],
	"storage.k8s.io/v1alpha1": [
		{
			"kinds": {"CSIStorageCapacity", "VolumeAttachment"},
			"deprecated": 21, "removed": 24, "use": "storage.k8s.io/v1",
		},
		{"kinds": {"VolumeAttributesClass"}, "deprecated": 32, "removed": 35, "use": "storage.k8s.io/v1"},
	],
	"storage.k8s.io/v1beta1": [
		{"kinds": {"CSINode"}, "deprecated": 17, "removed": 22, "use": "storage.k8s.io/v1"},
		{
			"kinds": {"CSIDriver", "StorageClass", "VolumeAttachment"},
			"deprecated": 19, "removed": 22, "use": "storage.k8s.io/v1",
		},
		{"kinds": {"CSIStorageCapacity"}, "deprecated": 24, "removed": 27, "use": "storage.k8s.io/v1"},
		{"kinds": {"VolumeAttributesClass"}, "deprecated": 34, "removed": 37, "use": "storage.k8s.io/v1"},
	],
	"storagemigration.k8s.io/v1beta1": [{
		"kinds": {"StorageVersionMigration"},
		"deprecated": 37, "removed": 40, "use": "storagemigration.k8s.io/v1",
	}],
}

_instead_of_psp := "remove it: Pod Security Admission and the policies beside this one have taken its place"
