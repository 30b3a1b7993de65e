#!/usr/bin/env bash
# Make requirements.lock: the exact versions that a fresh environment gets for ablatrix with all its extras.
#
#   scripts/lock.sh            keep the versions that are locked, add what pyproject.toml newly asks for
#   scripts/lock.sh --upgrade  take the newest versions that pyproject.toml allows
#
# Local version labels (torch 2.13.0+cpu) are cut off, so that the lock holds on every index.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
python=$(find_python)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

keep=()
[[ ${1:-} == --upgrade || ! -f $ROOT/requirements.lock ]] || keep=(-c "$ROOT/requirements.lock")
"$python" -m venv "$scratch/venv"
say "resolving"
"$scratch/venv/bin/pip" install --disable-pip-version-check --quiet "${keep[@]}" -e "$ROOT[compilers,dev,docs]" >&2
{
    echo "# Exact versions for Python 3.11 and later, made by scripts/lock.sh from pyproject.toml. Do not edit by hand."
    echo "# On Linux, PyPI's torch brings CUDA along; for the much smaller CPU build:"
    echo "#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu scripts/run_artifact.sh"
    "$scratch/venv/bin/pip" freeze --all --exclude ablatrix --exclude pip --exclude wheel |
        sed -E '/^(#|-e)/d; s/\+[a-z0-9.]+$//' | LC_ALL=C sort -f
} >"$scratch/requirements.lock"
mv "$scratch/requirements.lock" "$ROOT/requirements.lock"
say "wrote requirements.lock ($(grep -c == "$ROOT/requirements.lock") packages)"
