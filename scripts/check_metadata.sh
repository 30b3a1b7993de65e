#!/usr/bin/env bash
# Validate the metadata of an artifact with validators that are not ours.
#
#   scripts/check_metadata.sh ARTIFACT
#
# ro-crate-metadata.json by roc-validator (profile Process Run Crate 0.5: what is required must hold, what else is
# recommended is told), CITATION.cff by cffconvert. Both live in .venv-metadata, with the exact versions of
# scripts/metadata-requirements.txt. The network is needed to install them only: the JSON-LD context of RO-Crate 1.1, which
# the validator would fetch, is taken from the package rocrate 0.11.0.
# Exit codes: 0 both hold; 1 one does not; 2 wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -f ${1:-}/ro-crate-metadata.json ]]; then
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

artifact=$1
venv=$ROOT/.venv-metadata
wanted=$ROOT/scripts/metadata-requirements.txt
if ! cmp -s "$wanted" "$venv/installed-from"; then
    python=$(find_python)
    say "making .venv-metadata with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --disable-pip-version-check --quiet -r "$wanted" >&2
    "$venv/bin/pip" download --disable-pip-version-check --quiet --no-deps --only-binary :all: --dest "$venv/context" \
        rocrate==0.11.0 >&2
    "$venv/bin/python" - "$venv" <<'PYTHON'
import io
import sys
import zipfile
from pathlib import Path

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

URL = "https://w3id.org/ro/crate/1.1/context"
venv = Path(sys.argv[1])
(wheel,) = (venv / "context").glob("*.whl")
content = zipfile.ZipFile(wheel).read("rocrate/data/ro-crate.jsonld")


class FromPackage(HTTPAdapter):
    """Answers with the file of the package instead of asking the network."""

    def send(self, request, **_):
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(io.BytesIO(content), headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, raw)


session = CachedSession(cache_name=str(venv / "context/cache"), expire_after=-1)
session.mount(URL, FromPackage())
session.get(URL).raise_for_status()
PYTHON
    cp "$wanted" "$venv/installed-from"
fi

validate() {
    "$venv/bin/rocrate-validator" --no-interactive --disable-color validate --profile-identifier process-run-crate-0.5 \
        --requirement-severity "$1" --verbose --no-paging --offline --cache-path "$venv/context/cache" "$artifact"
}

status=0
say "roc-validator, Process Run Crate 0.5: what is required"
validate required || status=1
say "roc-validator: what is recommended (told, and no fault)"
validate recommended || true
say "cffconvert"
"$venv/bin/cffconvert" --validate -i "$artifact/CITATION.cff" || status=1
exit "$status"
