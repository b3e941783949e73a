package policies.require_digests_test

import data.policies.require_digests

_digest := "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_container(kind, path, image) := {"name": "web", "kind": kind, "path": path, "image": image, "spec": {"image": image}}

# The input for a bare Pod with one container of the kind.
_pod(kind, image) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [_container(kind, _paths[kind], image)],
	"parameters": {"exempt": []},
}

_template(kind, path, image) := object.union(_pod("container", ""), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"containers": [_container("container", sprintf("%s.spec.containers[0]", [path]), image)],
})

_volume(volume) := object.union(
	_pod("container", sprintf("nginx@%s", [_digest])),
	{"pod": {"spec": {"volumes": [volume]}}},
)

_exempting(image, exempt) := object.union(_pod("container", image), {"parameters": {"exempt": exempt}})

test_pinned_images_pass_in_every_kind if {
	every kind, _ in _paths {
		every image in ["nginx", "nginx:latest", "registry:5000/team/app:1"] {
			count(require_digests.deny) == 0 with input as _pod(kind, sprintf("%s@%s", [image, _digest]))
		}
	}
}

test_tags_alone_are_refused_in_every_kind if {
	every kind, path in _paths {
		found := require_digests.deny with input as _pod(kind, "nginx:1.27")
		{v.field | some v in found} == {sprintf("%s.image", [path])}
	}
}

test_container_is_told_what_to_append if {
	require_digests.deny == {{
		"msg": "container \"web\": image \"nginx:1.27\" has no digest",
		"field": "spec.containers[0].image",
		"remedy": "append @sha256: and the digest that its registry shows to spec.containers[0].image",
	}} with input as _pod("container", "nginx:1.27")
}

test_malformed_digests_are_refused if {
	every image in [
		"nginx@sha256:abc", "nginx@", sprintf("nginx@%s0", [_digest]), sprintf("nginx@%s", [upper(_digest)]),
		sprintf("nginx@%s:1", [_digest]), "nginx@sha512:abc",
	] {
		found := require_digests.deny with input as _pod("sidecar", image)
		{v.msg | some v in found} == {concat("", [
			sprintf("sidecar container \"web\": the digest of image %q ", [image]),
			"is not sha256: and 64 hexadecimal digits",
		])}
	}
}

test_image_that_is_not_named_is_refused if {
	found := require_digests.deny with input as _pod("ephemeral", "")
	{v.msg | some v in found} == {"ephemeral container \"web\": no image is named"}
}

test_exempt_repositories_are_left_alone if {
	exempt := ["registry.example.com/dev", "docker.io/library"]
	every image in ["registry.example.com/dev/app:1", "nginx", "library/nginx:1"] {
		count(require_digests.deny) == 0 with input as _exempting(image, exempt)
		count(require_digests.deny) == 1 with input as _exempting(image, [])
	}
	every image in ["registry.example.com/development/app:1", "registry.example.com.evil.io/dev/app:1", "team/nginx"] {
		count(require_digests.deny) == 1 with input as _exempting(image, exempt)
	}
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(require_digests.deny) == 0 with input as _template(kind, path, sprintf("nginx@%s", [_digest]))
		found := require_digests.deny with input as _template(kind, path, "nginx")
		{v.field | some v in found} == {sprintf("%s.spec.containers[0].image", [path])}
	}
}

test_image_volumes_are_images_too if {
	good := {"name": "model", "image": {"reference": sprintf("model@%s", [_digest])}}
	count(require_digests.deny) == 0 with input as _volume(good)
	count(require_digests.deny) == 0 with input as _volume({"name": "tmp", "emptyDir": {}})
	found := require_digests.deny with input as _volume({"name": "model", "image": {"reference": "model:1"}})
	{v.field | some v in found} == {"spec.volumes[0].image.reference"}
}
