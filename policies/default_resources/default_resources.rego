# METADATA
# title: Containers get resources where they state none
# description: |
#   Fills in the requests and limits named in the parameters, resource by resource, where a container states none;
#   without parameters nothing is filled in. Whatever is stated stays, and no request comes to lie above its limit. With
#   qos: burstable a container that states only a limit gets no request, as Kubernetes takes the limit for it; a default
#   limit below the request stated is raised to it, and a default request above the default limit is lowered to that.
#   With qos: guaranteed request and limit are made equal, for each resource in the parameters, by what is stated or
#   else by the default limit or request; containers that state both keep them.
#
#   Left alone are ephemeral containers, which cannot have resources, containers listed in except, Pods that state
#   resources for all containers together (spec.resources), which theirs must not exceed, and values that cannot be
#   read. A LimitRange acts before and has its say, but one whose maximum is below these defaults refuses the Pod.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
# - ref: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
# custom:
#   severity: low
#   enforcement: deny
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     qos: burstable
#     requests: {}
#     limits: {}
#     kinds: [container, init, sidecar]
#     except: [istio-proxy, linkerd-proxy, daprd, vault-agent]
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       qos:
#         description: Whether limits may lie above requests, burstable, or are made equal to them, guaranteed.
#         enum: [burstable, guaranteed]
#       requests:
#         description: "Default requests, for example {cpu: 100m, memory: 128Mi}."
#         type: object
#         propertyNames: {enum: [cpu, memory, ephemeral-storage]}
#         additionalProperties: {type: string, pattern: "^[1-9][0-9]{0,17}(m|[kMGTP]|[KMGTP]i)?$"}
#       limits:
#         description: "Default limits, for example {memory: 256Mi}."
#         type: object
#         propertyNames: {enum: [cpu, memory, ephemeral-storage]}
#         additionalProperties: {type: string, pattern: "^[1-9][0-9]{0,17}(m|[kMGTP]|[KMGTP]i)?$"}
#       kinds:
#         description: Kinds of containers to fill in.
#         type: array
#         items: {enum: [container, init, sidecar]}
#       except:
#         description: Names of containers to leave alone; * stands for any characters.
#         type: array
#         items: {type: string, pattern: "^[a-z0-9*-]+$"}
package policies.default_resources

import data.lib.pattern
import data.lib.quantities

# Where nothing is stated of a resource...
mutate contains {"op": "default", "path": [paths, "resources", side, name], "value": quantity} if {
	some name, given in _defaults
	paths := [c.path |
		some c in _fillable
		not c.spec.resources.requests[name]
		not c.spec.resources.limits[name]
	]
	paths != []
	some side, quantity in given.sides
}

# ...or only a request...
mutate contains {"op": "default", "path": [c.path, "resources", "limits", name], "value": quantity} if {
	some name, given in _defaults
	given.sides.limits
	some c in _fillable
	request := c.spec.resources.requests[name]
	request != null
	not c.spec.resources.limits[name]
	quantity := _filled({"requests": request}, given).limits
}

# ...or only a limit, which Kubernetes takes for the request otherwise...
mutate contains {"op": "default", "path": [c.path, "resources", "requests", name], "value": limit} if {
	some name, given in _defaults
	given.qos == "guaranteed"
	some c in _fillable
	limit := c.spec.resources.limits[name]
	limit != null
	not c.spec.resources.requests[name]
}

# ...or what is nothing to Kubernetes.
mutate contains {"op": "default", "path": [c.path, "resources", side, name], "value": quantity} if {
	some name, given in _defaults
	some c in _fillable
	some empty in ["requests", "limits"]
	c.spec.resources[empty][name] == null
	some side, quantity in _filled(_stated(c.spec, name), given)
}

_states_resources(pod_spec) if pod_spec.resources != null

# Rules look at all containers at once, as a call for each costs many times what a look does.
_fillable := [c |
	not _states_resources(input.pod.spec)
	some c in input.containers
	c.kind in input.parameters.kinds
	not c.path in _left_alone
]

_left_alone contains c.path if {
	some c in input.containers
	c.name in input.parameters.except
}

_left_alone contains c.path if {
	patterns := [name | some name in input.parameters.except; contains(name, "*")]
	patterns != []
	some c in input.containers
	pattern.fits(c.name, patterns)
}

# What is no mapping: any scalar and any list is less than {}.
_left_alone contains c.path if {
	some c in input.containers
	c.spec < {}
}

_left_alone contains c.path if {
	some c in input.containers
	c.spec.resources < {}
	c.spec.resources != null
}

_left_alone contains c.path if {
	some c in input.containers
	some side in ["requests", "limits"]
	c.spec.resources[side] < {}
	c.spec.resources[side] != null
}

# The resources that have defaults, with these.
_defaults[name] := _default(name) if {
	some name in (object.keys(input.parameters.requests) | object.keys(input.parameters.limits))
}

# What a container states of one resource: none, one or both of requests and limits.
_stated(spec, name) := {side: quantity |
	some side in ["requests", "limits"]
	quantity := spec.resources[side][name]
	quantity != null
}

# What is filled in of one resource of which not both are stated: none, one or both of requests and limits.
_filled(stated, defaults) := {"requests": stated.limits} if {
	defaults.qos == "guaranteed"
	stated.limits
} else := {"limits": stated.requests} if {
	defaults.qos == "guaranteed"
	stated.requests
} else := defaults.sides if {
	count(stated) == 0
} else := {"limits": _greater(defaults.sides.limits, stated.requests)} if {
	stated.requests
} else := {}

# What is filled in of a resource where nothing is stated.
_default(name) := {"qos": "guaranteed", "sides": {"requests": both, "limits": both}} if {
	input.parameters.qos == "guaranteed"
	both := object.get(input.parameters.limits, name, object.get(input.parameters.requests, name, null))
} else := {"qos": "burstable", "sides": {"requests": _lesser(request, limit), "limits": limit}} if {
	request := input.parameters.requests[name]
	limit := input.parameters.limits[name]
} else := {"qos": "burstable", "sides": {side: quantity |
	some side in ["requests", "limits"]
	quantity := input.parameters[side][name]
}}

_lesser(request, limit) := limit if {
	quantities.amount(limit) < quantities.amount(request)
} else := request

# Undefined if the request cannot be read.
_greater(limit, request) := request if {
	quantities.amount(request) > quantities.amount(limit)
} else := limit if {
	quantities.amount(request) != null
}
