#!/bin/sh
# Kick the tires in a file tree of tree.sh, with the network off: needs root.
#
#   sh container/tires.sh TREE
set -eu
[ $# -eq 1 ] || { echo "usage: sh container/tires.sh TREE" >&2; exit 2; }
exec unshare --net --mount --pid --fork --kill-child sh -c '
    mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && mount -t proc proc "$1/proc" &&
    mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        /bin/sh /artifact/container/evaluate.sh' sh "$1"
