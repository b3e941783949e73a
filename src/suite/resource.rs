//! What the API server knows of a kind and a manifest does not say: its resource, and whether it belongs to a namespace.

/// The built-in kinds that belong to no namespace, by API group (k8s.io/api v0.37 and the aggregator's own). The group
/// counts: Longhorn's `Node` and Cluster API's `IPAddress` do belong to one.
const CLUSTER_SCOPED: [(&str, &[&str]); 18] = [
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("imagepolicy.k8s.io", &["ImageReview"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"]),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

/// Whether a kind is known to belong to no namespace. A custom kind is taken to belong to one: its manifest does not say.
pub fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    CLUSTER_SCOPED.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind))
}

/// The resource of a kind, by the rule that the API server's own names and nearly all others follow.
pub fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    let consonant_y = |stem: &str| !stem.ends_with(['a', 'e', 'i', 'o', 'u']);
    match lower.strip_suffix('y') {
        _ if lower == "endpoints" => lower,
        Some(stem) if consonant_y(stem) => format!("{stem}ies"),
        _ if lower.ends_with(['s', 'x', 'z']) || lower.ends_with("ch") || lower.ends_with("sh") => format!("{lower}es"),
        _ => format!("{lower}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(group: &str, kind: &str, resource: &str, cluster_scoped: bool) {
        assert_eq!((plural(kind).as_str(), is_cluster_scoped(group, kind)), (resource, cluster_scoped));
    }

    #[test]
    fn knows_the_built_in_kinds() {
        check("", "Pod", "pods", false);
        check("", "Endpoints", "endpoints", false);
        check("", "Namespace", "namespaces", true);
        check("", "Node", "nodes", true);
        check("networking.k8s.io", "NetworkPolicy", "networkpolicies", false);
        check("networking.k8s.io", "Ingress", "ingresses", false);
        check("networking.k8s.io", "IPAddress", "ipaddresses", true);
        check("networking.k8s.io", "IngressClass", "ingressclasses", true);
        check("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", true);
        check("rbac.authorization.k8s.io", "Role", "roles", false);
        check("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", true);
        check("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", false);
    }

    #[test]
    fn takes_custom_kinds_to_belong_to_a_namespace() {
        check("gateway.networking.k8s.io", "Gateway", "gateways", false);
        check("longhorn.io", "Node", "nodes", false);
        check("ipam.cluster.x-k8s.io", "IPAddress", "ipaddresses", false);
        check("example.org", "Proxy", "proxies", false);
        check("example.org", "Mesh", "meshes", false);
    }
}
