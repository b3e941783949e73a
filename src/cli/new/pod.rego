# METADATA
# title: {{title}}
# description: |
#   Say here what is demanded, why, and what is left alone. As it stands, it is an example: no container may have a
#   terminal, unless its name is among the parameters.
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [{{match}}], operations: [CREATE, UPDATE]}
#   parameters:
#     allowed: []
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       allowed:
#         description: Names of containers that may have a terminal.
#         type: array
#         items: {type: string, minLength: 1}
package policies.{{name}}

deny contains violation if {
	some c in input.containers
	c.spec.tty == true
	not c.name in input.parameters.allowed
	violation := {
		"msg": sprintf("container %q has a terminal", [c.name]),
		"field": sprintf("%s.tty", [c.path]),
		"remedy": sprintf("remove %s.tty", [c.path]),
	}
}
