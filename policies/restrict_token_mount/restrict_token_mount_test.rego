package policies.restrict_token_mount_test

import data.policies.restrict_token_mount

# The input for a bare Pod, which may run containers of any kind: they share what it mounts.
_pod(spec) := {
	"request": {"operation": "CREATE", "namespace": "shop"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": spec},
	"containers": [
		{"name": "web", "kind": "container", "path": "spec.containers[0]", "image": "nginx:1", "spec": {}},
		{"name": "db", "kind": "init", "path": "spec.initContainers[0]", "image": "nginx:1", "spec": {}},
		{"name": "log", "kind": "sidecar", "path": "spec.initContainers[1]", "image": "nginx:1", "spec": {}},
		{"name": "debug", "kind": "ephemeral", "path": "spec.ephemeralContainers[0]", "image": "nginx:1", "spec": {}},
	],
	"parameters": {"service_accounts": []},
}

_template(kind, path, spec) := object.union(_pod(spec), {"workload": {"kind": kind, "name": "w", "path": path}})

_listing(document, accounts) := object.union(document, {"parameters": {"service_accounts": accounts}})

test_pod_without_a_token_passes if {
	count(restrict_token_mount.deny) == 0 with input as _pod({"automountServiceAccountToken": false})
}

test_pod_that_says_nothing_is_refused if {
	restrict_token_mount.deny == {{
		"msg": "Pod: the token of service account shop/default is mounted into its containers",
		"field": "spec.automountServiceAccountToken",
		"remedy": concat("", [
			"set spec.automountServiceAccountToken: false, ",
			"or add shop/default to service_accounts if it calls the API server",
		]),
	}} with input as _pod({})
}

test_only_false_is_false if {
	every value in [true, null, "false", 0, {}, []] {
		count(restrict_token_mount.deny) == 1 with input as _pod({"automountServiceAccountToken": value})
	}
}

test_listed_accounts_may_have_their_token if {
	every spec in [
		{"serviceAccountName": "prometheus"}, {"serviceAccount": "prometheus"},
		{"serviceAccountName": "", "serviceAccount": "prometheus"},
		{"serviceAccountName": "prometheus", "automountServiceAccountToken": true},
	] {
		count(restrict_token_mount.deny) == 0 with input as _listing(_pod(spec), ["shop/prometheus"])
		count(restrict_token_mount.deny) == 0 with input as _listing(_pod(spec), ["ops/x", "shop/prom*"])
		count(restrict_token_mount.deny) == 1 with input as _listing(_pod(spec), [])
	}
	count(restrict_token_mount.deny) == 0 with input as _listing(_pod({}), ["shop/default"])
}

test_accounts_of_the_same_name_elsewhere_do_not_count if {
	every accounts in [["ops/prometheus"], ["ops/*"], ["shop/prom"], ["shop/prometheus-2"], ["*/default"]] {
		document := _listing(_pod({"serviceAccountName": "prometheus", "serviceAccount": "default"}), accounts)
		count(restrict_token_mount.deny) == 1 with input as document
	}
}

test_the_older_field_does_not_speak_over_the_newer if {
	document := _pod({"serviceAccountName": "app", "serviceAccount": "prometheus"})
	count(restrict_token_mount.deny) == 1 with input as _listing(document, ["shop/prometheus"])
}

test_accounts_of_the_wrong_type_are_the_default_one if {
	every account in [null, 5, {}, ""] {
		found := restrict_token_mount.deny with input as _pod({"serviceAccountName": account, "serviceAccount": account})
		{v.msg | some v in found} == {
			"Pod: the token of service account shop/default is mounted into its containers",
		}
	}
}

test_request_without_a_namespace_is_judged if {
	document := object.union(object.remove(_pod({}), ["request"]), {"request": {"operation": "CREATE"}})
	found := restrict_token_mount.deny with input as document
	{v.msg | some v in found} == {"Pod: the token of service account /default is mounted into its containers"}
}

test_projected_tokens_are_a_wish_of_their_own if {
	projected := {"sources": [{"serviceAccountToken": {"audience": "vault", "path": "token"}}]}
	volumes := [{"name": "vault", "projected": projected}]
	quiet := {"automountServiceAccountToken": false, "volumes": volumes}
	count(restrict_token_mount.deny) == 0 with input as _pod(quiet)
	count(restrict_token_mount.deny) == 1 with input as _pod({"volumes": volumes})
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		good := _template(kind, path, {"automountServiceAccountToken": false})
		count(restrict_token_mount.deny) == 0 with input as good
		found := restrict_token_mount.deny with input as _template(kind, path, {})
		{v.field | some v in found} == {sprintf("%s.spec.automountServiceAccountToken", [path])}
	}
}
