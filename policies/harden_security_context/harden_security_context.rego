# METADATA
# title: Pods are hardened where they say nothing
# description: |
#   Fills what a Pod leaves unset: for the Pod runAsNonRoot, runAsUser, runAsGroup, fsGroup and the seccomp profile
#   RuntimeDefault, and for every container (init, sidecar and ephemeral ones too) allowPrivilegeEscalation: false,
#   readOnlyRootFilesystem: true and capabilities.drop: [ALL]. Nothing that an author has set is changed, and each field
#   can be turned off.
#
#   A container that needs more is left as it is: one that is privileged, that runs as user 0 or says runAsNonRoot:
#   false without a user, that adds a capability other than NET_BIND_SERVICE (as the init containers of meshes do), or
#   whose image is listed in root_images. It does not inherit anything either: what it would get from the Pod is set in
#   each of the other containers instead. runAsNonRoot is set only where a user id is known, as the kubelet refuses to
#   start an image whose user is root or a name. No fsGroup is set where a Pod mounts a volume of a kind listed in
#   fs_group_unless_volumes, or one that outlives the Pod into a container that is left as it is or whose runAsUser its
#   author has chosen, as the kubelet would change the owner of everything in it.
#
#   Left alone altogether are Windows Pods (by os.name, nodeSelector, required node affinity or windowsOptions), which
#   cannot have these fields,
#   and, unless harden_host_pods is true, Pods that share the network, processes or IPC of their node. Only Pods that
#   are created are touched, no templates.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# custom:
#   severity: low
#   enforcement: deny
#   match: {kinds: [Pod]}
#   on_error: warn
#   parameters:
#     run_as_non_root: with_user
#     run_as_user: 65532
#     run_as_group: 65532
#     fs_group: 65532
#     fs_group_unless_volumes: [nfs, cephfs, glusterfs]
#     seccomp_runtime_default: true
#     forbid_privilege_escalation: true
#     read_only_root: true
#     drop_capabilities: [ALL]
#     writable_images: []
#     root_images: []
#     trust_annotations: false
#     harden_host_pods: false
#     allow_user_namespaces: false
#   schema:
#     $schema: https://json-schema.org/draft/2020-12/schema
#     type: object
#     additionalProperties: false
#     properties:
#       run_as_non_root:
#         description: >-
#           Whether to set runAsNonRoot: true. with_user: where a user id is stated or set; always: everywhere, though
#           the kubelet then refuses images whose user is root or a name; never: nowhere.
#         enum: [with_user, always, never]
#       run_as_user:
#         description: The user id to set; null leaves images their own users.
#         type: [integer, "null"]
#         minimum: 1
#         maximum: 2147483647
#       run_as_group:
#         description: The group id to set; null leaves images their own groups.
#         type: [integer, "null"]
#         minimum: 1
#         maximum: 2147483647
#       fs_group:
#         description: The group to own what the Pod mounts; null sets none.
#         type: [integer, "null"]
#         minimum: 1
#         maximum: 2147483647
#       fs_group_unless_volumes:
#         description: Kinds of volumes beside which no fsGroup is set, as the Pod's spec names them, such as nfs.
#         type: array
#         items: {type: string, pattern: "^[a-z][A-Za-z]*$"}
#       seccomp_runtime_default:
#         description: Set the seccomp profile RuntimeDefault.
#         type: boolean
#       forbid_privilege_escalation:
#         description: "Set allowPrivilegeEscalation: false."
#         type: boolean
#       read_only_root:
#         description: "Set readOnlyRootFilesystem: true."
#         type: boolean
#       drop_capabilities:
#         description: The capabilities to drop; an empty list drops none.
#         type: array
#         items: {type: string, pattern: "^[A-Z_]+$"}
#       writable_images:
#         description: >-
#           Registries and repositories of images that must write to their root, in small letters, the host always
#           written (docker.io/library/postgres); *.example.com stands for every host below example.com.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
#       root_images:
#         description: Registries and repositories of images whose containers are left as they are, written likewise.
#         type: array
#         items:
#           type: string
#           pattern: ^(?=localhost(:|/|$)|[^/]*[.:])(\*\.)?[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$
#           not: {pattern: ^index\.docker\.io(/|$)}
#       trust_annotations:
#         description: >-
#           Leave the root file system of a Pod writable if its author asks for it by the annotation
#           portcullis.dev/writable-root: "true".
#         type: boolean
#       harden_host_pods:
#         description: Harden Pods with hostNetwork, hostPID or hostIPC as well.
#         type: boolean
#       allow_user_namespaces:
#         description: Set no user, group and runAsNonRoot with hostUsers false, where root is not the node's root.
#         type: boolean
package policies.harden_security_context

import data.lib.image
import data.lib.node

# What containers inherit is set for the Pod...
mutate contains op if {
	some field, value in _inherited
	not field in _set_apart
	op := {"op": "default", "path": ["spec", "securityContext", field], "value": value}
}

# ...or in each container that is hardened, where the Pod would hand it to another one as well.
mutate contains op if {
	some field in _set_apart
	some c in _hardened
	not _states(c.spec, field)
	_starts(field, c.spec, input.pod.spec, input.parameters)
	op := {"op": "default", "path": [c.path, "securityContext", field], "value": _inherited[field]}
}

mutate contains op if {
	input.parameters.fs_group != null
	not _states(input.pod.spec, "fsGroup")
	count(_hardened) > 0
	not _volumes_forbid_a_group(input.pod.spec, input.containers, input.parameters.fs_group_unless_volumes)
	op := {"op": "default", "path": ["spec", "securityContext", "fsGroup"], "value": input.parameters.fs_group}
}

mutate contains {"op": "default", "path": [paths, "securityContext", "allowPrivilegeEscalation"], "value": false} if {
	input.parameters.forbid_privilege_escalation == true
	paths := [c.path |
		some c in _lacking
		not c.spec.securityContext.allowPrivilegeEscalation == true
		not c.spec.securityContext.allowPrivilegeEscalation == false
	]
	paths != []
}

mutate contains {"op": "default", "path": [paths, "securityContext", "readOnlyRootFilesystem"], "value": true} if {
	input.parameters.read_only_root == true
	paths := [c.path |
		some c in _reading
		not c.spec.securityContext.readOnlyRootFilesystem == true
		not c.spec.securityContext.readOnlyRootFilesystem == false
	]
	paths != []
}

mutate contains {"op": "default", "path": [paths, "securityContext", "capabilities", "drop"], "value": value} if {
	input.parameters.drop_capabilities != []
	value := input.parameters.drop_capabilities
	paths := [c.path | some c in _lacking; not c.spec.securityContext.capabilities.drop]
	paths != []
}

# Neither null nor an empty list says anything: the API server leaves both out before any webhook is called.
mutate contains {"op": "set", "path": [paths, "securityContext", "capabilities", "drop"], "value": value} if {
	input.parameters.drop_capabilities != []
	value := input.parameters.drop_capabilities
	paths := [c.path | some c in _lacking; c.spec.securityContext.capabilities.drop in [null, []]]
	paths != []
}

# The containers to harden. Rules look at all of them at once, as a call for each costs six times what a look does.
_hardened := [] if {
	not _concerned(input.pod.spec, _stated, input.parameters)
} else := input.containers if {
	count(_left_alone) == 0
} else := [c |
	some c in input.containers
	not c.path in _left_alone
]

# The same, or none where no container lacks anything, as when the Pod comes again.
_lacking := [] if {
	count(_complete) == count(input.containers)
} else := _hardened

_complete := [c |
	some c in _stated
	c.spec.securityContext.allowPrivilegeEscalation != null
	c.spec.securityContext.readOnlyRootFilesystem != null
	c.spec.securityContext.capabilities.drop != null
	c.spec.securityContext.capabilities.drop != []
]

# Those of them that need not write to their root.
_reading := _lacking if {
	input.parameters.trust_annotations == false
	input.parameters.writable_images == []
} else := [c |
	some c in _lacking
	not _writes(c.image, input.pod.metadata, input.parameters)
]

_writes(reference, metadata, parameters) if {
	parameters.trust_annotations == true
	metadata.annotations["portcullis.dev/writable-root"] == "true"
} else if {
	parameters.writable_images != []
	image.within(reference, parameters.writable_images)
}

# What containers inherit from the Pod, and the Pod does not say.
_inherited[field] := value if {
	some field, value in _wanted(input.pod, input.parameters)
	value != null
	not _states(input.pod.spec, field)
	count(_hardened) > 0
}

# The fields of these that a container would inherit which must not.
_set_apart contains field if {
	count(_inherited) > 0
	count(_left_alone) > 0
	some c in input.containers
	c.path in _left_alone
	some field, _ in _inherited
	not _states(c.spec, field)
}

_set_apart contains field if {
	input.parameters.run_as_user == null
	some field, _ in _inherited
	some c in _hardened
	not _starts(field, c.spec, input.pod.spec, input.parameters)
}

# Null stands for what is not wanted.
_wanted(pod, parameters) := {"seccompProfile": _seccomp_profile(pod, parameters)} if {
	pod.spec.hostUsers == false
	parameters.allow_user_namespaces == true
} else := {
	"runAsNonRoot": _non_root(parameters),
	"runAsUser": parameters.run_as_user,
	"runAsGroup": parameters.run_as_group,
	"seccompProfile": _seccomp_profile(pod, parameters),
}

_non_root(parameters) := null if {
	parameters.run_as_non_root == "never"
} else := true

# Older API servers want the annotations to agree with the fields.
_seccomp_profile(pod, parameters) := null if {
	parameters.seccomp_runtime_default != true
} else := null if {
	is_object(pod.metadata.annotations)
	some key, _ in pod.metadata.annotations
	contains(key, "seccomp.security.alpha.kubernetes.io/")
} else := {"type": "RuntimeDefault"}

# Whether the kubelet starts a container that has the field: for runAsNonRoot it must know the user.
_starts(field, spec, pod_spec, parameters) if {
	field != "runAsNonRoot"
} else if {
	parameters.run_as_non_root == "always"
} else if {
	parameters.run_as_user != null
} else if {
	_states_user(spec, pod_spec)
}

_concerned(pod_spec, containers, parameters) if {
	not _malformed(pod_spec)
	not _on_windows(pod_spec, containers)
	not _on_the_host(pod_spec, parameters)
}

_malformed(pod_spec) if {
	pod_spec.securityContext < {}
	pod_spec.securityContext != null
}

_on_windows(pod_spec, containers) if {
	node.is_windows(pod_spec)
} else if {
	pod_spec.securityContext.windowsOptions != null
} else if {
	some c in containers
	c.spec.securityContext.windowsOptions != null
}

_on_the_host(pod_spec, parameters) if {
	parameters.harden_host_pods != true
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	pod_spec[field] == true
}

# The containers that say anything of their security.
_stated := [c | some c in input.containers; c.spec.securityContext != null]

# Beside these two the API server refuses allowPrivilegeEscalation: false, the second written CAP_SYS_ADMIN; and
# capabilities that are added reach a process without root only through files that no_new_privs disarms.
_left_alone contains c.path if {
	some c in _stated
	c.spec.securityContext.privileged == true
}

_left_alone contains c.path if {
	some c in _stated
	some i
	c.spec.securityContext.capabilities.add[i] != "NET_BIND_SERVICE"
}

_left_alone contains c.path if {
	some c in _stated
	c.spec.securityContext.runAsUser == 0
}

# Who says runAsNonRoot: false and no user means to run as root.
_left_alone contains c.path if {
	some c in _stated
	c.spec.securityContext.runAsNonRoot == false
	not _states_user(c.spec, input.pod.spec)
}

_left_alone contains c.path if {
	_root_unless_said
	some c in input.containers
	not _says_otherwise(c.spec, input.pod.spec)
}

_left_alone contains c.path if {
	input.parameters.root_images != []
	some c in input.containers
	image.within(c.image, input.parameters.root_images)
}

# What is no mapping the API server refuses anyway: any scalar and any list is less than {}.
_left_alone contains c.path if {
	some c in input.containers
	c.spec < {}
}

_left_alone contains c.path if {
	some c in _stated
	c.spec.securityContext < {}
}

_left_alone contains c.path if {
	some c in _stated
	c.spec.securityContext.capabilities < {}
	c.spec.securityContext.capabilities != null
}

# Whether a container that says nothing runs as root by what the Pod says.
_root_unless_said if {
	input.pod.spec.securityContext.runAsUser == 0
} else if {
	input.pod.spec.securityContext.runAsNonRoot == false
	not _states(input.pod.spec, "runAsUser")
}

_says_otherwise(spec, pod_spec) if {
	_states(spec, "runAsUser")
} else if {
	spec.securityContext.runAsNonRoot == true
	not pod_spec.securityContext.runAsUser == 0
}

_states_user(spec, pod_spec) if {
	_states(spec, "runAsUser")
} else if {
	_states(pod_spec, "runAsUser")
}

_states(spec, field) if spec.securityContext[field] != null

_volumes_forbid_a_group(pod_spec, containers, kinds) if {
	some i
	volume := pod_spec.volumes[i]
	some kind in kinds
	volume[kind] != null
} else if {
	some i
	volume := pod_spec.volumes[i]
	_outlives(volume)
	some c in containers
	_keeps_its_user(c, pod_spec)
	some j
	c.spec.volumeMounts[j].name == volume.name
}

_keeps_its_user(c, pod_spec) if {
	_states_user(c.spec, pod_spec)
} else if {
	c.path in _left_alone
}

_outlives(volume) if {
	is_object(volume)
	some kind, source in volume
	source != null
	not kind in {
		"name", "emptyDir", "ephemeral", "configMap", "secret", "downwardAPI", "projected", "image", "gitRepo",
		"hostPath",
	}
}
