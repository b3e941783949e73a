package policies.harden_security_context_test

import data.policies.harden_security_context

_defaults := {
	"run_as_non_root": "with_user",
	"run_as_user": 65532,
	"run_as_group": 65532,
	"fs_group": 65532,
	"fs_group_unless_volumes": ["nfs", "cephfs", "glusterfs"],
	"seccomp_runtime_default": true,
	"forbid_privilege_escalation": true,
	"read_only_root": true,
	"drop_capabilities": ["ALL"],
	"writable_images": [],
	"root_images": [],
	"trust_annotations": false,
	"harden_host_pods": false,
	"allow_user_namespaces": false,
}

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_container(kind, spec) := {
	"name": kind, "kind": kind, "path": _paths[kind], "image": "registry.example.com/shop/web:1", "spec": spec,
}

# The input for a Pod with this spec and these containers, with one that says nothing if there are none.
_pod(spec, containers) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": spec},
	"containers": _one_at_least(containers),
	"namespace": null,
	"parameters": _defaults,
	"now": "2026-01-01T00:00:00Z",
}

_one_at_least(containers) := [_container("container", {})] if containers == []

_one_at_least(containers) := containers if containers != []

_with(document, change) := object.union(document, {"parameters": change})

_context(context) := {"securityContext": context}

# What operations set, by path written as text: {"spec.securityContext.fsGroup": 65532}.
_set(ops) := {concat(".", path): op.value |
	some op in ops
	op.op == "default"
	some path in _each(op.path)
}

# A path for each of the containers that it begins with.
_each(path) := [array.concat([container], array.slice(path, 1, count(path))) | some container in path[0]] if {
	is_array(path[0])
} else := [path]

_of_pod := {
	"spec.securityContext.runAsNonRoot": true,
	"spec.securityContext.runAsUser": 65532,
	"spec.securityContext.runAsGroup": 65532,
	"spec.securityContext.fsGroup": 65532,
	"spec.securityContext.seccompProfile": {"type": "RuntimeDefault"},
}

_of_container(kind) := {
	sprintf("%s.securityContext.allowPrivilegeEscalation", [_paths[kind]]): false,
	sprintf("%s.securityContext.readOnlyRootFilesystem", [_paths[kind]]): true,
	sprintf("%s.securityContext.capabilities.drop", [_paths[kind]]): ["ALL"],
}

# What a container gets itself when the Pod must not hand it down.
_apart(kind) := object.union(_of_container(kind), {
	sprintf("%s.securityContext.runAsNonRoot", [_paths[kind]]): true,
	sprintf("%s.securityContext.runAsUser", [_paths[kind]]): 65532,
	sprintf("%s.securityContext.runAsGroup", [_paths[kind]]): 65532,
	sprintf("%s.securityContext.seccompProfile", [_paths[kind]]): {"type": "RuntimeDefault"},
})

_plain := object.union(_of_pod, _of_container("container"))

_fs_group := {"spec.securityContext.fsGroup": 65532}

test_each_kind_of_container_is_hardened if {
	every kind in ["container", "init", "sidecar", "ephemeral"] {
		ops := harden_security_context.mutate with input as _pod({}, [_container(kind, {})])
		_set(ops) == object.union(_of_pod, _of_container(kind))
		count(ops) == 8
		again := harden_security_context.mutate with input as _pod({}, [_container("container", {}), _container(kind, {})])
		_set(again) == object.union(_plain, _of_container(kind))
	}
}

test_null_counts_as_unset if {
	nothing := {
		"runAsNonRoot": null, "runAsUser": null, "runAsGroup": null, "fsGroup": null, "seccompProfile": null,
		"allowPrivilegeEscalation": null, "readOnlyRootFilesystem": null, "capabilities": {"add": null},
		"privileged": null, "windowsOptions": null,
	}
	every context in [null, {}, nothing] {
		ops := harden_security_context.mutate with input as _pod(
			_context(context),
			[_container("container", _context(context))],
		)
		_set(ops) == _plain
	}
	document := _pod({}, [_container("container", _context({"capabilities": null}))])
	ops := harden_security_context.mutate with input as document
	_set(ops) == _plain
}

# A Pod of one container as the operations make it of one that says nothing.
_hardened(kind) := _pod(
	_context({
		"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
		"seccompProfile": {"type": "RuntimeDefault"},
	}),
	[_container(kind, _context({
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
	}))],
)

test_a_hardened_pod_is_left_as_it_is if {
	every kind in ["container", "init", "sidecar", "ephemeral"] {
		harden_security_context.mutate == set() with input as _hardened(kind)
	}
}

test_a_pod_hardened_apart_is_left_as_it_is if {
	apart := _context({
		"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
	})
	containers := [_container("container", apart), _container("init", _context({"privileged": true}))]
	harden_security_context.mutate == set() with input as _pod(_context({"fsGroup": 65532}), containers)
}

test_what_a_pod_states_stands if {
	every field, value in {
		"runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 0, "seccompProfile": {"type": "Unconfined"},
	} {
		ops := harden_security_context.mutate with input as _pod(_context({field: value}), [])
		_set(ops) == object.remove(_plain, {sprintf("spec.securityContext.%s", [field])})
	}
	ops := harden_security_context.mutate with input as _pod(_context({"runAsNonRoot": false, "runAsUser": 1000}), [])
	_set(ops) == object.remove(_plain, {"spec.securityContext.runAsNonRoot", "spec.securityContext.runAsUser"})
}

test_what_a_container_states_stands if {
	every field, value in {
		"allowPrivilegeEscalation": true, "readOnlyRootFilesystem": false, "capabilities": {"drop": ["NET_RAW"]},
	} {
		ops := harden_security_context.mutate with input as _pod({}, [_container("container", _context({field: value}))])
		every path, _ in _set(ops) {
			not contains(path, field)
		}
		count(ops) == 7
	}
	every capabilities in [{"drop": ["all"]}, {"drop": "ALL"}] {
		document := _pod({}, [_container("container", _context({"capabilities": capabilities}))])
		ops := harden_security_context.mutate with input as document
		count(ops) == 7
	}
	document := _pod({}, [_container("container", _context({"capabilities": {"add": ["NET_BIND_SERVICE"]}}))])
	ops := harden_security_context.mutate with input as document
	_set(ops) == _plain
}

test_a_container_that_runs_as_root_is_left_as_it_is_and_inherits_nothing if {
	every root in [{"runAsUser": 0}, {"runAsNonRoot": false}, {"runAsUser": 0, "runAsGroup": 0}] {
		every kind in ["init", "sidecar", "ephemeral"] {
			document := _pod({}, [_container("container", {}), _container(kind, _context(root))])
			ops := harden_security_context.mutate with input as document
			stated := {sprintf("spec.securityContext.%s", [key]): _of_pod[sprintf("spec.securityContext.%s", [key])] |
				some key, _ in root
			}
			moved := {sprintf("spec.containers[0].securityContext.%s", [key]) | some key, _ in root}
			_set(ops) == object.union_n([_fs_group, stated, object.remove(_apart("container"), moved)])
		}
	}
}

test_a_container_of_a_mesh_that_states_all_leaves_the_pod_free if {
	proxy_init := _context({
		"runAsNonRoot": false, "runAsUser": 0, "runAsGroup": 0, "seccompProfile": {"type": "Unconfined"},
		"capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
	})
	document := _pod({}, [_container("container", {}), _container("init", proxy_init)])
	ops := harden_security_context.mutate with input as document
	_set(ops) == _plain
}

test_containers_that_need_privileges_are_left_as_they_are if {
	every context in [
		{"privileged": true}, {"capabilities": {"add": ["SYS_ADMIN"]}}, {"capabilities": {"add": ["CAP_SYS_ADMIN"]}},
		{"capabilities": {"add": ["NET_BIND_SERVICE", "NET_ADMIN"]}}, {"capabilities": {"add": ["ALL"]}},
	] {
		every kind in ["init", "sidecar", "ephemeral"] {
			document := _pod({}, [_container("container", {}), _container(kind, _context(context))])
			ops := harden_security_context.mutate with input as document
			_set(ops) == object.union(_fs_group, _apart("container"))
		}
		harden_security_context.mutate == set() with input as _pod({}, [_container("container", _context(context))])
	}
}

test_a_pod_that_runs_as_root_is_left_as_it_is if {
	every context in [{"runAsUser": 0}, {"runAsNonRoot": false}] {
		harden_security_context.mutate == set() with input as _pod(_context(context), [])
	}
	own := _container("sidecar", _context({"runAsUser": 1000}))
	ops := harden_security_context.mutate with input as _pod(
		_context({"runAsUser": 0}),
		[_container("container", {}), own],
	)
	_set(ops) == object.union(_fs_group, object.remove(
		_apart("sidecar"),
		{"spec.initContainers[1].securityContext.runAsUser"},
	))
}

test_a_container_may_say_otherwise_than_its_pod if {
	own := _container("sidecar", _context({"runAsNonRoot": true}))
	path := "spec.initContainers[1].securityContext.runAsNonRoot"
	pod := _pod(_context({"runAsNonRoot": false}), [_container("container", {}), own])
	ops := harden_security_context.mutate with input as pod
	_set(ops) == object.union(_fs_group, object.remove(_apart("sidecar"), {path}))
	root := _pod(_context({"runAsUser": 0}), [_container("container", {}), own])
	harden_security_context.mutate == set() with input as root
	user := _container("sidecar", _context({"runAsNonRoot": false, "runAsUser": 1000}))
	named := _pod({}, [user])
	found := harden_security_context.mutate with input as named
	_set(found) == object.union(_of_pod, _of_container("sidecar"))
}

test_listed_images_are_left_as_they_are if {
	document := _with(_pod({}, []), {"root_images": ["docker.io/library/nginx", "registry.example.com/shop"]})
	harden_security_context.mutate == set() with input as document
	other := _with(_pod({}, []), {"root_images": ["registry.example.com/shop/we"]})
	ops := harden_security_context.mutate with input as other
	_set(ops) == _plain
}

test_listed_images_may_write if {
	writable := object.remove(_plain, {"spec.containers[0].securityContext.readOnlyRootFilesystem"})
	ops := harden_security_context.mutate with input as _with(
		_pod({}, []),
		{"writable_images": ["registry.example.com/shop"]},
	)
	_set(ops) == writable
	again := harden_security_context.mutate with input as _with(
		_pod({}, []),
		{"writable_images": ["registry.example.com/team"]},
	)
	_set(again) == _plain
}

test_the_annotation_counts_only_if_it_is_trusted if {
	asking := {"metadata": {"annotations": {"portcullis.dev/writable-root": "true"}}}
	document := object.union(_pod({}, []), {"pod": asking})
	ops := harden_security_context.mutate with input as document
	_set(ops) == _plain
	trusted := harden_security_context.mutate with input as _with(document, {"trust_annotations": true})
	_set(trusted) == object.remove(_plain, {"spec.containers[0].securityContext.readOnlyRootFilesystem"})
	every annotations in [null, {}, "x", 5, ["x"], {"portcullis.dev/writable-root": "false"}] {
		quiet := object.union(_pod({}, []), {"pod": {"metadata": {"annotations": annotations}}})
		found := harden_security_context.mutate with input as _with(quiet, {"trust_annotations": true})
		_set(found) == _plain
	}
}

_affine(os) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
	{"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": [os]}]},
]}}}}

test_windows_pods_are_left_alone if {
	every spec in [
		{"os": {"name": "windows"}}, {"nodeSelector": {"kubernetes.io/os": "windows"}},
		{"nodeSelector": {"beta.kubernetes.io/os": "windows"}}, _context({"windowsOptions": {}}), _affine("windows"),
	] {
		harden_security_context.mutate == set() with input as _pod(spec, [])
	}
	harden_security_context.mutate == set() with input as _pod(
		{},
		[_container("container", {}), _container("init", _context({"windowsOptions": {"hostProcess": true}}))],
	)
	every spec in [
		{"os": {"name": "linux"}}, {"os": null}, {"nodeSelector": {"kubernetes.io/os": "linux"}}, _affine("linux"),
	] {
		ops := harden_security_context.mutate with input as _pod(spec, [])
		_set(ops) == _plain
	}
}

test_pods_on_the_host_are_left_alone_unless_wanted if {
	every field in ["hostNetwork", "hostPID", "hostIPC"] {
		harden_security_context.mutate == set() with input as _pod({field: true}, [])
		ops := harden_security_context.mutate with input as _pod({field: false}, [])
		_set(ops) == _plain
		wanted := harden_security_context.mutate with input as _with(_pod({field: true}, []), {"harden_host_pods": true})
		_set(wanted) == _plain
	}
}

test_user_namespaces_keep_their_users_where_allowed if {
	ops := harden_security_context.mutate with input as _pod({"hostUsers": false}, [])
	_set(ops) == _plain
	allowed := harden_security_context.mutate with input as _with(
		_pod({"hostUsers": false}, []),
		{"allow_user_namespaces": true},
	)
	_set(allowed) == object.remove(_plain, {
		"spec.securityContext.runAsNonRoot", "spec.securityContext.runAsUser", "spec.securityContext.runAsGroup",
	})
}

test_each_field_can_be_turned_off if {
	every parameter, off in {
		"run_as_non_root": ["never", "spec.securityContext.runAsNonRoot"],
		"run_as_group": [null, "spec.securityContext.runAsGroup"],
		"fs_group": [null, "spec.securityContext.fsGroup"],
		"seccomp_runtime_default": [false, "spec.securityContext.seccompProfile"],
		"forbid_privilege_escalation": [false, "spec.containers[0].securityContext.allowPrivilegeEscalation"],
		"read_only_root": [false, "spec.containers[0].securityContext.readOnlyRootFilesystem"],
		"drop_capabilities": [[], "spec.containers[0].securityContext.capabilities.drop"],
	} {
		ops := harden_security_context.mutate with input as _with(_pod({}, []), {parameter: off[0]})
		_set(ops) == object.remove(_plain, {off[1]})
	}
}

test_ids_and_capabilities_are_those_of_the_parameters if {
	ops := harden_security_context.mutate with input as _with(_pod({}, []), {
		"run_as_user": 1001, "run_as_group": 1002, "fs_group": 1003, "drop_capabilities": ["NET_RAW", "SETUID"],
	})
	_set(ops) == object.union(_plain, {
		"spec.securityContext.runAsUser": 1001,
		"spec.securityContext.runAsGroup": 1002,
		"spec.securityContext.fsGroup": 1003,
		"spec.containers[0].securityContext.capabilities.drop": ["NET_RAW", "SETUID"],
	})
}

test_without_a_user_id_non_root_is_set_only_where_one_is_stated if {
	none := {"run_as_user": null}
	ops := harden_security_context.mutate with input as _with(_pod({}, []), none)
	_set(ops) == object.remove(_plain, {"spec.securityContext.runAsNonRoot", "spec.securityContext.runAsUser"})
	stated := harden_security_context.mutate with input as _with(_pod(_context({"runAsUser": 1000}), []), none)
	_set(stated) == object.remove(_plain, {"spec.securityContext.runAsUser"})
	one := [_container("container", {}), _container("sidecar", _context({"runAsUser": 1000}))]
	apart := harden_security_context.mutate with input as _with(_pod({}, one), none)
	_set(apart) == object.remove(
		object.union_n([
			_plain, _of_container("sidecar"),
			{"spec.initContainers[1].securityContext.runAsNonRoot": true},
		]),
		{"spec.securityContext.runAsNonRoot", "spec.securityContext.runAsUser"},
	)
	always := object.union(none, {"run_as_non_root": "always"})
	everywhere := harden_security_context.mutate with input as _with(_pod({}, []), always)
	_set(everywhere) == object.remove(_plain, {"spec.securityContext.runAsUser"})
}

test_old_seccomp_annotations_count_as_a_profile if {
	every key in ["seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/web"] {
		annotated := {"metadata": {"annotations": {"a": "b", key: "runtime/default"}}}
		ops := harden_security_context.mutate with input as object.union(_pod({}, []), {"pod": annotated})
		_set(ops) == object.remove(_plain, {"spec.securityContext.seccompProfile"})
	}
}

test_no_group_beside_volumes_that_forbid_it if {
	without := object.remove(_plain, {"spec.securityContext.fsGroup"})
	every kind in ["nfs", "cephfs", "glusterfs"] {
		document := _pod({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "v", kind: {}}]}, [])
		ops := harden_security_context.mutate with input as document
		_set(ops) == without
	}
	claims := {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}
	ops := harden_security_context.mutate with input as _pod(claims, [])
	_set(ops) == _plain
	listed := _with(_pod(claims, []), {"fs_group_unless_volumes": ["persistentVolumeClaim"]})
	again := harden_security_context.mutate with input as listed
	_set(again) == without
}

_volumes(source) := {"volumes": [{"name": "tmp", "emptyDir": {}}, object.union({"name": "v"}, source)]}

test_no_group_for_lasting_volumes_whose_user_an_author_chose if {
	mounts := {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "v", "mountPath": "/v"}]}
	owned := [_container("container", object.union(mounts, _context({"runAsUser": 1000})))]
	unowned := [_container("container", mounts), _container("sidecar", _context({"runAsUser": 1000}))]
	every source in [{"persistentVolumeClaim": {}}, {"csi": {}}, {"iscsi": {}}] {
		ops := harden_security_context.mutate with input as _pod(_volumes(source), owned)
		not "spec.securityContext.fsGroup" in object.keys(_set(ops))
		spared := _container("container", object.union(mounts, _context({"capabilities": {"add": ["CHOWN"]}})))
		beside := harden_security_context.mutate with input as _pod(_volumes(source), [spared, _container("init", {})])
		not "spec.securityContext.fsGroup" in object.keys(_set(beside))
		every document in [_pod(_volumes(source), unowned), _pod({}, owned)] {
			found := harden_security_context.mutate with input as document
			"spec.securityContext.fsGroup" in object.keys(_set(found))
		}
	}
	every source in [{"emptyDir": {}}, {"secret": {}}, {"ephemeral": {}}, {"hostPath": {}}, {"csi": null}, {}] {
		ops := harden_security_context.mutate with input as _pod(_volumes(source), owned)
		"spec.securityContext.fsGroup" in object.keys(_set(ops))
	}
}

test_what_is_malformed_is_left_alone if {
	every context in ["x", 5, true, [], ["privileged"]] {
		harden_security_context.mutate == set() with input as _pod(_context(context), [])
		harden_security_context.mutate == set() with input as _pod({}, [_container("container", _context(context))])
	}
	every spec in ["x", 5, null, true, []] {
		harden_security_context.mutate == set() with input as _pod({}, [_container("container", spec)])
	}
	every capabilities in ["ALL", ["ALL"], [], 5, true] {
		document := _pod({}, [_container("container", _context({"capabilities": capabilities}))])
		harden_security_context.mutate == set() with input as document
	}
	every add in ["NET_ADMIN", 5, true, {}] {
		document := _pod({}, [_container("container", _context({"capabilities": {"add": add}}))])
		ops := harden_security_context.mutate with input as document
		_set(ops) == _plain
	}
	every volumes in ["x", 5, null, [null], ["x"], [{"name": 5}], {}] {
		ops := harden_security_context.mutate with input as _pod({"volumes": volumes}, [])
		_set(ops) == _plain
	}
	every mounts in ["x", 5, null, [null], [{"name": null}], {}] {
		spec := object.union({"volumeMounts": mounts}, _context({"runAsUser": 7}))
		document := _pod({"volumes": [{"name": "v", "csi": {}}]}, [_container("container", spec)])
		ops := harden_security_context.mutate with input as document
		_set(ops) == object.remove(_plain, {})
	}
}

test_a_pod_without_containers_is_left_alone if {
	harden_security_context.mutate == set() with input as object.union(_pod({}, []), {"containers": []})
}

test_no_capabilities_in_a_list_say_nothing if {
	every drop in [[], null] {
		document := _pod({}, [_container("container", _context({"capabilities": {"drop": drop}}))])
		ops := harden_security_context.mutate with input as document
		path := [["spec.containers[0]"], "securityContext", "capabilities", "drop"]
		{"op": "set", "path": path, "value": ["ALL"]} in ops
		count(ops) == count(_plain)
	}
}
