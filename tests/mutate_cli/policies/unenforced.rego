# METADATA
# title: Tokens are not mounted
# description: Says what it would do.
# custom:
#   severity: low
#   enforcement: warn
#   match: {kinds: [Pod]}
package policies.unenforced

mutate contains {"op": "default", "path": ["spec", "automountServiceAccountToken"], "value": false}
