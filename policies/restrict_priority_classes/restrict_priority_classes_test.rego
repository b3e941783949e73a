package policies.restrict_priority_classes_test

import data.policies.restrict_priority_classes

# The input for a bare Pod in a namespace, which may run containers of any kind: a class is for all of them.
_pod(namespace, spec) := {
	"request": {"operation": "CREATE", "namespace": namespace},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": spec},
	"containers": [
		{"name": "web", "kind": "container", "path": "spec.containers[0]", "image": "nginx:1", "spec": {}},
		{"name": "db", "kind": "init", "path": "spec.initContainers[0]", "image": "nginx:1", "spec": {}},
		{"name": "log", "kind": "sidecar", "path": "spec.initContainers[1]", "image": "nginx:1", "spec": {}},
		{"name": "debug", "kind": "ephemeral", "path": "spec.ephemeralContainers[0]", "image": "nginx:1", "spec": {}},
	],
	"parameters": {"allowed": ["*"], "system_namespaces": ["kube-system"], "allow_unset": true},
}

_class(namespace, class) := _pod(namespace, {"priorityClassName": class})

_template(kind, path, class) := object.union(
	_class("shop", class),
	{"workload": {"kind": kind, "name": "w", "path": path}},
)

_with(document, parameters) := object.union(document, {"parameters": parameters})

test_classes_pass_by_default if count(restrict_priority_classes.deny) == 0 with input as _class("shop", "urgent")

test_system_classes_are_for_the_system if {
	every class in ["system-node-critical", "system-cluster-critical"] {
		count(restrict_priority_classes.deny) == 0 with input as _class("kube-system", class)
		restrict_priority_classes.deny == {{
			"msg": sprintf("Pod: priority class %q is for the system's own namespaces", [class]),
			"field": "spec.priorityClassName",
			"remedy": "remove spec.priorityClassName, or set it to a class of your own",
		}} with input as _class("shop", class)
	}
}

test_allowing_a_system_class_by_name_does_not_open_it if {
	document := _class("shop", "system-node-critical")
	count(restrict_priority_classes.deny) == 1 with input as _with(document, {"allowed": ["system-node-critical"]})
}

test_system_namespaces_are_those_of_the_parameter if {
	document := _class("mesh-a", "system-node-critical")
	count(restrict_priority_classes.deny) == 0 with input as _with(document, {"system_namespaces": ["mesh-*"]})
	count(restrict_priority_classes.deny) == 1 with input as _with(document, {"system_namespaces": []})
	other := _class("kube-system", "system-node-critical")
	count(restrict_priority_classes.deny) == 1 with input as _with(other, {"system_namespaces": ["mesh-*"]})
}

test_allowed_classes_are_those_of_the_parameter if {
	allowed := {"allowed": ["batch", "shop-*"]}
	every class in ["batch", "shop-low"] {
		count(restrict_priority_classes.deny) == 0 with input as _with(_class("shop", class), allowed)
	}
	every class in ["batches", "Batch", "a-shop-low", "urgent"] {
		restrict_priority_classes.deny == {{
			"msg": sprintf("Pod: priority class %q is not allowed", [class]),
			"field": "spec.priorityClassName",
			"remedy": "remove spec.priorityClassName, or set it to a class that fits batch or shop-*",
		}} with input as _with(_class("shop", class), allowed)
	}
}

test_the_systems_own_are_bound_by_what_is_allowed_otherwise if {
	document := _class("kube-system", "urgent")
	count(restrict_priority_classes.deny) == 1 with input as _with(document, {"allowed": ["batch"]})
}

test_no_class_passes_unless_the_parameter_says_otherwise if {
	every spec in [{}, {"priorityClassName": ""}, {"priorityClassName": null}] {
		count(restrict_priority_classes.deny) == 0 with input as _pod("shop", spec)
		restrict_priority_classes.deny == {{
			"msg": "Pod: no priority class is named",
			"field": "spec.priorityClassName",
			"remedy": "set spec.priorityClassName to a class that fits *",
		}} with input as _with(_pod("shop", spec), {"allow_unset": false})
	}
	named := _with(_class("shop", "batch"), {"allow_unset": false})
	count(restrict_priority_classes.deny) == 0 with input as named
}

test_classes_of_the_wrong_type_are_refused if {
	every class in [5, true, false, ["batch"], {}] {
		count(restrict_priority_classes.deny) == 1 with input as _class("kube-system", class)
	}
}

test_nothing_is_allowed_by_an_empty_list if {
	found := restrict_priority_classes.deny with input as _with(_class("shop", "batch"), {"allowed": []})
	{v.remedy | some v in found} == {"remove spec.priorityClassName, or set it to a class that is allowed first"}
}

test_request_without_a_namespace_is_judged if {
	base := object.remove(_class("shop", "system-node-critical"), ["request"])
	document := object.union(base, {"request": {"operation": "CREATE"}})
	count(restrict_priority_classes.deny) == 1 with input as document
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(restrict_priority_classes.deny) == 0 with input as _template(kind, path, "batch")
		found := restrict_priority_classes.deny with input as _template(kind, path, "system-node-critical")
		{v.field | some v in found} == {sprintf("%s.spec.priorityClassName", [path])}
	}
}
