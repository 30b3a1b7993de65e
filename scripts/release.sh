#!/usr/bin/env bash
# Make a release: one version everywhere, a wheel and a source distribution that were tried in an empty environment.
#
#   scripts/release.sh VERSION          set the version and the date in every place, and stop for a commit
#   scripts/release.sh VERSION          again, when that is committed: build into dist/, check, install, try
#   scripts/release.sh --check          say whether every place has the same version; build nothing
#
# The places: src/ablatrix/version.py, CITATION.cff and the heading of CHANGELOG.md. Publishing is left to a person; the
# last line says how. Needs the network once, for what the wheel depends on.
# Exit codes: 0 done; 1 a check does not hold; 2 wrong usage, or changes that are not committed.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
if [[ $# -ne 1 || ! ($1 == --check || $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?$) ]]; then
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
set_up
cd "$ROOT"
if [[ $1 == --check ]]; then
    exec "$BIN/python" scripts/release.py agree
fi
version=$1
[[ -z $(git status --porcelain) ]] || fail "there are changes that are not committed: git status"

"$BIN/python" scripts/release.py set "$version"
if [[ -n $(git status --porcelain) ]]; then
    git --no-pager diff --stat >&2
    say "the version is set; look at it, commit it (git commit -am 'Release $version'), and run this again"
    exit 0
fi
"$BIN/python" scripts/release.py check "$version"

say "building"
rm -rf build dist
"$BIN/python" -m build --no-isolation --outdir dist . >/dev/null
"$BIN/python" scripts/release.py contents dist "$version"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
say "installing the wheel into an empty environment"
"$(find_python)" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --disable-pip-version-check --quiet -c requirements.lock dist/*.whl >&2
(cd "$scratch" && bash "$ROOT/scripts/try_installed.sh" "$scratch/venv/bin")
say "good: dist/ has ablatrix $version"
say "to publish: git tag -s v$version && git push origin v$version, then upload dist/* to the package index"
