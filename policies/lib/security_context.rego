# METADATA
# title: What a Pod or a container leaves unsaid in its securityContext
# description: |
#   A field that is absent or null is unsaid, and so is each in a securityContext that is absent or null. What is no
#   mapping cannot be read: it leaves nothing unsaid, so that nobody trusts it.
package lib.security_context

# Whether the spec of a Pod or container says nothing for a key of its securityContext.
silent(spec, key) if {
	is_object(spec)
	context := object.get(spec, "securityContext", null)
	_says_nothing(context, key)
}

silent(spec, _) if spec == null

_says_nothing(context, key) if {
	is_object(context)
	object.get(context, key, null) == null
}

_says_nothing(context, _) if context == null
