# METADATA
# title: Where images come from
# description: |
#   Image references as https://github.com/distribution/reference defines them and the kubelet reads them: a registry's
#   host is the first of several segments, and only if it has a dot, a colon or a capital, or is localhost. What names
#   no host is docker.io's, and there library's if it is one segment; index.docker.io is docker.io.
package lib.image

import data.lib.part

# The parts that name an image, with "" for what is no text: containers, and volumes that are images (KEP-4639).
holders(containers, pod) := array.concat(containers, [holder |
	volume := pod.spec.volumes[i]
	volume.image != null
	holder := {
		"kind": "volume",
		"name": object.get(volume, "name", null),
		"path": sprintf("%s.volumes[%v].image", [part.pod_path, i]),
		"image": _text(volume.image),
	}
])

# The field in which a holder names its image.
field(holder) := sprintf("%s.reference", [holder.path]) if {
	holder.kind == "volume"
} else := sprintf("%s.image", [holder.path])

# A reference as messages quote it.
shown(reference) := json.marshal(substring(reference, 0, 200))

# Whether an image lies in one of the places: in a registry, or at or below a repository. Places name their host, in
# small letters; a leading *. stands for one or more labels of it.
within(reference, places) if {
	some place in places
	[before, rest] := split(reference, place)
	before == ""
	startswith(rest, "/")
	not contains(rest, "..")
} else if {
	full := name(reference)
	some place in places
	_covers(place, full)
}

# The host and repository, such as docker.io/library/nginx for nginx:1.27; undefined for what is no reference.
name(reference) := sprintf("%s/%s", [_registry(host), _repository(host, path)]) if {
	[bare, digest] := _halves(reference)
	[host, rest] := _host_and_rest(bare)
	path := split(rest, ":")[0]
	not contains(trim_prefix(rest, path), "/")
	not contains(digest, "/")
	_well_formed(path)
}

# The tag of a reference that has no digest; undefined if it has none.
tag(reference) := found if {
	[_, found] := split(reference, ":")
	found != ""
	not contains(found, "/")
	not contains(reference, "@")
} else := found if {
	[_, rest, found] := split(reference, ":")
	found != ""
	contains(rest, "/")
	not contains(found, "/")
	not contains(reference, "@")
}

# Whether the image is one for ever: the reference ends with a sha256 digest.
pinned(reference) if {
	[_, digest] := split(reference, "@sha256:")
	count(digest) == 64
	trim(digest, "0123456789abcdef") == ""
}

# What is wrong with a reference that is not pinned, as far as digests go.
unpinned(reference) := "no image is named" if {
	reference == ""
} else := sprintf("the digest of image %s is not sha256: and 64 hexadecimal digits", [shown(reference)]) if {
	contains(reference, "@")
} else := sprintf("image %s has no digest", [shown(reference)])

_text(source) := source.reference if is_string(source.reference)

else := ""

_halves(reference) := [reference, ""] if not contains(reference, "@")

_halves(reference) := split(reference, "@") if contains(reference, "@")

_host_and_rest(bare) := [first, substring(bare, count(first) + 1, -1)] if {
	first := split(bare, "/")[0]
	first != bare
	_is_host(first)
} else := ["docker.io", bare]

_is_host(segment) if contains(segment, ".")

else if contains(segment, ":")

else if segment == "localhost"

else if lower(segment) != segment

# Hosts are the same in any case.
_registry(host) := "docker.io" if host == "index.docker.io"

else := lower(host)

_repository(host, path) := sprintf("library/%s", [path]) if {
	host in {"docker.io", "index.docker.io"}
	not contains(path, "/")
} else := path

_well_formed(path) if {
	path != ""
	trim(path, "abcdefghijklmnopqrstuvwxyz0123456789._-/") == ""
	trim(path, "./-_") == path
	not contains(path, "..")
	not contains(path, "//")
}

_covers(place, full) if full == place

else if startswith(full, concat("", [place, "/"]))

else if {
	startswith(place, "*.")
	host := split(full, "/")[0]
	suffix := split(substring(place, 1, -1), "/")[0]
	endswith(host, suffix)
	trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.:-") == ""
	_at_or_below(full, concat("", [host, substring(place, count(suffix) + 1, -1)]))
}

_at_or_below(full, place) if full == place

else if startswith(full, concat("", [place, "/"]))
