#!/bin/sh
# Make a file tree with everything in it, without podman: needs root, and no network.
#
#   sh container/tree.sh BASE.tar WHEELS TREE
#
# WHEELS is the folder of wheels that comes with the artifact. The last line is the digest of the tree, which is the same
# whoever makes it of the same base.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
value() { sed -n "s/^$1=\([A-Za-z0-9.,+_-]*\)\$/\1/p" "$here/recipe.txt"; }

[ $# -eq 3 ] || { echo "usage: sh container/tree.sh BASE.tar WHEELS TREE" >&2; exit 2; }
base=$1 wheels=$(cd "$2" && pwd) tree=$3
[ ! -e "$tree" ] || { echo "error: $tree is there already; remove it, or name another place" >&2; exit 2; }
mkdir -p "$tree"
tar --extract --numeric-owner --file "$base" --directory "$tree" --exclude='./dev/*'
mkdir -p "$tree/artifact" "$tree/wheels" "$tree/work" "$tree/dev"
tar --create --directory "$here/.." --exclude=./work . | tar --extract --no-same-owner --directory "$tree/artifact"
# No network, mounts that are gone with the last process, and nothing of this environment.
unshare --net --mount --pid --fork --kill-child sh -c '
    mount --bind "$2" "$1/wheels" && mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" &&
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        /bin/sh /artifact/container/install.sh' sh "$tree" "$wheels"
digest=$(tar --create --directory "$tree" --sort=name --mtime="@$(value EPOCH)" --numeric-owner --format=gnu . | sha256sum)
echo "$tree: SHA-256 ${digest%% *}"
