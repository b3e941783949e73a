# METADATA
# title: Labels and annotations that must be there
# description: What require_labels and require_annotations share. A pattern must match a value as a whole.
package lib.keys

import data.lib.part

# What stands against the labels or annotations of something with metadata at the path; required maps keys to patterns,
# "" standing for any value that is not empty.
violations(something, path, kind, required) := {violation |
	some key, pattern in required
	not _fits(something, kind, key, pattern)
	field := sprintf("%s.%s[%q]", [path, kind, key])
	violation := {
		"msg": sprintf("%s%s %s %s", [_whose(path), trim_suffix(kind, "s"), key, _fault(something, kind, key, pattern)]),
		"field": field,
		"remedy": sprintf("set %s to %s", [field, _wanted(pattern)]),
	}
}

# The path of the metadata of a Pod or of the Pod in a template.
pod_path := concat("", [trim_suffix(part.pod_path, "spec"), "metadata"])

_fits(something, kind, key, pattern) if {
	value := something.metadata[kind][key]
	is_string(value)
	_matches(value, pattern)
}

_matches(value, "") if value != ""

_matches(value, pattern) if {
	pattern != ""
	regex.match(sprintf("^(?:%s)$", [pattern]), value)
}

_whose("metadata") := ""

_whose(path) := "Pod template: " if path != "metadata"

_fault(something, kind, key, pattern) := sprintf("is %s, not %s", [part.shown(value), _wanted(pattern)]) if {
	value := something.metadata[kind][key]
	value != null
} else := "is missing"

_wanted("") := "a text that is not empty"

_wanted(pattern) := sprintf("a text that matches %s as a whole", [pattern]) if pattern != ""
