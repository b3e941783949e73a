# METADATA
# title: {{title}}
# description: |
#   Say here what is demanded, why, and what is left alone. As it stands, it is an example: every {{kind}} must have the
#   label that the parameters name.
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [{{match}}], operations: [CREATE, UPDATE]}
#   parameters:
#     label: example.com/team
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       label:
#         description: The label that must be there.
#         type: string
#         minLength: 1
package policies.{{name}}

deny contains violation if {
	label := input.parameters.label
	not _has_text(input.request.object, label)
	violation := {
		"msg": sprintf("label %s is missing or empty", [label]),
		"field": sprintf("metadata.labels[%q]", [label]),
		"remedy": sprintf("set metadata.labels[%q] to your team's name", [label]),
	}
}

_has_text(object, label) if {
	text := object.metadata.labels[label]
	is_string(text)
	text != ""
}
