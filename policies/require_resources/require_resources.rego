# METADATA
# title: Containers state their resources
# description: |
#   Every container must request and limit the resources named in the parameters, with a quantity above zero: to
#   Kubernetes a limit of 0 is none. A limit without a request counts as the request too, as Kubernetes fills it in.
#   What the Pod states for all its containers together (spec.resources: cpu, memory and hugepages, on by default since
#   Kubernetes 1.34) counts for each of them. Ephemeral containers cannot have resources and are never asked for them.
#   Whatever is stated must be a quantity of zero or more, and no limit may be below its request. Maxima and ratios
#   judge containers and the Pod's own spec.resources alike; as with a LimitRange, a resource whose limit has a maximum
#   or a ratio must have a limit. Quantities are compared exactly, in whole billionths rounded up as Kubernetes does;
#   those of more than 36 digits or with an exponent above 18 are refused.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
# - ref: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
# custom:
#   severity: medium
#   enforcement: deny
#   match: {kinds: [Pod], operations: [CREATE, UPDATE]}
#   on_error: deny
#   parameters:
#     requests: [cpu, memory]
#     limits: [memory]
#     kinds: [container, init, sidecar]
#     pod_level: true
#     max_requests: {}
#     max_limits: {}
#     max_limit_request_ratio: {}
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       requests:
#         description: Resources every container must request.
#         type: array
#         items: {type: string, minLength: 1}
#       limits:
#         description: Resources every container must limit.
#         type: array
#         items: {type: string, minLength: 1}
#       kinds:
#         description: Kinds of containers to judge.
#         type: array
#         items: {enum: [container, init, sidecar]}
#       pod_level:
#         description: Let what the Pod states in spec.resources count for each of its containers.
#         type: boolean
#       max_requests:
#         description: "The most a request of a resource may be, for example {cpu: 2}."
#         type: object
#         additionalProperties: {type: [string, number]}
#       max_limits:
#         description: "The most a limit of a resource may be, for example {memory: 4Gi}; it must then be stated."
#         type: object
#         additionalProperties: {type: [string, number]}
#       max_limit_request_ratio:
#         description: "How many times its request a limit may be, for example {cpu: 4}; it must then be stated."
#         type: object
#         additionalProperties: {type: [string, number]}
package policies.require_resources

import data.lib.part
import data.lib.quantities

deny contains violation if {
	some c in input.containers
	c.kind in input.parameters.kinds
	c.kind != "ephemeral"
	not _plainly_fine(c.spec, input.parameters)
	amounts := _amounts(c.spec)
	shared := _shared(input.pod.spec, input.parameters)
	some problem in (_problems(c.spec, amounts, input.parameters) | _missing(amounts, shared, input.parameters))
	violation := _violation(part.label(c), c.path, problem)
}

deny contains violation if {
	input.pod.spec.resources != null
	some problem in _problems(input.pod.spec, _amounts(input.pod.spec), input.parameters)
	violation := _violation("Pod", part.pod_path, problem)
}

_violation(label, path, problem) := {
	"msg": sprintf("%s: %s", [label, problem.what]),
	"field": sprintf("%s.resources%s", [path, problem.at]),
	"remedy": sprintf("set %s.resources%s %s", [path, problem.at, problem.to]),
}

# A shortcut past the rest for what most containers state: nothing is said here that is not tested below.
_plainly_fine(spec, parameters) if {
	requests := spec.resources.requests
	limits := spec.resources.limits
	parameters.max_requests == {}
	parameters.max_limits == {}
	parameters.max_limit_request_ratio == {}
	is_object(requests)
	is_object(limits)
	every name in parameters.requests {
		requests[name]
	}
	every name in parameters.limits {
		limits[name]
	}
	every quantity in requests {
		_plain_quantity(quantity)
	}
	every name, quantity in limits {
		_plain_quantity(quantity)
		_at_least(quantity, object.get(requests, name, quantity))
	}
}

# A positive integer and a suffix.
_plain_quantity(quantity) if {
	is_string(quantity)
	suffix := trim_left(quantity, "0123456789")
	quantities.plain[suffix]
	suffix != quantity
	quantity >= "1"
	count(quantity) <= 18
}

# Of two plain quantities with one suffix the longer, or else the later, is the larger.
_at_least(limit, request) if {
	trim_left(limit, "0123456789") == trim_left(request, "0123456789")
	[count(limit), limit] >= [count(request), request]
} else if {
	quantities.amount(limit) >= quantities.amount(request)
}

_required(parameters) := {
	"requests": {name | some name in parameters.requests},
	"limits": union({
		{name | some name in parameters.limits},
		object.keys(parameters.max_limits),
		object.keys(parameters.max_limit_request_ratio),
	}),
}

# Kubernetes takes only these for a Pod as a whole.
_shared(pod_spec, parameters) := {side: shared |
	some side, amounts in _amounts(pod_spec)
	shared := {name: amount | some name, amount in amounts; _shareable(name)}
} if {
	parameters.pod_level == true
	pod_spec.resources != null
} else := {"requests": {}, "limits": {}}

_shareable(name) if name in {"cpu", "memory"}

_shareable(name) if startswith(name, "hugepages-")

# What the spec, a container's or a Pod's, states, in billionths, null for what is no quantity. A limit without a
# request is the request too.
_amounts(spec) := {"requests": object.union(limits, _side(spec, "requests")), "limits": limits} if {
	limits := _side(spec, "limits")
}

_side(spec, side) := {name: quantities.amount(quantity) | some name, quantity in spec.resources[side]} if {
	is_object(spec.resources[side])
} else := {}

_problems(spec, amounts, parameters) := union({
	_misshapen(spec),
	_unreadable(spec, amounts),
	_inverted(amounts, spec),
	_excessive(amounts, parameters.max_requests, "requests", spec),
	_excessive(amounts, parameters.max_limits, "limits", spec),
	_disproportionate(amounts, parameters.max_limit_request_ratio),
})

_misshapen(spec) := {problem} if {
	problem := {"at": "", "what": "resources is not a mapping", "to": "to a mapping of requests and limits"}
	spec.resources != null
	not is_object(spec.resources)
} else := {problem |
	some side in ["requests", "limits"]
	spec.resources[side] != null
	not is_object(spec.resources[side])
	problem := {
		"at": sprintf(".%s", [side]),
		"what": sprintf("resources.%s is not a mapping", [side]),
		"to": "to a mapping of resources to quantities",
	}
}

_unreadable(spec, amounts) := {problem |
	some side, readings in amounts
	some name, null in readings
	quantity := spec.resources[side][name]
	problem := {
		"at": _at(side, name),
		"what": sprintf("%s %s is %s, not a quantity of zero or more", [name, _noun[side], part.shown(quantity)]),
		"to": sprintf("to a quantity such as %s", [_example(name)]),
	}
}

_missing(amounts, shared, parameters) := {problem |
	some side, names in _required(parameters)
	some name in names
	object.get(amounts[side], name, 0) == 0
	object.get(shared[side], name, 0) == 0
	problem := {
		"at": _at(side, name),
		"what": sprintf("%s %s is missing or 0", [name, _noun[side]]),
		"to": sprintf("to what it needs, for example %s", [_example(name)]),
	}
}

_inverted(amounts, spec) := {problem |
	some name, limit in amounts.limits
	limit != null
	limit < amounts.requests[name]
	request := part.shown(spec.resources.requests[name])
	problem := {
		"at": _at("limits", name),
		"what": sprintf("%s limit %s is below its request %s", [name, part.shown(spec.resources.limits[name]), request]),
		"to": sprintf("to at least %s", [request]),
	}
}

_excessive(amounts, maxima, side, spec) := {problem |
	some name, most in maxima
	amount := amounts[side][name]
	not _within(amount, most)
	problem := {
		"at": _at(side, name),
		"what": sprintf("%s %s %s is above the maximum %s", [name, _noun[side], _stated(spec, side, name), part.shown(most)]),
		"to": sprintf("to at most %s", [part.shown(most)]),
	}
}

_disproportionate(amounts, ratios) := {problem |
	some name, ratio in ratios
	limit := amounts.limits[name]
	request := amounts.requests[name]
	limit != null
	request != null
	not _within_ratio(limit, request, ratio)
	problem := {
		"at": _at("limits", name),
		"what": sprintf("%s limit is more than %s times its request", [name, part.shown(ratio)]),
		"to": sprintf("to at most %s times the request, or request more", [part.shown(ratio)]),
	}
}

# Positive tests: a maximum that cannot be read allows nothing.
_within(amount, most) if amount <= quantities.amount(most)

_within_ratio(limit, request, ratio) if {
	most := quantities.amount(ratio)
	most != null
	limit * 1000000000 <= request * most
}

# A request that is not stated is the limit.
_stated(spec, side, name) := part.shown(quantity) if {
	quantity := spec.resources[side][name]
} else := part.shown(spec.resources.limits[name])

_noun := {"requests": "request", "limits": "limit"}

_at(side, name) := sprintf(".%s.%s", [side, name]) if {
	not contains(name, ".")
	not contains(name, "[")
} else := sprintf(".%s[%s]", [side, json.marshal(name)])

_example(name) := object.get({"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"}, name, "1")
