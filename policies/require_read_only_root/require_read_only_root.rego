# METADATA
# title: Containers cannot write to their root file system
# description: |
#   Every container (init, sidecar and ephemeral ones too, unless the parameter kinds leaves them out) must state
#   readOnlyRootFilesystem: true, so that whoever gets in cannot change what runs there. What must be written to, such
#   as /tmp, is a volume. The Pod cannot state it for its containers. Windows Pods (os.name: windows) cannot have it and
#   are left alone, and so are images in the repositories of the parameter exempt_images, which are compared as
#   restrict_registries compares.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   controls: [nsa/pod-security/immutable-file-systems]
#   parameters:
#     kinds: [container, init, sidecar, ephemeral]
#     exempt_images: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       kinds:
#         description: Kinds of containers to judge.
#         type: array
#         items: {enum: [container, init, sidecar, ephemeral]}
#       exempt_images:
#         description: >-
#           Registries and repositories of images that must write to their root, in small letters, the host always
#           written (docker.io/library/postgres); *.example.com stands for every host below example.com.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
package policies.require_read_only_root

import data.lib.image
import data.lib.part

deny contains violation if {
	some c in input.containers
	not c.spec.securityContext.readOnlyRootFilesystem == true
	c.kind in input.parameters.kinds
	not input.pod.spec.os.name == "windows"
	not image.within(c.image, input.parameters.exempt_images)
	field := sprintf("%s.securityContext.readOnlyRootFilesystem", [c.path])
	violation := {
		"msg": sprintf("%s: the root file system can be written to", [part.label(c)]),
		"field": field,
		"remedy": sprintf("set %s: true, and mount an emptyDir volume where it writes, such as /tmp", [field]),
	}
}
