package lib.image_test

import data.lib.image

_digest := "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_names := {
	"nginx": "docker.io/library/nginx",
	"nginx:1.27": "docker.io/library/nginx",
	"team/app": "docker.io/team/app",
	"docker.io/nginx": "docker.io/library/nginx",
	"index.docker.io/nginx:1": "docker.io/library/nginx",
	"index.docker.io/team/app": "docker.io/team/app",
	"localhost/app": "localhost/app",
	"localhost:5000/app:1": "localhost:5000/app",
	"registry:5000/a/b:1": "registry:5000/a/b",
	"registry:5000": "docker.io/library/registry",
	"registry.example.com": "docker.io/library/registry.example.com",
	"registry.example.com/team/app:1": "registry.example.com/team/app",
	"Registry.Example.COM/team/app:Upper": "registry.example.com/team/app",
	"FOO/bar": "foo/bar",
	"library/nginx": "docker.io/library/nginx",
	"[::1]:5000/app": "[::1]:5000/app",
}

test_names_are_read_as_the_kubelet_reads_them if {
	every reference, expected in _names {
		image.name(reference) == expected
		image.name(sprintf("%s@sha256:%s", [reference, _digest])) == expected
	}
}

test_hosts_are_no_official_images_under_another_spelling if image.name("DOCKER.IO/nginx") == "docker.io/nginx"

test_what_is_no_reference_has_no_name if {
	every reference in [
		"", " ", "/", "/nginx", "nginx/", "a//b", "Nginx", "registry.example.com/Team/app", "registry.example.com/",
		"registry.example.com/team/../evil", "registry.example.com/team:80/app", "evil.io@registry.example.com/team/app",
		"a@b@c", "docker.io/team/app name", ":1", "@", "registry.example.com/.a", "a-",
	] {
		not image.name(reference)
	}
}

_places := [
	"registry.example.com/team", "localhost:5000", "*.example.org", "*.corp.example:5000/apps/shop", "docker.io/library",
]

test_what_lies_in_a_place if {
	every reference in [
		"registry.example.com/team/app", "registry.example.com/team/app:1", "registry.example.com/team/a/b/c",
		"registry.example.com/team", "registry.example.com/team:1", "REGISTRY.example.com/team/app",
		"localhost:5000/app", "LOCALHOST:5000/app", "a.example.org/app", "a.b.example.org/x/y:1", "A.EXAMPLE.ORG/x",
		"r.corp.example:5000/apps/shop", "r.corp.example:5000/apps/shop/web:1",
		"nginx", "nginx:1.27", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx", "docker.io/library/nginx",
	] {
		image.within(reference, _places)
		image.within(sprintf("%s@sha256:%s", [reference, _digest]), _places)
	}
}

test_what_only_looks_alike if {
	every reference in [
		"registry.example.com.evil.io/team/app", "registry.example.com/team-x/app", "registry.example.com/teams",
		"registry.example.com:443/team/app", "registry.example.com", "registry.example.com:1", "registry.example.com/app",
		"evil.io/registry.example.com/team/app", "registry.example.com/team/../evil", "registry.example.com/tea/m",
		"registry.example.com@evil.io/team/app", "evil.io@registry.example.com/team/app",
		"localhost/app", "localhost:50000/app", "localhost:5000", "example.org/app", "evilexample.org/app",
		"a.example.org.evil.io/app", "a.example.org:5000/app", "evil.io?.example.org/app", ".example.org",
		"r.corp.example/apps/shop", "r.corp.example:5000/apps/shopping", "r.corp.example:5000/apps",
		"nginx", "docker.io/nginx",
	] {
		not image.within(reference, array.slice(_places, 0, 4))
	}
	every reference in [
		"team/nginx", "docker.io/team/nginx", "DOCKER.IO/nginx", "library.evil.io/nginx", "library/", "", " ",
	] {
		not image.within(reference, _places)
	}
}

test_only_a_star_stands_for_other_hosts if {
	not image.within("b.example.org/app", ["a.example.org"])
	not image.within("*.example.org", ["a.example.org"])
}

test_nothing_lies_in_no_place if not image.within("nginx", [])

test_tags if {
	image.tag("nginx:1.27") == "1.27"
	image.tag("registry:5000/nginx:latest") == "latest"
	every reference in [
		"nginx", "registry:5000/nginx", "", "nginx:", "a:b:c", sprintf("nginx@sha256:%s", [_digest]),
		sprintf("nginx:latest@sha256:%s", [_digest]), "nginx@latest",
	] {
		not image.tag(reference)
	}
}

test_only_a_whole_sha256_digest_pins if {
	image.pinned(sprintf("nginx@sha256:%s", [_digest]))
	image.pinned(sprintf("registry:5000/nginx:latest@sha256:%s", [_digest]))
	every reference in [
		"nginx", "nginx@", "nginx@sha256:", "nginx@sha256:abc", sprintf("nginx@sha256:%s0", [_digest]),
		sprintf("nginx@sha256:%s", [upper(_digest)]), sprintf("nginx@sha512:%s", [_digest]),
		sprintf("nginx:sha256:%s", [_digest]), sprintf("nginx@sha256:%sz", [substring(_digest, 0, 63)]),
		sprintf("nginx@sha256:%s@sha256:%s", [_digest, _digest]), sprintf("nginx sha256:%s", [_digest]), "",
	] {
		not image.pinned(reference)
	}
}

test_holders_are_containers_and_image_volumes if {
	web := {"name": "web", "kind": "container", "path": "spec.template.spec.containers[0]", "image": "nginx", "spec": {}}
	volumes := [
		{"name": "tmp", "emptyDir": {}}, {"name": "model", "image": {"reference": "m:1"}}, {"image": {"reference": 5}},
		{"name": "odd", "image": false}, {"name": "none", "image": null}, "x", null,
	]
	base := "spec.template.spec.volumes"
	expected := [
		web,
		{"kind": "volume", "name": "model", "path": sprintf("%s[1].image", [base]), "image": "m:1"},
		{"kind": "volume", "name": null, "path": sprintf("%s[2].image", [base]), "image": ""},
		{"kind": "volume", "name": "odd", "path": sprintf("%s[3].image", [base]), "image": ""},
	]
	deployment := {"kind": "Deployment", "name": "web", "path": "spec.template"}
	image.holders([web], {"spec": {"volumes": volumes}}) == expected with input as {"workload": deployment}
}

test_volumes_of_any_shape_are_borne if {
	every volumes in [null, 5, "x", {}, true] {
		image.holders([], {"spec": {"volumes": volumes}}) == []
	}
	image.holders([], null) == []
}

test_fields_lead_to_the_reference if {
	image.field({"kind": "init", "path": "spec.initContainers[0]"}) == "spec.initContainers[0].image"
	image.field({"kind": "volume", "path": "spec.volumes[0].image"}) == "spec.volumes[0].image.reference"
}

test_references_are_quoted_and_bounded if {
	image.shown("nginx:1") == `"nginx:1"`
	long := concat("", ["a" | some _ in numbers.range(1, 300)])
	count(image.shown(long)) == 202
}
