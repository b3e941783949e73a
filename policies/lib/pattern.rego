# METADATA
# title: Names and patterns
# description: |
#   Patterns are names in which * stands for any characters, as in the configuration's namespaces. Whoever takes them
#   as parameters keeps other signs that glob.match knows out of them by the schema.
package lib.pattern

# Whether a text fits one of the patterns as a whole.
fits(name, patterns) if name in patterns

else if {
	some pattern in patterns
	contains(pattern, "*")
	is_string(name)
	glob.match(pattern, null, name)
}
