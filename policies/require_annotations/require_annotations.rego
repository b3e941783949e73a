# METADATA
# title: Objects have the annotations that people and tools look for
# description: |
#   Objects of the parameter's kinds must have every annotation of the parameter required, with a value that its pattern
#   matches as a whole, from the first character to the last. An empty pattern takes any value that is not empty. The
#   kind Pod stands for bare Pods and for the Pod templates of every workload; a Deployment's own annotations are judged
#   only if Deployment is listed. Kinds that this policy does not match cannot be listed. No annotation is common to
#   all clusters: this demands nothing until you name some.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
# - ref: https://github.com/google/re2/wiki/Syntax
# custom:
#   severity: low
#   enforcement: deny
#   match:
#     kinds:
#     - Namespace
#     - Pod
#     - Service
#     - ServiceAccount
#     - ConfigMap
#     - Secret
#     - PersistentVolumeClaim
#     - apps/Deployment
#     - apps/StatefulSet
#     - apps/DaemonSet
#     - batch/Job
#     - batch/CronJob
#     - networking.k8s.io/Ingress
#     operations: [CREATE, UPDATE]
#   on_error: deny
#   parameters:
#     kinds: [Deployment, StatefulSet, DaemonSet, CronJob, Service]
#     required: {}
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       kinds:
#         description: Kinds of objects to judge; Pod stands for Pod templates, too.
#         type: array
#         items:
#           enum:
#           - Namespace
#           - Pod
#           - Service
#           - ServiceAccount
#           - ConfigMap
#           - Secret
#           - PersistentVolumeClaim
#           - Deployment
#           - StatefulSet
#           - DaemonSet
#           - Job
#           - CronJob
#           - Ingress
#       required:
#         description: "Annotations and the pattern (RE2) of their whole value: {example.com/on-call: '[a-z]+'}."
#         type: object
#         propertyNames: {pattern: "^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$"}
#         additionalProperties: {type: string, format: regex}
package policies.require_annotations

import data.lib.keys

deny contains violation if {
	input.request.kind.kind in input.parameters.kinds
	input.request.kind.kind != "Pod"
	some violation in keys.violations(input.request.object, "metadata", "annotations", input.parameters.required)
}

deny contains violation if {
	"Pod" in input.parameters.kinds
	input.pod != null
	some violation in keys.violations(input.pod, keys.pod_path, "annotations", input.parameters.required)
}
