#!/bin/sh
# Inside of the container, without a network: install the wheels of /wheels and the ablatrix of /artifact.
#
# Files that were made by the same wheels have the same bytes: byte code is compiled by content and not by date.
set -eu
cd /artifact
value() { sed -n "s/^$1=\([A-Za-z0-9.,+_-]*\)\$/\1/p" container/recipe.txt; }
SOURCE_DATE_EPOCH=$(value EPOCH)
export SOURCE_DATE_EPOCH PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 HOME=/root

python3 -m venv --without-pip /opt/ablatrix
install() {
    python3 -m pip --python /opt/ablatrix/bin/python install --quiet --no-index --no-compile --no-cache-dir --no-deps \
        --disable-pip-version-check --root-user-action=ignore "$@"
}
install --require-hashes --find-links /wheels -r container/wheels.txt
install --no-build-isolation source/*
/opt/ablatrix/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/ablatrix/lib >/dev/null || true
