# Sourced by .ci/run and .ci/readme: where cargo builds, outside every checkout.
# shellcheck shell=bash

# Points CARGO_TARGET_DIR at a directory that outlives the checkout, one for each
# compiler and Cargo.lock, and has it to itself until the script ends. $1: the checkout.
use_shared_target() {
    local checkout=$1 base=${XDG_CACHE_HOME:-$HOME/.cache}/portcullis/target key old
    key=$({ rustc -vV && cat "$checkout/Cargo.lock"; } | git hash-object --stdin)
    export CARGO_TARGET_DIR=$base/${key:0:16}
    # What incremental compilation keeps grows without bound, and helps nobody here.
    export CARGO_INCREMENTAL=0

    # Cargo tells a stale build by the sources' times alone. So a second checkout must not
    # build here meanwhile, and this one's files are to be newer than anyone's builds.
    mkdir -p "$base"
    if [[ ${PORTCULLIS_TARGET_LOCKED:-} != yes ]]; then
        exec 8>"$base/.lock"
        flock --nonblock 8 || { echo "waiting for another run to end" && flock 8; }
        export PORTCULLIS_TARGET_LOCKED=yes
    fi
    git -C "$checkout" ls-files -z | (cd "$checkout" && xargs -0 touch -c --)

    # Bounded: the two newest directories, neither above 20 GiB.
    mkdir -p "$CARGO_TARGET_DIR"
    touch "$CARGO_TARGET_DIR"
    # shellcheck disable=SC2012 # the names are hexadecimal
    ls -1t "$base" | tail -n +3 | while read -r old; do rm -rf "${base:?}/$old"; done
    if (($(du -sm "$CARGO_TARGET_DIR" | cut -f1) > 20480)); then
        rm -rf "$CARGO_TARGET_DIR"
    fi
}
