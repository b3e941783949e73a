# METADATA
# title: Service account tokens are mounted only where asked for
# description: |
#   Sets automountServiceAccountToken: false where a Pod does not say, unless it runs as a service account that the
#   parameter service_accounts lists, and takes out what the API server has mounted by then: its own admission adds a
#   volume kube-api-access-… and its mounts before any webhook is called, and leaves them when the field changes. Who
#   states the field keeps it. Tokens that an author asks for by a projected volume of another name are left alone.
#   So are Pods whose annotations ask for a sidecar that reads the Pod's token, listed in unless_annotations: Vault's
#   agent does, and Dapr's sidecar for its built-in secret store. Where a value is listed that means on, so are Pods
#   that say so otherwise: y, yes, true, t, on, 1 or enabled, in any case. It acts after other mutators, so that it sees
#   their annotations. Whatever calls the API server and is not listed stops working.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount
# custom:
#   severity: low
#   enforcement: deny
#   priority: 200
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     service_accounts: []
#     unless_annotations:
#       dapr.io/enabled: ["true"]
#       vault.hashicorp.com/agent-inject: ["true"]
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       service_accounts:
#         description: >-
#           Service accounts that call the API server, as namespace/name; * stands for any characters, as in
#           kube-system/*.
#         type: array
#         items: {type: string, pattern: "^[a-z0-9*-]+/[a-z0-9.*-]+$"}
#       unless_annotations:
#         description: >-
#           Annotations, and their values, of Pods to leave alone, for example {dapr.io/enabled: ['true']}. Any of y,
#           yes, true, t, on, 1 and enabled stands for all of them, in any case.
#         type: object
#         additionalProperties: {type: array, items: {type: string}}
package policies.automount_token_off

import data.lib.account
import data.lib.pattern

mutate contains op if {
	_acts
	op := {"op": "default", "path": ["spec", "automountServiceAccountToken"], "value": false}
}

mutate contains op if {
	_acts
	some name in _mounted
	some c in input.containers
	some i
	c.spec.volumeMounts[i].name == name
	op := {"op": "remove", "path": [c.path, {"volumeMounts": name}]}
}

mutate contains op if {
	_acts
	some name in _mounted
	op := {"op": "remove", "path": ["spec", {"volumes": name}]}
}

_acts if {
	not _states(input.pod.spec)
	not _reads_token(input.pod.metadata, input.parameters.unless_annotations)
	not pattern.fits(_account, input.parameters.service_accounts)
	not _mounted_twice
}

_account := sprintf("%s/%s", [object.get(input.request, "namespace", ""), account.name(input.pod.spec)])

_states(spec) if spec.automountServiceAccountToken != null

_reads_token(metadata, annotations) if {
	some key, values in annotations
	value := metadata.annotations[key]
	_is_listed(value, values)
}

_is_listed(value, values) if {
	value in values
} else if {
	_is_on(value)
	some listed in values
	_is_on(listed)
}

# Whatever Dapr, Vault or Linkerd reads as on: to leave a token where none is read harms less than to take one away.
_is_on(value) if {
	is_string(value)
	lower(trim_space(value)) in {"y", "yes", "true", "t", "on", "1", "enabled"}
}

# The names of volumes that the API server's admission has added.
_mounted contains volume.name if {
	some i
	volume := input.pod.spec.volumes[i]
	is_string(volume.name)
	startswith(volume.name, "kube-api-access-")
	count(volume.name) == 21
	some j
	volume.projected.sources[j].serviceAccountToken != null
}

# A container that mounts one at two places did not get that from the API server: its author wants it.
_mounted_twice if {
	some name in _mounted
	some c in input.containers
	count([i | c.spec.volumeMounts[i].name == name]) > 1
}
