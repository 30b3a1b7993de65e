#!/bin/sh
# Make the base of the container as one tar file: Debian with Python and a C++ compiler.
# This is the only step that needs a network.
#
#   sh container/base.sh BASE.tar
#
# Needs mmdebstrap (Debian: apt install mmdebstrap), and root or user namespaces. The packages are those of one day of
# snapshot.debian.org, so the file is the same whenever it is made. MIRROR=URL takes another mirror, with what it has then.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
value() { sed -n "s/^$1=\([A-Za-z0-9.,+_-]*\)\$/\1/p" "$here/recipe.txt"; }

[ $# -eq 1 ] || { echo "usage: sh container/base.sh BASE.tar" >&2; exit 2; }
command -v mmdebstrap >/dev/null || { echo "error: no mmdebstrap; install it (Debian: apt install mmdebstrap)" >&2; exit 2; }
SOURCE_DATE_EPOCH=$(value EPOCH)
export SOURCE_DATE_EPOCH
mmdebstrap --quiet --variant=minbase --format=tar --architectures="$(value ARCHITECTURE)" --include="$(value PACKAGES)" \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --customize-hook='rm -rf "$1"/var/cache/ldconfig/aux-cache "$1"/etc/resolv.conf "$1"/etc/hostname' \
    "$(value SUITE)" "$1" "${MIRROR:-http://snapshot.debian.org/archive/debian/$(value SNAPSHOT)}"
echo "$1: SHA-256 $(sha256sum <"$1" | cut -d' ' -f1)"
