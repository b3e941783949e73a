package policies.forbid_deprecated_apis_test

import data.policies.forbid_deprecated_apis

# A request for an object as it was sent, without conversion.
_sent(version, kind, target) := _converted(version, version, kind, target)

_converted(sent, seen, kind, target) := {
	"request": {
		"operation": "CREATE",
		"userInfo": {"username": "eve"},
		"kind": _kind(seen, kind),
		"requestKind": _kind(sent, kind),
		"object": {"apiVersion": seen, "kind": kind, "metadata": {"name": "x"}},
	},
	"workload": null,
	"pod": null,
	"containers": [],
	"namespace": null,
	"parameters": {"target_version": target},
	"now": "2026-01-01T00:00:00Z",
}

_kind(version, kind) := {"group": parts[0], "version": parts[1], "kind": kind} if {
	contains(version, "/")
	parts := split(version, "/")
} else := {"group": "", "version": version, "kind": kind}

_by(document, user) := object.union(document, {"request": {"userInfo": {"username": user}}})

_denied(document) if count(forbid_deprecated_apis.deny) == 1 with input as document

_warned(document) if count(forbid_deprecated_apis.warn) == 1 with input as document

_release(minor) := sprintf("v1.%d", [minor])

test_current_versions_pass if {
	every version, kind in {
		"v1": "Service",
		"apps/v1": "Deployment",
		"autoscaling/v2": "HorizontalPodAutoscaler",
		"batch/v1": "CronJob",
		"networking.k8s.io/v1": "Ingress",
		"coordination.k8s.io/v1": "Lease",
		"example.com/v1beta1": "Deployment",
		"apps/v1beta3": "Deployment",
		"gateway.networking.k8s.io/v1beta1": "HTTPRoute",
	} {
		not _denied(_sent(version, kind, "latest"))
		not _warned(_sent(version, kind, "latest"))
	}
}

test_version_that_is_not_served_is_refused if {
	forbid_deprecated_apis.deny == {{
		"msg": "extensions/v1beta1 Ingress is not served since Kubernetes v1.22",
		"field": "apiVersion",
		"remedy": "set apiVersion: networking.k8s.io/v1, and adapt the fields that differ",
	}} with input as _sent("extensions/v1beta1", "Ingress", "latest")
}

test_version_without_a_successor_says_so if {
	forbid_deprecated_apis.deny == {{
		"msg": "policy/v1beta1 PodSecurityPolicy is not served since Kubernetes v1.25",
		"field": "apiVersion",
		"remedy": "remove it: Pod Security Admission and the policies beside this one have taken its place",
	}} with input as _sent("policy/v1beta1", "PodSecurityPolicy", "latest")
}

test_version_that_will_go_is_a_warning if {
	document := _sent("resource.k8s.io/v1beta1", "ResourceClaim", "latest")
	forbid_deprecated_apis.warn == {{
		"msg": "resource.k8s.io/v1beta1 ResourceClaim is deprecated since Kubernetes v1.35, and not served from v1.38 on",
		"field": "apiVersion",
		"remedy": "set apiVersion: resource.k8s.io/v1, and adapt the fields that differ",
	}} with input as document
	not _denied(document)
}

test_deprecated_version_that_stays_is_a_warning if {
	document := _sent("v1", "Endpoints", "latest")
	forbid_deprecated_apis.warn == {{
		"msg": "v1 Endpoints is deprecated since Kubernetes v1.33",
		"field": "apiVersion",
		"remedy": "use an EndpointSlice of discovery.k8s.io/v1",
	}} with input as document
	not _denied(document)
	not _warned(_sent("v1", "Endpoints", "v1.32"))
}

test_endpoints_of_the_control_plane_are_left_alone if {
	document := _sent("v1", "Endpoints", "latest")
	every user in [
		"system:apiserver",
		"system:kube-controller-manager",
		"system:serviceaccount:kube-system:endpoint-controller",
	] {
		not _warned(_by(document, user))
	}
	every user in ["system:serviceaccount:shop:web", "system:serviceaccount:kube-system2:web", "eve"] {
		_warned(_by(document, user))
	}
}

# The releases in which the migration guide says that versions went.
_went := {
	16: {
		"extensions/v1beta1": ["DaemonSet", "Deployment", "NetworkPolicy", "PodSecurityPolicy", "ReplicaSet"],
		"apps/v1beta1": ["Deployment", "StatefulSet"],
		"apps/v1beta2": ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
	},
	22: {
		"admissionregistration.k8s.io/v1beta1": ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
		"apiextensions.k8s.io/v1beta1": ["CustomResourceDefinition"],
		"apiregistration.k8s.io/v1beta1": ["APIService"],
		"certificates.k8s.io/v1beta1": ["CertificateSigningRequest"],
		"coordination.k8s.io/v1beta1": ["Lease"],
		"extensions/v1beta1": ["Ingress"],
		"networking.k8s.io/v1beta1": ["Ingress", "IngressClass"],
		"rbac.authorization.k8s.io/v1beta1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
		"scheduling.k8s.io/v1beta1": ["PriorityClass"],
		"storage.k8s.io/v1beta1": ["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
	},
	25: {
		"autoscaling/v2beta1": ["HorizontalPodAutoscaler"],
		"batch/v1beta1": ["CronJob"],
		"discovery.k8s.io/v1beta1": ["EndpointSlice"],
		"events.k8s.io/v1beta1": ["Event"],
		"node.k8s.io/v1beta1": ["RuntimeClass"],
		"policy/v1beta1": ["PodDisruptionBudget", "PodSecurityPolicy"],
	},
	26: {
		"autoscaling/v2beta2": ["HorizontalPodAutoscaler"],
		"flowcontrol.apiserver.k8s.io/v1beta1": ["FlowSchema", "PriorityLevelConfiguration"],
	},
	27: {"storage.k8s.io/v1beta1": ["CSIStorageCapacity"]},
	29: {"flowcontrol.apiserver.k8s.io/v1beta2": ["FlowSchema", "PriorityLevelConfiguration"]},
	32: {"flowcontrol.apiserver.k8s.io/v1beta3": ["FlowSchema", "PriorityLevelConfiguration"]},
}

test_versions_go_when_the_guide_says if {
	every minor, versions in _went {
		every version, kinds in versions {
			every kind in kinds {
				_denied(_sent(version, kind, _release(minor)))
				_warned(_sent(version, kind, _release(minor - 1)))
			}
		}
	}
}

test_every_version_is_deprecated_before_it_goes if {
	every version, apis in forbid_deprecated_apis._apis {
		every api in apis {
			every kind in api.kinds {
				_lives_and_goes(version, kind, api)
			}
		}
	}
}

_lives_and_goes(version, kind, api) if {
	api.deprecated < api.removed
	not _warned(_sent(version, kind, _release(api.deprecated - 1)))
	_warned(_sent(version, kind, _release(api.deprecated)))
	not _denied(_sent(version, kind, _release(api.removed - 1)))
	_denied(_sent(version, kind, _release(api.removed)))
	not _warned(_sent(version, kind, _release(api.removed)))
}

_lives_and_goes(version, kind, api) if {
	not api.removed
	_warned(_sent(version, kind, _release(api.deprecated)))
	not _denied(_sent(version, kind, _release(999)))
}

test_kind_has_one_life_in_a_version if {
	every apis in forbid_deprecated_apis._apis {
		kinds := [kind | some api in apis; some kind in api.kinds]
		count(kinds) == count({kind | some kind in kinds})
	}
}

test_what_was_sent_counts_and_not_what_it_was_converted_to if {
	_denied(_converted("batch/v1beta1", "batch/v1", "CronJob", "v1.25"))
	_warned(_converted("batch/v1beta1", "batch/v1", "CronJob", "v1.24"))
	not _denied(_converted("batch/v1", "batch/v1beta1", "CronJob", "v1.25"))
}

test_request_without_the_kind_that_was_sent_is_judged_by_its_kind if {
	every value in [null, "x", 5, []] {
		document := _sent("batch/v1beta1", "CronJob", "latest")
		request := object.union(object.remove(document.request, ["requestKind"]), {"requestKind": value})
		_denied(object.union(object.remove(document, ["request"]), {"request": request}))
	}
	_denied(json.remove(_sent("batch/v1beta1", "CronJob", "latest"), ["request/requestKind"]))
}

test_objects_of_the_wrong_type_do_not_break_it if {
	every value in ["x", 5, null, []] {
		document := json.remove(_sent("apps/v1beta1", "Deployment", "latest"), ["request/object"])
		_denied(object.union(document, {"request": {"object": value}}))
	}
}
