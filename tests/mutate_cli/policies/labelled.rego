# METADATA
# title: Workloads carry the label of their team
# description: Labels are filled in templates, too, and what is wrong is denied.
# custom:
#   severity: medium
#   match: {kinds: [Pod], templates: true}
package policies.labelled

mutate contains {"op": "default", "path": ["metadata", "labels", "example.com/team"], "value": "shop"}

mutate contains {"op": "append", "path": ["spec", "tolerations"], "value": {"key": "spot", "operator": "Exists"}} if {
	input.pod.metadata.labels.spot == "true"
}

deny contains {
	"msg": "the Pod's team is nobody",
	"field": "metadata.labels[\"example.com/team\"]",
	"remedy": "name a team",
} if {
	input.pod.metadata.labels["example.com/team"] == "nobody"
}

deny contains {"msg": "the Pod has no team", "field": "metadata.labels"} if {
	not input.pod.metadata.labels["example.com/team"]
}
