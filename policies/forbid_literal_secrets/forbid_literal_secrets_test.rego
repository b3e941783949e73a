package policies.forbid_literal_secrets_test

import data.policies.forbid_literal_secrets

_endings := ["PASSWORD", "PASSWD", "_PWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY_BASE"]

_defaults := {"name_endings": _endings, "judge_values": true, "ignore": []}

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_container(kind, path, env) := {"name": "web", "kind": kind, "path": path, "image": "nginx:1", "spec": {"env": env}}

# The input for a bare Pod with one container of the kind.
_pod(kind, env) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [_container(kind, _paths[kind], env)],
	"parameters": _defaults,
}

_template(kind, path, env) := object.union(_pod("container", []), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"containers": [_container("container", sprintf("%s.spec.containers[0]", [path]), env)],
})

_set(name, value) := _pod("container", [{"name": name, "value": value}])

_with(document, parameters) := object.union(document, {"parameters": parameters})

_from := {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}

_literal := {"name": "DB_PASSWORD", "value": "hunter2"}

_twenty := "0123456789abcdefghij"

test_references_to_secrets_pass_in_every_kind if {
	every kind, _ in _paths {
		document := _pod(kind, [{"name": "LOG_LEVEL", "value": "info"}, _from])
		count(forbid_literal_secrets.deny) == 0 with input as document
	}
}

test_literal_secrets_are_refused_in_every_kind if {
	every kind, path in _paths {
		found := forbid_literal_secrets.deny with input as _pod(kind, [{"name": "LOG_LEVEL", "value": "info"}, _literal])
		{v.field | some v in found} == {sprintf("%s.env[1].value", [path])}
	}
}

test_container_is_told_what_to_write_and_no_value if {
	forbid_literal_secrets.deny == {{
		"msg": "container \"web\": variable \"DB_PASSWORD\" is a literal, and its name is a secret's",
		"field": "spec.containers[0].env[0].value",
		"remedy": "replace spec.containers[0].env[0].value by valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}",
	}} with input as _pod("container", [_literal])
}

test_names_of_secrets_end_as_such if {
	every name in ["PASSWORD", "PGPASSWORD", "db_password", "githubToken", "spring.password", "apiKey", "MYSQL_PWD"] {
		count(forbid_literal_secrets.deny) == 1 with input as _set(name, "hunter2")
	}
	every name in [
		"PASSWORD_FILE", "TOKEN_URL", "SECRET_NAME", "PWD", "TOKENS", "KEY", "PASSWORD ", "",
	] {
		count(forbid_literal_secrets.deny) == 0 with input as _set(name, "hunter2")
	}
}

test_what_cannot_be_a_secret_is_none if {
	every value in ["", " ", "true", "False", null, true, "$(DB_PASSWORD)", "$(USER)$(DB_PASSWORD)"] {
		count(forbid_literal_secrets.deny) == 0 with input as _set("DB_PASSWORD", value)
	}
	every value in ["$(DB_PASSWORD", "$$(DB_PASSWORD)", "hunter2$(USER)", "$(USER) ", "0", "trueish", 123456] {
		count(forbid_literal_secrets.deny) == 1 with input as _set("DB_PASSWORD", value)
	}
}

test_keys_are_known_by_their_form if {
	every service, prefixes in {
		"AWS": ["AKIA", "ASIA"],
		"GitHub": ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
		"GitLab": ["glpat-"],
		"Google": ["AIza"],
		"npm": ["npm_"],
		"Slack": ["xoxa-", "xoxb-", "xoxp-", "xoxs-"],
		"Stripe": ["rk_live_", "sk_live_"],
		"Vault": ["hvs."],
	} {
		every prefix in prefixes {
			found := forbid_literal_secrets.deny with input as _set("SETTING", concat("", [prefix, _twenty]))
			{v.msg | some v in found} == {
				sprintf("container \"web\": variable \"SETTING\" is a literal, and its value is a key of %s", [service]),
			}
			count(forbid_literal_secrets.deny) == 0 with input as _set("SETTING", prefix)
			spaced := concat(" ", [prefix, _twenty])
			count(forbid_literal_secrets.deny) == 0 with input as _set("SETTING", spaced)
			count(forbid_literal_secrets.deny) == 0 with input as _set("SETTING", concat("", ["x", prefix, _twenty]))
		}
	}
}

test_private_keys_are_known_by_their_first_line if {
	every kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
		value := concat("", ["-----BEGIN ", kind, "PRIVATE", " KEY-----\nabc"])
		found := forbid_literal_secrets.deny with input as _set("SETTING", value)
		{v.msg | some v in found} == {
			"container \"web\": variable \"SETTING\" is a literal, and its value is a private key",
		}
	}
	every value in ["-----BEGIN CERTIFICATE-----\nabc", "https://example.com/@ tells what a PRIVATE KEY is"] {
		count(forbid_literal_secrets.deny) == 0 with input as _set("SETTING", value)
	}
}

test_passwords_in_urls_are_found if {
	every value in ["postgres://shop:hunter2@db/shop", "redis://:hunter2@cache:6379", "x=http://a:b@c d"] {
		found := forbid_literal_secrets.deny with input as _set("SETTING", value)
		{v.msg | some v in found} == {
			"container \"web\": variable \"SETTING\" is a literal, and its value is a URL with a password",
		}
	}
	every value in [
		"postgres://shop:$(DB_PASSWORD)@db/shop", "postgres://shop@db/shop", "https://example.com:8080/a@b",
		"mail@example.com", "https://example.com/?q=a:b@c", "://", "https://$(USER):@db",
	] {
		count(forbid_literal_secrets.deny) == 0 with input as _set("SETTING", value)
	}
}

test_values_are_judged_only_where_the_parameter_says_so if {
	document := _set("SETTING", "postgres://shop:hunter2@db/shop")
	count(forbid_literal_secrets.deny) == 0 with input as _with(document, {"judge_values": false})
	count(forbid_literal_secrets.deny) == 1 with input as _with(_pod("container", [_literal]), {"judge_values": false})
}

test_ignored_variables_are_left_alone if {
	every ignore in [["DB_PASSWORD"], ["DB_*"], ["*"]] {
		count(forbid_literal_secrets.deny) == 0 with input as _with(_pod("init", [_literal]), {"ignore": ignore})
	}
	every ignore in [["PASSWORD"], ["db_password"], ["*_KEY"]] {
		count(forbid_literal_secrets.deny) == 1 with input as _with(_pod("init", [_literal]), {"ignore": ignore})
	}
}

test_name_endings_are_those_of_the_parameter if {
	document := _with(_pod("container", [_literal]), {"name_endings": ["_KEY"]})
	count(forbid_literal_secrets.deny) == 0 with input as document
	other := _with(_set("SSH-KEY", "abc"), {"name_endings": ["-KEY"]})
	count(forbid_literal_secrets.deny) == 1 with input as other
	count(forbid_literal_secrets.deny) == 0 with input as _with(_pod("container", [_literal]), {"name_endings": []})
}

test_lists_of_any_shape_are_borne if {
	every env in [null, 5, "x", true, {}, [null, 5, "PASSWORD", [], {}], [{"name": "PASSWORD"}]] {
		count(forbid_literal_secrets.deny) == 0 with input as _pod("container", env)
	}
	every name in [null, 5, {}] {
		count(forbid_literal_secrets.deny) == 0 with input as _set(name, "hunter2")
		count(forbid_literal_secrets.deny) == 1 with input as _set(name, "redis://:hunter2@cache")
	}
	nameless := _pod("container", [{"value": "redis://:hunter2@cache"}])
	count(forbid_literal_secrets.deny) == 1 with input as nameless
	every spec in [null, 5, "x", {}] {
		container := {"name": "web", "kind": "container", "path": "spec.containers[0]", "image": "i", "spec": spec}
		document := object.union(_pod("container", []), {"containers": [container]})
		count(forbid_literal_secrets.deny) == 0 with input as document
	}
}

test_every_variable_of_every_container_is_examined if {
	document := object.union(_pod("container", []), {"containers": [
		_container("container", "spec.containers[0]", [_from, _literal, _literal]),
		_container("init", "spec.initContainers[0]", [_from]),
		_container("ephemeral", "spec.ephemeralContainers[0]", [_literal]),
	]})
	found := forbid_literal_secrets.deny with input as document
	{v.field | some v in found} == {
		"spec.containers[0].env[1].value",
		"spec.containers[0].env[2].value",
		"spec.ephemeralContainers[0].env[0].value",
	}
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(forbid_literal_secrets.deny) == 0 with input as _template(kind, path, [_from])
		found := forbid_literal_secrets.deny with input as _template(kind, path, [_literal])
		{v.field | some v in found} == {sprintf("%s.spec.containers[0].env[0].value", [path])}
	}
}

test_no_value_is_ever_shown if {
	every value in ["hunter2-hunter2", "redis://:hunter2-hunter2@cache"] {
		found := forbid_literal_secrets.deny with input as _set("DB_PASSWORD", value)
		not contains(json.marshal(found), "hunter2")
	}
}
