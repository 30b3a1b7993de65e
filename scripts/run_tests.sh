#!/usr/bin/env bash
# Run the tests from a fresh clone.
#
#   scripts/run_tests.sh [PYTEST ARGUMENTS]         the suite
#   scripts/run_tests.sh --fast [PYTEST ARGUMENTS]  those that need no compiler, no torch and no GPU, and are quick
#   scripts/run_tests.sh --long [PYTEST ARGUMENTS]  the suite, and the long forms of tests that it has a short form of
#
# Needs Python >= 3.11, and a C++ compiler but with --fast; scripts/setup.sh says what it installs, and where.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
[[ " $* " == *" --fast "* ]] || need_cxx
set_up
cd "$ROOT"
say "pytest $*"
exec "$BIN/python" -m pytest "$@"
