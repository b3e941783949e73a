package policies.restrict_registries_test

import data.policies.restrict_registries

_paths := {
	"container": "spec.containers[0]",
	"init": "spec.initContainers[0]",
	"sidecar": "spec.initContainers[1]",
	"ephemeral": "spec.ephemeralContainers[0]",
}

_allowed := ["registry.example.com/team", "docker.io/library", "*.example.org"]

_container(kind, path, image) := {"name": "web", "kind": kind, "path": path, "image": image, "spec": {"image": image}}

# The input for a bare Pod with one container of the kind.
_pod(kind, image) := {
	"request": {"operation": "CREATE"},
	"workload": null,
	"pod": {"metadata": {"name": "p"}, "spec": {}},
	"containers": [_container(kind, _paths[kind], image)],
	"parameters": {"allowed": _allowed},
}

_template(kind, path, image) := object.union(_pod("container", ""), {
	"workload": {"kind": kind, "name": "w", "path": path},
	"containers": [_container("container", sprintf("%s.spec.containers[0]", [path]), image)],
})

_volumes(volumes) := object.union(_pod("container", "nginx"), {"pod": {"spec": {"volumes": volumes}}})

_allowing(document, allowed) := object.union(document, {"parameters": {"allowed": allowed}})

test_allowed_images_pass_in_every_kind if {
	every kind, _ in _paths {
		every image in ["registry.example.com/team/app:1", "nginx", "docker.io/nginx:1", "a.example.org/x"] {
			count(restrict_registries.deny) == 0 with input as _pod(kind, image)
		}
	}
}

test_other_images_are_refused_in_every_kind if {
	every kind, path in _paths {
		found := restrict_registries.deny with input as _pod(kind, "registry.example.com.evil.io/team/app:1")
		{v.field | some v in found} == {sprintf("%s.image", [path])}
	}
}

test_container_is_told_what_the_image_really_is if {
	restrict_registries.deny == {{
		"msg": "container \"web\": image is docker.io/team/app, which no allowed registry or repository holds",
		"field": "spec.containers[0].image",
		"remedy": concat(" ", [
			"set spec.containers[0].image to an image below",
			"registry.example.com/team or docker.io/library or *.example.org",
		]),
	}} with input as _pod("container", "team/app:1")
}

test_init_container_is_named if {
	found := restrict_registries.deny with input as _pod("init", "evil.io/app")
	{v.msg | some v in found} == {
		"init container \"web\": image is evil.io/app, which no allowed registry or repository holds",
	}
}

test_segments_are_compared_whole if {
	every image in [
		"registry.example.com/team-x/app", "registry.example.com/teams/app", "registry.example.com/app",
		"registry.example.com:5000/team/app", "evil.io/registry.example.com/team/app", "librarian/nginx",
		"registry.example.com/team/../other/app", "a.example.org.evil.io/app", "example.org/app",
	] {
		count(restrict_registries.deny) == 1 with input as _pod("container", image)
	}
}

test_what_is_no_reference_is_refused if {
	found := restrict_registries.deny with input as _pod("container", "registry.example.com/Team/app")
	{v.msg | some v in found} == {"container \"web\": image \"registry.example.com/Team/app\" is no image reference"}
	again := restrict_registries.deny with input as _pod("container", "")
	{v.msg | some v in again} == {"container \"web\": no image is named"}
}

test_deployments_and_cron_jobs_are_told_the_path_in_their_template if {
	every kind, path in {"Deployment": "spec.template", "CronJob": "spec.jobTemplate.spec.template"} {
		count(restrict_registries.deny) == 0 with input as _template(kind, path, "nginx:1")
		found := restrict_registries.deny with input as _template(kind, path, "evil.io/app:1")
		{v.field | some v in found} == {sprintf("%s.spec.containers[0].image", [path])}
	}
}

test_every_container_is_examined if {
	document := object.union(_pod("container", "nginx"), {"containers": [
		_container("container", "spec.containers[0]", "nginx"),
		_container("container", "spec.containers[1]", "evil.io/a"),
		_container("init", "spec.initContainers[0]", "evil.io/a"),
	]})
	found := restrict_registries.deny with input as document
	{v.field | some v in found} == {"spec.containers[1].image", "spec.initContainers[0].image"}
}

test_image_volumes_are_images_too if {
	good := {"name": "model", "image": {"reference": "registry.example.com/team/model:1"}}
	count(restrict_registries.deny) == 0 with input as _volumes([good, {"name": "tmp", "emptyDir": {}}])
	restrict_registries.deny == {{
		"msg": "volume \"model\": image is evil.io/model, which no allowed registry or repository holds",
		"field": "spec.volumes[1].image.reference",
		"remedy": concat(" ", [
			"set spec.volumes[1].image.reference to an image below",
			"registry.example.com/team or docker.io/library or *.example.org",
		]),
	}} with input as _volumes([good, {"name": "model", "image": {"reference": "evil.io/model:1"}}])
}

test_volumes_of_any_shape_are_borne if {
	every volumes in [null, 5, "x", {}, [null, 5, {"image": null}]] {
		count(restrict_registries.deny) == 0 with input as _volumes(volumes)
	}
	count(restrict_registries.deny) == 1 with input as _volumes([{"name": 1, "image": 5}])
}

test_nothing_is_allowed_until_registries_are_named if {
	restrict_registries.deny == {{
		"msg": "container \"web\": image is docker.io/library/nginx, which no allowed registry or repository holds",
		"field": "spec.containers[0].image",
		"remedy": "list your registries in the parameter allowed of restrict_registries: it is empty",
	}} with input as _allowing(_pod("container", "nginx"), [])
}

test_remedy_stays_short if {
	places := [sprintf("r%d.example", [i]) | some i in numbers.range(1, 9)]
	found := restrict_registries.deny with input as _allowing(_pod("container", "evil.io/a"), places)
	{v.remedy | some v in found} == {concat(" ", [
		"set spec.containers[0].image to an image below r1.example or r2.example or r3.example",
		"or r4.example or r5.example",
	])}
}
