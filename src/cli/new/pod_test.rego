package policies.{{name}}_test

import data.policies.{{name}}

_kinds := ["container", "init", "sidecar", "ephemeral"]

_parameters := {"allowed": []}

# A container as the host lists it: of every kind, with its place in the real object.
_container(kind, spec) := {"name": "web", "kind": kind, "path": "spec.containers[0]", "image": "", "spec": spec}

test_denies_a_terminal_in_a_container_of_any_kind if {
	every kind in _kinds {
		container := _container(kind, {"tty": true})
		denied := {{name}}.deny with input as {"containers": [container], "parameters": _parameters}
		denied == {{
			"msg": "container \"web\" has a terminal",
			"field": "spec.containers[0].tty",
			"remedy": "remove spec.containers[0].tty",
		}}
	}
}

test_accepts_a_container_without_a_terminal if {
	every kind in _kinds {
		every spec in [{}, {"tty": false}, {"tty": null}] {
			denied := {{name}}.deny with input as {"containers": [_container(kind, spec)], "parameters": _parameters}
			count(denied) == 0
		}
	}
}

test_accepts_a_terminal_that_the_parameters_allow if {
	containers := [_container("container", {"tty": true})]
	denied := {{name}}.deny with input as {"containers": containers, "parameters": {"allowed": ["web"]}}
	count(denied) == 0
}
