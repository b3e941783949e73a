# METADATA
# title: Secrets are not written into environment variables
# description: |
#   No container may hold a secret as the literal value of an environment variable: whoever may read the Pod, its
#   workload or the repository has it then. A variable is taken for a secret by its name, if that ends as one of
#   name_endings does, in any case, and by its value, if that is a private key, has the form of a key of AWS, GitHub,
#   GitLab, Google, npm, Slack, Stripe or Vault, or is a URL with a password in it. Empty values, true and false, and
#   values made of nothing but references such as $(OTHER) are none, and neither are variables of the parameter ignore.
#   Values are never shown. What valueFrom and envFrom bring, arguments and commands are not looked at: this finds what
#   was left in by mistake, not what was hidden with care.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/secret/
# - ref: https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/
# custom:
#   severity: high
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   controls: [nsa/network-separation/secrets]
#   parameters:
#     name_endings:
#     - PASSWORD
#     - PASSWD
#     - PASSPHRASE
#     - _PWD
#     - SECRET
#     - TOKEN
#     - APIKEY
#     - API_KEY
#     - ACCESS_KEY
#     - PRIVATE_KEY
#     - SECRET_KEY
#     - SECRET_KEY_BASE
#     - ENCRYPTION_KEY
#     - SIGNING_KEY
#     - CREDENTIALS
#     judge_values: true
#     ignore: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       name_endings:
#         description: How names of secrets end, in capitals.
#         type: array
#         items: {type: string, pattern: "^[A-Z0-9_.-]+$"}
#       judge_values:
#         description: Judge by values, too.
#         type: boolean
#       ignore:
#         description: Variables that are left alone; * stands for any characters.
#         type: array
#         items: {type: string, pattern: "^[A-Za-z0-9_.*-]+$"}
package policies.forbid_literal_secrets

import data.lib.part
import data.lib.pattern

deny contains violation if {
	text := json.marshal([c.spec.env | some c in input.containers])
	_is_suspicious(text, split(upper(text), `","VALUE":`), input.parameters)
	some c in input.containers
	variable := c.spec.env[i]
	why := _why(variable, input.parameters)
	name := object.get(variable, "name", "")
	not pattern.fits(name, input.parameters.ignore)
	field := sprintf("%s.env[%v]", [c.path, i])
	violation := {
		"msg": sprintf("%s: variable %s is a literal, and %s", [part.label(c), part.shown(name), why]),
		"field": sprintf("%s.value", [field]),
		"remedy": sprintf("replace %s.value by valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}", [field]),
	}
}

# A quick look at all variables of a Pod at once, which most pass: the pieces are their lists as JSON in capitals, split
# between names and values, so that they end with the one and begin with the other.
_is_suspicious(text, pieces, parameters) if strings.any_suffix_match(pieces, parameters.name_endings)

else if {
	strings.any_prefix_match(pieces, [
		`"AIZA`, `"AKIA`, `"ASIA`, `"GH`, `"GITHUB_PAT_`, `"GLPAT-`, `"HVS.`, `"NPM_`, `"RK_LIVE_`, `"SK_LIVE_`, `"XOX`,
		`"-----BEGIN`,
	])
} else if {
	contains(text, "://")
	contains(text, "@")
}

_why(variable, parameters) := "its name is a secret's" if {
	is_string(variable.name)
	strings.any_suffix_match(upper(variable.name), parameters.name_endings)
	_is_literal(variable.value)
} else := sprintf("its value is %s", [form]) if {
	parameters.judge_values == true
	is_string(variable.value)
	form := _form(variable.value)
}

_is_literal(value) if is_number(value)

else if {
	is_string(value)
	not lower(trim_space(value)) in {"", "true", "false"}
	not regex.match(sprintf("^(?:%s)+$", [_reference]), value)
}

# https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
_reference := `\$\([A-Za-z_.-][A-Za-z0-9_.-]*\)`

_form(value) := "a private key" if {
	startswith(value, "-----BEGIN")
	contains(value, "PRIVATE KEY")
} else := "a URL with a password" if {
	contains(value, "://")
	regex.match(`://[^/?#\s:@]*:[^/?#\s@]+@`, regex.replace(value, _reference, ""))
} else := forms[0] if {
	forms := [sprintf("a key of %s", [service]) |
		some service, prefixes in _prefixes
		strings.any_prefix_match(value, prefixes)
	]
	count(forms) > 0
	count(value) >= 20
	trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

_prefixes := {
	"AWS": ["AKIA", "ASIA"],
	"GitHub": ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
	"GitLab": ["glpat-"],
	"Google": ["AIza"],
	"npm": ["npm_"],
	"Slack": ["xoxa-", "xoxb-", "xoxp-", "xoxs-"],
	"Stripe": ["rk_live_", "sk_live_"],
	"Vault": ["hvs."],
}
