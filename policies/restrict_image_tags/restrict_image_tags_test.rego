package policies.restrict_image_tags_test

import data.policies.restrict_image_tags

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
	"parameters": {"forbidden": ["latest"]},
}

_template(kind, path, image) := object.union(_pod("container", ""), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"containers": [_container("container", sprintf("%s.spec.containers[0]", [path]), image)],
})

_volume(volume) := object.union(_pod("container", "nginx:1"), {"pod": {"spec": {"volumes": [volume]}}})

_forbidding(image, forbidden) := object.union(_pod("container", image), {"parameters": {"forbidden": forbidden}})

_remedy(field) := sprintf("set %s to a release, such as registry.example.com/app:1.2.3, or add its digest", [field])

test_tagged_images_pass_in_every_kind if {
	every kind, _ in _paths {
		every image in ["nginx:1.27", "registry:5000/app:1", "nginx:LATEST", "nginx:latest-1"] {
			count(restrict_image_tags.deny) == 0 with input as _pod(kind, image)
		}
	}
}

test_latest_is_refused_in_every_kind if {
	every kind, path in _paths {
		found := restrict_image_tags.deny with input as _pod(kind, "registry:5000/app:latest")
		{v.field | some v in found} == {sprintf("%s.image", [path])}
	}
}

test_container_is_told_the_tag if {
	restrict_image_tags.deny == {{
		"msg": "container \"web\": image tag latest can mean another image tomorrow",
		"field": "spec.containers[0].image",
		"remedy": _remedy("spec.containers[0].image"),
	}} with input as _pod("container", "nginx:latest")
}

test_no_tag_means_latest if {
	every image in ["nginx", "registry:5000/app", "docker.io/library/nginx", "nginx:"] {
		restrict_image_tags.deny == {{
			"msg": concat("", [
				sprintf("init container \"web\": image %q has neither a tag, ", [image]),
				"which means latest, nor a digest",
			]),
			"field": "spec.initContainers[0].image",
			"remedy": _remedy("spec.initContainers[0].image"),
		}} with input as _pod("init", image)
	}
}

test_digest_makes_up_for_any_tag if {
	every image in ["nginx", "nginx:latest", "registry:5000/app", "registry:5000/app:latest"] {
		document := _pod("container", sprintf("%s@%s", [image, _digest]))
		count(restrict_image_tags.deny) == 0 with input as document
	}
}

test_half_a_digest_makes_up_for_nothing if {
	every image in ["nginx@sha256:abc", "nginx:latest@sha256:abc", "nginx@latest", "nginx:latest@"] {
		found := restrict_image_tags.deny with input as _pod("container", image)
		{v.msg | some v in found} == {concat("", [
			sprintf("container \"web\": the digest of image %q ", [image]),
			"is not sha256: and 64 hexadecimal digits",
		])}
	}
}

test_image_that_is_not_named_is_refused if {
	found := restrict_image_tags.deny with input as _pod("container", "")
	{v.msg | some v in found} == {"container \"web\": no image is named"}
}

test_forbidden_tags_are_those_of_the_parameter if {
	forbidden := ["main", "*-SNAPSHOT", "pr-*"]
	every image in ["app:main", "app:1.0-SNAPSHOT", "app:pr-17", "app"] {
		count(restrict_image_tags.deny) == 1 with input as _forbidding(image, forbidden)
	}
	every image in ["app:latest", "app:main-1", "app:1.0-SNAPSHOT-2", "app:a-pr-17"] {
		count(restrict_image_tags.deny) == 0 with input as _forbidding(image, forbidden)
	}
	count(restrict_image_tags.deny) == 0 with input as _forbidding("app:latest", [])
	count(restrict_image_tags.deny) == 1 with input as _forbidding("app", [])
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(restrict_image_tags.deny) == 0 with input as _template(kind, path, "nginx:1")
		found := restrict_image_tags.deny with input as _template(kind, path, "nginx")
		{v.field | some v in found} == {sprintf("%s.spec.containers[0].image", [path])}
	}
}

test_image_volumes_are_images_too if {
	count(restrict_image_tags.deny) == 0 with input as _volume({"name": "model", "image": {"reference": "model:1"}})
	count(restrict_image_tags.deny) == 0 with input as _volume({"name": "tmp", "emptyDir": {}})
	restrict_image_tags.deny == {{
		"msg": "volume \"model\": image tag latest can mean another image tomorrow",
		"field": "spec.volumes[0].image.reference",
		"remedy": _remedy("spec.volumes[0].image.reference"),
	}} with input as _volume({"name": "model", "image": {"reference": "model:latest"}})
}
