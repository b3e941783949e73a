package policies.sidecar_annotations_test

import data.policies.sidecar_annotations

_off := {
	"dapr": {"enabled": false},
	"linkerd": {"enabled": false},
	"istio": {"enabled": false},
	"vault": {"enabled": false},
	"prometheus": {"enabled": false},
}

# The input for a Pod of the Deployment web.
_pod(change, parameters) := object.union(
	{
		"request": {"operation": "CREATE", "namespace": "shop"},
		"workload": null,
		"pod": {
			"metadata": {
				"name": "web-7d9f8-x2x4q",
				"generateName": "web-7d9f8-",
				"labels": {"app": "front", "pod-template-hash": "7d9f8"},
				"ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d9f8", "controller": true}],
			},
			"spec": {},
		},
		"containers": [_container("web", "container", [{"containerPort": 8080}, {"containerPort": 9090, "name": "metrics"}])],
		"parameters": object.union(_off, parameters),
	},
	change,
)

_container(name, kind, ports) := {
	"name": name, "kind": kind, "path": "spec.containers[0]", "image": "web:1", "spec": {"ports": ports},
}

_dapr(change) := {"dapr": object.union({"enabled": true}, change)}

_annotated(annotations) := {"pod": {"metadata": {"annotations": annotations}}}

_labelled(labels) := {"pod": {"metadata": {"labels": labels}}}

_named(metadata) := {"pod": {"metadata": metadata, "spec": {}}}

_annotations(ops) := {op.path[2]: op.value | some op in ops; op.path[1] == "annotations"; op.op == "default"}

_labels(ops) := {op.path[2]: op.value | some op in ops; op.path[1] == "labels"; op.op == "default"}

_messages(violations) := {violation.msg | some violation in violations}

_of_dapr := {"dapr.io/enabled": "true", "dapr.io/app-id": "web", "dapr.io/app-port": "8080"}

_everything := {
	"dapr": {"enabled": true},
	"linkerd": {"enabled": true},
	"istio": {"enabled": true},
	"vault": {"enabled": true},
	"prometheus": {"enabled": true},
}

test_nothing_is_set_until_configured if {
	sidecar_annotations.mutate == set() with input as _pod({}, {})
	sidecar_annotations.warn == set() with input as _pod({}, {})
	settings := {"where": {"namespaces": ["shop"]}}
	sidecar_annotations.mutate == set() with input as _pod({}, {"dapr": settings, "istio": settings})
}

test_all_are_strings_in_annotations_and_labels if {
	ops := sidecar_annotations.mutate with input as _pod({}, _everything)
	_labels(ops) == {"sidecar.istio.io/inject": "true"}
	_annotations(ops) == object.union(_of_dapr, {
		"linkerd.io/inject": "enabled",
		"vault.hashicorp.com/agent-inject": "true",
		"vault.hashicorp.com/role": "default",
		"prometheus.io/scrape": "true",
		"prometheus.io/port": "9090",
	})
	count(ops) == 9
}

test_what_is_set_yields_nothing_new if {
	annotations := object.union(_of_dapr, {
		"linkerd.io/inject": "enabled",
		"vault.hashicorp.com/agent-inject": "true",
		"vault.hashicorp.com/role": "default",
		"prometheus.io/scrape": "true",
		"prometheus.io/port": "9090",
	})
	after := object.union(_annotated(annotations), _labelled({"sidecar.istio.io/inject": "true"}))
	sidecar_annotations.mutate == set() with input as _pod(after, _everything)
	sidecar_annotations.warn == set() with input as _pod(after, _everything)
}

test_settings_of_dapr_become_annotations if {
	settings := {
		"app_protocol": "grpc", "config": "tracing", "log_level": "warn", "sidecar_cpu_limit": "300m",
		"sidecar_memory_limit": "256Mi", "sidecar_readiness_probe_delay_seconds": 5, "app_port": 7000,
		"annotations": {"dapr.io/enable-api-logging": "true"},
	}
	ops := sidecar_annotations.mutate with input as _pod({}, _dapr(settings))
	_annotations(ops) == {
		"dapr.io/enabled": "true",
		"dapr.io/app-id": "web",
		"dapr.io/app-port": "7000",
		"dapr.io/app-protocol": "grpc",
		"dapr.io/config": "tracing",
		"dapr.io/log-level": "warn",
		"dapr.io/sidecar-cpu-limit": "300m",
		"dapr.io/sidecar-memory-limit": "256Mi",
		"dapr.io/sidecar-readiness-probe-delay-seconds": "5",
		"dapr.io/enable-api-logging": "true",
	}
}

_owner(kind, name) := {"kind": kind, "name": name, "controller": true}

test_the_app_id_is_the_workloads_name if {
	every case in [
		{"metadata": {"name": "x", "ownerReferences": [_owner("StatefulSet", "db")]}, "id": "db"},
		{"metadata": {"name": "x", "ownerReferences": [_owner("ReplicaSet", "bare")]}, "id": "bare"},
		{"metadata": {"name": "x", "ownerReferences": [{"kind": "Thing", "name": "other"}]}, "id": "x"},
		{"metadata": {"name": "web.v2"}, "id": "web-v2"},
		{"metadata": {"generateName": "tool-"}, "id": "tool"},
		{"metadata": {"name": "x", "labels": null, "ownerReferences": "x"}, "id": "x"},
		{
			"metadata": {
				"name": "x",
				"labels": {"rollouts-pod-template-hash": "6b"},
				"ownerReferences": [{"kind": "ReplicaSet", "name": "canary-6b", "controller": true}],
			},
			"id": "canary",
		},
	] {
		bare := object.remove(_pod({}, _dapr({})), ["pod"])
		ops := sidecar_annotations.mutate with input as object.union(bare, _named(case.metadata))
		_annotations(ops)["dapr.io/app-id"] == case.id
	}
	template := {"workload": {"kind": "Deployment", "name": "front", "path": "spec.template"}}
	ops := sidecar_annotations.mutate with input as _pod(template, _dapr({}))
	_annotations(ops)["dapr.io/app-id"] == "front"
}

test_the_app_id_is_a_label_where_wanted if {
	every case in [
		[["app"], "front"],
		[["app.kubernetes.io/name", "app"], "front"],
		[["app", "pod-template-hash"], "front"],
		[["team"], "web"],
	] {
		labels := case[0]
		id := case[1]
		ops := sidecar_annotations.mutate with input as _pod({}, _dapr({"app_id_labels": labels}))
		_annotations(ops)["dapr.io/app-id"] == id
	}
}

test_without_an_app_id_there_is_no_dapr if {
	bare := object.remove(_pod({}, _dapr({})), ["pod"])
	long := "a-name-that-is-longer-than-fifty-eight-characters-makes-no-id"
	every metadata in [{"name": long}, {}, {"name": 5}, {"name": "Web"}] {
		document := object.union(bare, _named(metadata))
		sidecar_annotations.mutate == set() with input as document
		found := sidecar_annotations.warn with input as document
		{violation.field | some violation in found} == {"metadata.annotations[\"dapr.io/app-id\"]"}
	}
	own := object.union(bare, _named({"name": long, "annotations": {"dapr.io/app-id": "shop"}}))
	ops := sidecar_annotations.mutate with input as own
	_annotations(ops) == {"dapr.io/enabled": "true", "dapr.io/app-port": "8080"}
}

test_the_port_is_the_applications_first if {
	udp := {"containerPort": 53, "protocol": "UDP"}
	tcp := {"containerPort": 80, "protocol": "TCP"}
	every case in [
		[[_container("daprd", "container", [{"containerPort": 3500}]), _container("web", "container", [udp, tcp])], "80"],
		[[_container("migrate", "init", [{"containerPort": 1}]), _container("web", "container", [tcp])], "80"],
		[[_container("log", "sidecar", [{"containerPort": 1}]), _container("web", "container", [tcp])], "80"],
		[[_container("debug", "ephemeral", [{"containerPort": 1}]), _container("web", "container", [tcp])], "80"],
		[[_container("a", "container", null), _container("web", "container", [tcp])], "80"],
		[[_container("a", "container", []), _container("web", "container", "x")], "none"],
		[[_container("a", "container", [null, {"containerPort": "80"}, {"containerPort": 0}, {"name": "x"}])], "none"],
	] {
		ops := sidecar_annotations.mutate with input as _pod({"containers": case[0]}, _dapr({}))
		_annotations(ops)["dapr.io/app-id"] == "web"
		object.get(_annotations(ops), "dapr.io/app-port", "none") == case[1]
	}
	ops := sidecar_annotations.mutate with input as _pod({}, _dapr({"app_port_from_container": false}))
	_annotations(ops) == {"dapr.io/enabled": "true", "dapr.io/app-id": "web"}
}

test_what_an_author_set_stays if {
	own := {"dapr.io/enabled": "true", "dapr.io/app-id": "shop", "dapr.io/app-port": "9090"}
	settings := {"app_port": 8080, "log_level": "warn"}
	ops := sidecar_annotations.mutate with input as _pod(_annotated(own), _dapr(settings))
	_annotations(ops) == {"dapr.io/log-level": "warn"}
	sidecar_annotations.warn == set() with input as _pod(_annotated(own), _dapr(settings))
	ingress := _pod(_annotated({"linkerd.io/inject": "ingress"}), {"linkerd": {"enabled": true}})
	sidecar_annotations.mutate == set() with input as ingress
	sidecar_annotations.warn == set() with input as ingress
	revision := _pod(_labelled({"istio.io/rev": "canary"}), {"istio": {"enabled": true}})
	sidecar_annotations.mutate == set() with input as revision
}

test_who_says_no_gets_nothing_and_a_warning if {
	every name, key in {
		"dapr": "dapr.io/enabled",
		"linkerd": "linkerd.io/inject",
		"vault": "vault.hashicorp.com/agent-inject",
		"prometheus": "prometheus.io/scrape",
	} {
		document := _pod(_annotated({key: "false"}), {name: {"enabled": true}})
		sidecar_annotations.mutate == set() with input as document
		found := sidecar_annotations.warn with input as document
		_messages(found) == {sprintf("annotation %s is \"false\", so that %s is not set up as configured here", [key, name])}
		{violation.field | some violation in found} == {sprintf("metadata.annotations[%q]", [key])}
	}
	istio := _pod(_labelled({"sidecar.istio.io/inject": "false"}), {"istio": {"enabled": true}})
	sidecar_annotations.mutate == set() with input as istio
	found := sidecar_annotations.warn with input as istio
	{violation.remedy | some violation in found} == {concat("", [
		`remove metadata.labels["sidecar.istio.io/inject"], `,
		`or set it to "true"`,
	])}
}

test_the_old_annotation_of_istio_is_respected if {
	document := _pod(_annotated({"sidecar.istio.io/inject": "false"}), {"istio": {"enabled": true}})
	sidecar_annotations.mutate == set() with input as document
	found := sidecar_annotations.warn with input as document
	{violation.field | some violation in found} == {"metadata.annotations[\"sidecar.istio.io/inject\"]"}
}

test_a_port_that_no_container_has_is_warned_of if {
	every name, key in {"dapr": "dapr.io/app-port", "prometheus": "prometheus.io/port"} {
		document := _pod(_annotated({key: "81"}), {name: {"enabled": true}})
		found := sidecar_annotations.warn with input as document
		_messages(found) == {sprintf("annotation %s is \"81\", the port of no container", [key])}
		portless := object.union(document, {"containers": []})
		sidecar_annotations.warn == set() with input as portless
	}
}

test_templates_are_told_their_own_path if {
	template := object.union(
		{"workload": {"kind": "Deployment", "name": "web", "path": "spec.template"}},
		_annotated({"dapr.io/enabled": "no"}),
	)
	found := sidecar_annotations.warn with input as _pod(template, _dapr({}))
	{violation.field | some violation in found} == {"spec.template.metadata.annotations[\"dapr.io/enabled\"]"}
}

test_values_other_than_those_configured_are_warned_of if {
	every case in [
		["dapr", {"log_level": "warn"}, "dapr.io/log-level", "debug", "warn"],
		["dapr", {"sidecar_readiness_probe_delay_seconds": 5}, "dapr.io/sidecar-readiness-probe-delay-seconds", "9", "5"],
		["dapr", {"annotations": {"dapr.io/app-id": "shop"}}, "dapr.io/app-id", "web", "shop"],
		["linkerd", {"annotations": {"config.linkerd.io/x": "500m"}}, "config.linkerd.io/x", "", "500m"],
		["istio", {"annotations": {"proxy.istio.io/x": "a"}}, "proxy.istio.io/x", "b", "a"],
		["vault", {"role": "reader"}, "vault.hashicorp.com/role", "100%s", "reader"],
		["prometheus", {"path": "/stats"}, "prometheus.io/path", "/metrics", "/stats"],
	] {
		settings := {case[0]: object.union({"enabled": true}, case[1])}
		found := sidecar_annotations.warn with input as _pod(_annotated({case[2]: case[3]}), settings)
		field := sprintf("metadata.annotations[%q]", [case[2]])
		found == {{
			"msg": sprintf("annotation %s is %q, not %q as configured here", [case[2], case[3], case[4]]),
			"field": field,
			"remedy": sprintf("remove %s, or have the configuration changed", [field]),
		}}
		every value in [null, case[4]] {
			sidecar_annotations.warn == set() with input as _pod(_annotated({case[2]: value}), settings)
		}
		sidecar_annotations.warn == set() with input as _pod({}, settings)
	}
}

test_what_is_derived_is_overridden_without_a_warning if {
	own := {
		"dapr.io/app-id": "shop", "dapr.io/app-port": "9090", "vault.hashicorp.com/role": "shop",
		"prometheus.io/port": "8080",
	}
	sidecar_annotations.warn == set() with input as _pod(_annotated(own), _everything)
	labelled := _dapr({"app_id_labels": ["app"]})
	sidecar_annotations.warn == set() with input as _pod(_annotated({"dapr.io/app-id": "shop"}), labelled)
}

test_switches_and_ports_are_warned_of_once if {
	off := {"dapr.io/enabled": "false", "dapr.io/log-level": "debug"}
	settings := {"log_level": "warn", "app_port": 8080, "annotations": {"dapr.io/enabled": "true"}}
	found := sidecar_annotations.warn with input as _pod(_annotated(off), _dapr(settings))
	{violation.field | some violation in found} == {"metadata.annotations[\"dapr.io/enabled\"]"}
	ported := sidecar_annotations.warn with input as _pod(_annotated({"dapr.io/app-port": "81"}), _dapr(settings))
	_messages(ported) == {"annotation dapr.io/app-port is \"81\", the port of no container"}
	ingress := {"linkerd": {"enabled": true, "inject": "ingress"}}
	sidecar_annotations.warn == set() with input as _pod(_annotated({"linkerd.io/inject": "enabled"}), ingress)
}

test_switches_are_on_by_what_dapr_and_vault_read_as_true if {
	every case in [
		["dapr", "dapr.io/enabled", ["true", "True", "y", "YES", "T", "On", "1", " true "]],
		["vault", "vault.hashicorp.com/agent-inject", ["true", "True", "TRUE", "t", "T", "1"]],
	] {
		settings := {case[0]: {"enabled": true, "annotations": {"x": "y"}}}
		every value in case[2] {
			document := _pod(_annotated({case[1]: value}), settings)
			ops := sidecar_annotations.mutate with input as document
			_annotations(ops).x == "y"
			not _annotations(ops)[case[1]]
			sidecar_annotations.warn == set() with input as document
		}
	}
}

test_switches_are_off_by_all_else if {
	every case in [
		["dapr", "dapr.io/enabled", ["false", "", "enabled", "truly", "0", true, 1, ["true"]]],
		["vault", "vault.hashicorp.com/agent-inject", ["yes", "on", "tRUE", " true", "", true, 1]],
		["linkerd", "linkerd.io/inject", ["true", "Enabled"]],
		["prometheus", "prometheus.io/scrape", ["True", "1"]],
	] {
		every value in case[2] {
			document := _pod(_annotated({case[1]: value}), {case[0]: {"enabled": true}})
			sidecar_annotations.mutate == set() with input as document
			found := sidecar_annotations.warn with input as document
			{violation.field | some violation in found} == {sprintf("metadata.annotations[%q]", [case[1]])}
		}
	}
}

test_proxies_are_not_asked_for_on_the_hosts_network if {
	every name in ["linkerd", "istio"] {
		document := _pod({"pod": {"spec": {"hostNetwork": true}}}, {name: {"enabled": true}})
		sidecar_annotations.mutate == set() with input as document
		found := sidecar_annotations.warn with input as document
		{violation.field | some violation in found} == {"spec.hostNetwork"}
	}
	on_the_host := _pod({"pod": {"spec": {"hostNetwork": true}}}, _dapr({}))
	count(sidecar_annotations.mutate) == 3 with input as on_the_host
}

_affine(os) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
	{"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": [os]}]},
]}}}}

test_pods_for_windows_are_scraped_and_get_no_sidecar if {
	every field, spec in {
		"spec.os": {"os": {"name": "windows"}, "nodeSelector": {"kubernetes.io/os": "windows"}},
		"spec.nodeSelector": {"nodeSelector": {"kubernetes.io/os": "windows"}},
		"spec.affinity": _affine("windows"),
	} {
		document := _pod({"pod": {"spec": spec}}, _everything)
		ops := sidecar_annotations.mutate with input as document
		_annotations(ops) == {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}
		count(ops) == 2
		found := sidecar_annotations.warn with input as document
		{violation.field | some violation in found} == {field}
		count(found) == 4
	}
}

test_pods_for_linux_get_their_sidecars if {
	every spec in [
		{"os": {"name": "linux"}}, {"nodeSelector": {"kubernetes.io/os": "linux"}}, _affine("linux"), {"os": null},
		{"nodeSelector": "windows"}, {"affinity": []},
	] {
		document := _pod({"pod": {"spec": spec}}, _everything)
		count(sidecar_annotations.mutate) == 9 with input as document
		sidecar_annotations.warn == set() with input as document
	}
}

test_vaults_agent_needs_a_token if {
	tokenless := {"pod": {"spec": {"automountServiceAccountToken": false, "serviceAccountName": "shop"}}}
	settings := {"vault": {"enabled": true}}
	sidecar_annotations.mutate == set() with input as _pod(tokenless, settings)
	found := sidecar_annotations.warn with input as _pod(tokenless, settings)
	{violation.field | some violation in found} == {"spec.automountServiceAccountToken"}
	key := "vault.hashicorp.com/agent-service-account-token-volume-name"
	asked := {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "shop"}
	own := sidecar_annotations.mutate with input as _pod(object.union(tokenless, _annotated({key: "token"})), settings)
	_annotations(own) == asked
	given := {"vault": {"enabled": true, "role": "reader", "annotations": {key: "token"}}}
	ops := sidecar_annotations.mutate with input as _pod(tokenless, given)
	_annotations(ops) == object.union(asked, {"vault.hashicorp.com/role": "reader", key: "token"})
}

test_prometheus_scrapes_a_named_port if {
	every case in [
		[{}, {"prometheus.io/port": "9090"}],
		[{"port": 9091}, {"prometheus.io/port": "9091"}],
		[{"port_names": ["http"]}, {}],
		[{"path": "/stats", "scheme": "https", "port": 1}, {
			"prometheus.io/port": "1", "prometheus.io/path": "/stats", "prometheus.io/scheme": "https",
		}],
	] {
		settings := {"prometheus": object.union({"enabled": true}, case[0])}
		ops := sidecar_annotations.mutate with input as _pod({}, settings)
		_annotations(ops) == object.union({"prometheus.io/scrape": "true"}, case[1])
	}
}

test_where_says_which_pods if {
	every where in [
		{"namespaces": ["shop"]}, {"namespaces": ["x", "sh*"]}, {"matchLabels": {"app": "front"}}, {},
		{"matchExpressions": [{"key": "app", "operator": "Exists"}]},
	] {
		count(sidecar_annotations.mutate) == 3 with input as _pod({}, _dapr({"where": where}))
	}
	every where in [
		{"namespaces": ["ops"]}, {"namespaces": []}, {"matchLabels": {"app": "back"}},
		{"namespaces": ["shop"], "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
	] {
		sidecar_annotations.mutate == set() with input as _pod({}, _dapr({"where": where}))
	}
}

test_pods_of_jobs_are_left_alone_unless_wanted if {
	every job in [
		{"pod": {"metadata": {"ownerReferences": [{"kind": "Job", "name": "import", "controller": true}]}}},
		{"workload": {"kind": "CronJob", "name": "import", "path": "spec.jobTemplate.spec.template"}},
	] {
		sidecar_annotations.mutate == set() with input as _pod(job, _dapr({}))
		ops := sidecar_annotations.mutate with input as _pod(job, _dapr({"where": {"jobs": true}}))
		_annotations(ops)["dapr.io/app-id"] == "import"
	}
}

test_metadata_of_the_wrong_type_is_left_alone if {
	every value in ["x", 5, true, [], ["dapr.io/enabled"]] {
		sidecar_annotations.mutate == set() with input as _pod(_annotated(value), _dapr({}))
		sidecar_annotations.mutate == set() with input as _pod(_labelled(value), {"istio": {"enabled": true}})
		sidecar_annotations.warn == set() with input as _pod(_annotated(value), _dapr({}))
	}
	ops := sidecar_annotations.mutate with input as _pod(_annotated(null), _dapr({}))
	_annotations(ops) == _of_dapr
	nulls := {"dapr.io/enabled": null, "dapr.io/app-id": null}
	again := sidecar_annotations.mutate with input as _pod(_annotated(nulls), _dapr({}))
	_annotations(again) == _of_dapr
	nowhere := object.remove(_pod({}, _dapr({})), ["request"])
	count(sidecar_annotations.mutate) == 3 with input as object.union(nowhere, {"request": {"operation": "CREATE"}})
}
