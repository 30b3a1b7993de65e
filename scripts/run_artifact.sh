#!/usr/bin/env bash
# Run a study from a fresh clone, make an artifact of it, and verify the zip that is to be archived.
#
#   scripts/run_artifact.sh [STUDY] [OUT]
#
# STUDY defaults to studies/quick.yaml and OUT to artifact-out/<name of the study>, both in this repository; the zip is
# OUT.zip. Claims are those beside the study (quick.claims.yaml).
# Needs Python >= 3.11 and a C++ compiler; scripts/setup.sh says what it installs, and where.
# Exit codes: 0 all well; 1 trials failed or the artifact does not verify; 2 wrong usage or a missing tool.
set -euo pipefail

if [[ $# -gt 2 || ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

study=${1:-$ROOT/studies/quick.yaml}
[[ -f $study ]] || fail "study $study does not exist; there are: $(cd "$ROOT" && echo studies/*.yaml)"
out=${2:-$ROOT/artifact-out/$(basename "${study%.*}")}

need_cxx
set_up
status=0
say "ablatrix artifact $study --out $out"
"$BIN/ablatrix" artifact "$study" --out "$out" || status=$?
# Exit code 1 means that trials failed: they are recorded, and the artifact is complete and can be verified.
[[ $status -le 1 ]] || exit "$status"
say "ablatrix verify $out.zip"
"$BIN/ablatrix" verify "$out.zip" || status=$?
exit "$status"
