package policies.automount_token_off_test

import data.policies.automount_token_off

_off := {"op": "default", "path": ["spec", "automountServiceAccountToken"], "value": false}

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_container(kind, mounts) := {
	"name": kind, "kind": kind, "path": _paths[kind], "image": "web:1", "spec": {"volumeMounts": mounts},
}

_pod(spec, containers) := {
	"request": {"operation": "CREATE", "namespace": "shop"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": spec},
	"containers": containers,
	"parameters": {
		"service_accounts": [],
		"unless_annotations": {
			"dapr.io/enabled": ["true"],
			"vault.hashicorp.com/agent-inject": ["true", "1"],
		},
	},
}

_token := {"name": "kube-api-access-x7k2p", "projected": {"sources": [
	{"serviceAccountToken": {"path": "token"}},
	{"configMap": {"name": "kube-root-ca.crt"}},
]}}

_mount := {
	"name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true,
}

_remove_volume := {"op": "remove", "path": ["spec", {"volumes": "kube-api-access-x7k2p"}]}

_remove_mount(kind) := {"op": "remove", "path": [_paths[kind], {"volumeMounts": "kube-api-access-x7k2p"}]}

_annotated(key, value) := object.union(
	_pod({}, []),
	{"pod": {"metadata": {"annotations": {key: value}}}},
)

test_a_pod_that_says_nothing_gets_no_token if {
	every spec in [{}, {"automountServiceAccountToken": null}, {"volumes": []}, {"volumes": null}] {
		automount_token_off.mutate == {_off} with input as _pod(spec, [_container("container", [])])
	}
}

test_a_pod_that_states_it_keeps_it if {
	every value in [true, false, "true"] {
		spec := {"automountServiceAccountToken": value, "volumes": [_token]}
		automount_token_off.mutate == set() with input as _pod(spec, [_container("container", [_mount])])
	}
}

test_what_the_api_server_mounted_is_taken_out_of_every_container if {
	containers := [_container(kind, [{"name": "tmp", "mountPath": "/tmp"}, _mount]) | some kind, _ in _paths]
	spec := {"volumes": [{"name": "tmp", "emptyDir": {}}, _token]}
	ops := automount_token_off.mutate with input as _pod(spec, containers)
	ops == {_off, _remove_volume} | {_remove_mount(kind) | some kind, _ in _paths}
}

test_nothing_is_left_to_do_afterwards if {
	after := {"automountServiceAccountToken": false, "volumes": [{"name": "tmp", "emptyDir": {}}]}
	containers := [_container("container", [{"name": "tmp", "mountPath": "/tmp"}])]
	automount_token_off.mutate == set() with input as _pod(after, containers)
}

test_volumes_that_an_author_named_are_left_alone if {
	every volume in [
		object.union(_token, {"name": "vault-token"}), object.union(_token, {"name": "kube-api-access"}),
		object.union(_token, {"name": "kube-api-access-mine-and-long"}), object.union(_token, {"name": null}),
		{"name": "kube-api-access-x7k2p", "emptyDir": {}}, {"name": "kube-api-access-x7k2p", "projected": {"sources": null}},
		null, "x",
	] {
		automount_token_off.mutate == {_off} with input as _pod({"volumes": [volume]}, [_container("container", [_mount])])
	}
}

test_a_volume_mounted_twice_is_its_authors_wish if {
	twice := [_mount, object.union(_mount, {"mountPath": "/token"})]
	automount_token_off.mutate == set() with input as _pod({"volumes": [_token]}, [_container("container", twice)])
}

test_listed_accounts_keep_their_token if {
	every accounts in [["shop/prometheus"], ["ops/x", "shop/*"]] {
		document := object.union(
			_pod({"serviceAccountName": "prometheus"}, []),
			{"parameters": {"service_accounts": accounts}},
		)
		automount_token_off.mutate == set() with input as document
	}
	other := object.union(
		_pod({"serviceAccountName": "web"}, []),
		{"parameters": {"service_accounts": ["shop/prometheus", "ops/web"]}},
	)
	automount_token_off.mutate == {_off} with input as other
}

test_sidecars_that_read_the_token_keep_it if {
	automount_token_off.mutate == set() with input as _annotated("dapr.io/enabled", "true")
	automount_token_off.mutate == set() with input as _annotated("vault.hashicorp.com/agent-inject", "1")
	every value in ["false", true, null, ["true"]] {
		automount_token_off.mutate == {_off} with input as _annotated("dapr.io/enabled", value)
	}
	every annotations in [null, "dapr.io/enabled", 5, ["true"]] {
		document := object.union(_pod({}, []), {"pod": {"metadata": {"annotations": annotations}}})
		automount_token_off.mutate == {_off} with input as document
	}
}

test_a_sidecar_may_be_switched_on_by_any_word_for_it if {
	every key in ["dapr.io/enabled", "vault.hashicorp.com/agent-inject"] {
		every value in ["y", "Yes", "TRUE", "True", "t", "T", "On", "1", "enabled", "Enabled", " true "] {
			automount_token_off.mutate == set() with input as _annotated(key, value)
		}
		every value in ["n", "no", "False", "off", "0", "", "disabled", "truly", true, 1] {
			automount_token_off.mutate == {_off} with input as _annotated(key, value)
		}
	}
	automount_token_off.mutate == {_off} with input as _annotated("shop/enabled", "true")
}

test_a_listed_value_that_does_not_mean_on_stands_for_itself if {
	every case in [
		[["agent"], "agent", set()], [["agent"], "Agent", {_off}], [["agent"], "true", {_off}], [[], "true", {_off}],
		[["agent", "1"], "Yes", set()], [["false"], "false", set()], [["false"], "true", {_off}],
	] {
		document := object.union(
			_annotated("shop/reads-token", case[1]),
			{"parameters": {"unless_annotations": {"shop/reads-token": case[0]}}},
		)
		automount_token_off.mutate == case[2] with input as document
	}
}

test_mounts_of_the_wrong_type_do_not_break_it if {
	every mounts in [null, "x", 5, {}, [null], ["x"], [{"name": 5}]] {
		ops := automount_token_off.mutate with input as _pod({"volumes": [_token]}, [_container("container", mounts)])
		ops == {_off, _remove_volume}
	}
}
