# METADATA
# title: Images are pulled as configured
# description: |
#   Sets imagePullPolicy of every container (init, sidecar and ephemeral ones too) to the parameter policy; without it
#   nothing is set. Always replaces IfNotPresent as well, so nobody runs a private image that another Pod has pulled
#   to the node: the API server sets the field before any webhook is called (Always for the tag latest or none,
#   IfNotPresent otherwise), and what it filled in cannot be told from what an author wrote. Never stays, as such an
#   image may be in no registry. IfNotPresent is only set where nothing stands, which is so in manifests, but after the
#   API server's defaults nowhere. With images, only those in the repositories
#   listed are concerned. Volumes that are images are left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages
# custom:
#   severity: low
#   enforcement: deny
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     policy: null
#     images: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       policy:
#         description: Always or IfNotPresent; null sets nothing.
#         enum: [Always, IfNotPresent, null]
#       images:
#         description: >-
#           Registries and repositories of the images concerned, all if there are none, in small letters, the host
#           always written (docker.io/library/postgres); *.example.com stands for every host below example.com.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
package policies.image_pull_policy

import data.lib.image

mutate contains {"op": "set", "path": [paths, "imagePullPolicy"], "value": input.parameters.policy} if {
	input.parameters.policy != null
	paths := [c.path | some c in _concerned; c.spec.imagePullPolicy in _yielding]
	paths != []
}

mutate contains {"op": "default", "path": [paths, "imagePullPolicy"], "value": input.parameters.policy} if {
	input.parameters.policy != null
	paths := [c.path | some c in _concerned; c.spec >= {}; not c.spec.imagePullPolicy]
	paths != []
}

# What gives way to the policy. An empty text is nothing to the API server.
_yielding := {"", null, "IfNotPresent"} if {
	input.parameters.policy == "Always"
} else := {"", null}

_concerned := input.containers if {
	input.parameters.images == []
} else := [c |
	some c in input.containers
	image.within(c.image, input.parameters.images)
]
