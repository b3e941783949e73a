# METADATA
# title: Label selectors
# description: |
#   Selectors as Kubernetes writes them, {matchLabels, matchExpressions}, that parameters hold; their schema keeps
#   other shapes out. An empty one selects everything.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
package lib.selector

# Whether labels, a mapping, fulfil a selector.
fits(labels, selector) if not _misses(labels, selector)

_misses(labels, selector) if {
	some key, value in selector.matchLabels
	not labels[key] == value
} else if {
	some expression in selector.matchExpressions
	not _holds(labels, expression)
}

_holds(labels, expression) if {
	expression.operator == "In"
	labels[expression.key] in expression.values
} else if {
	expression.operator == "NotIn"
	not _among(labels, expression)
} else if {
	expression.operator == "Exists"
	_has(labels, expression.key)
} else if {
	expression.operator == "DoesNotExist"
	not _has(labels, expression.key)
}

_among(labels, expression) if labels[expression.key] in expression.values

_has(labels, key) if labels[key] != null
