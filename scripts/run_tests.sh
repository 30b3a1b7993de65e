#!/usr/bin/env bash
# Run the tests from a fresh clone: scripts/run_tests.sh [PYTEST ARGUMENTS]
#
# Needs Python >= 3.11 and a C++ compiler; scripts/setup.sh says what it installs, and where.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
set_up
cd "$ROOT"
say "pytest $*"
exec "$BIN/python" -m pytest "$@"
