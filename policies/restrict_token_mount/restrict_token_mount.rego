# METADATA
# title: Service account tokens are mounted only where wanted
# description: |
#   Every Pod must state automountServiceAccountToken: false, unless it runs as a service account that the parameter
#   service_accounts lists, because it calls the API server. Whoever gets into a container that has no use for its token
#   could use it all the same. What the ServiceAccount object says of mounting is not seen, and the Pod's own word wins
#   over it anyway. A token that the Pod asks for by a projected volume (serviceAccountToken) is a wish of its author
#   for that audience and time, and left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
# - ref: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   controls: [cis/5.1.6, nsa/pod-security/service-account-tokens]
#   parameters:
#     service_accounts: []
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
package policies.restrict_token_mount

import data.lib.account
import data.lib.part
import data.lib.pattern

deny contains violation if {
	not input.pod.spec.automountServiceAccountToken == false
	name := sprintf("%s/%s", [object.get(input.request, "namespace", ""), account.name(input.pod.spec)])
	not pattern.fits(name, input.parameters.service_accounts)
	field := sprintf("%s.automountServiceAccountToken", [part.pod_path])
	violation := {
		"msg": sprintf("Pod: the token of service account %s is mounted into its containers", [name]),
		"field": field,
		"remedy": sprintf("set %s: false, or add %s to service_accounts if it calls the API server", [field, name]),
	}
}
