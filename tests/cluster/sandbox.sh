# Usage: sandbox.sh ROOT PROGRAM MOUNTS READ_ONLY ARGUMENTS...
#
# Runs PROGRAM in a root file system of its own, in place of this shell, so that the process number stays. MOUNTS has a
# line SOURCE<tab>TARGET for each volume. The caller made a mount namespace. What the image would not have, and a program
# that is linked dynamically needs, comes from this machine.
set -eu
root=$1 program=$2 mounts=$3 read_only=$4
shift 4

mount -t tmpfs -o mode=0755 tmpfs "$root"
for part in usr lib lib64 nix; do
    if [ -L "/$part" ]; then
        cp -P "/$part" "$root/$part"
    elif [ -d "/$part" ]; then
        mkdir "$root/$part"
        mount --rbind "/$part" "$root/$part"
    fi
done
for part in dev proc; do
    mkdir "$root/$part"
    mount --rbind "/$part" "$root/$part"
done
touch "$root/policy"
mount --bind "$program" "$root/policy"

tab=$(printf '\t')
while IFS=$tab read -r source target; do
    if [ -d "$source" ]; then
        mkdir -p "$root$target"
    else
        mkdir -p "$root$(dirname "$target")"
        touch "$root$target"
    fi
    mount --bind "$source" "$root$target"
done <"$mounts"
if [ "$read_only" = true ]; then
    mount -o remount,bind,ro "$root"
fi

exec chroot "$root" /policy "$@"
