#!/usr/bin/env bash
# Build the documentation site into site/, strictly: a warning, such as a link that leads nowhere, is an error.
#
#   scripts/build_docs.sh
#
# scripts/setup.sh says what it installs, and where. Needs no network afterwards.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
set_up
cd "$ROOT"
say "sphinx-build"
# A fresh environment each time: what was read earlier hides warnings.
rm -rf site
"$BIN/python" -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet --doctree-dir build/doctrees \
    docs site >&2
say "wrote site/index.html"
