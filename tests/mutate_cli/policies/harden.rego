# METADATA
# title: Containers are hardened
# description: Fills what is unset, and leaves alone what an author set.
# custom:
#   severity: low
#   priority: 50
#   on_error: warn
#   match: {kinds: [Pod]}
#   parameters: {drop: [ALL]}
package policies.harden

mutate contains {"op": "default", "path": ["spec", "securityContext", "runAsNonRoot"], "value": true}

mutate contains {
	"op": "default",
	"path": [c.path, "securityContext", "capabilities", "drop"],
	"value": input.parameters.drop,
} if {
	some c in input.containers
}
