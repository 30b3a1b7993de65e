#!/usr/bin/env bash
# Try an installed ablatrix, from outside the repository: scripts/try_installed.sh BIN, the directory of its commands.
#
# Prints nothing when all is well. Torch and compilers are not needed.
set -euo pipefail

bin=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$bin/ablatrix" --help >help.txt
grep -q "Usage: ablatrix" help.txt
"$bin/ablatrix" knobs tvm >knobs.txt
grep -q "memory_plan" knobs.txt
"$bin/ablatrix" schema study >study.json
"$bin/python" - <<'PYTHON'
import sys
from importlib.resources import files

import ablatrix

home = files("ablatrix")
assert str(home).startswith(sys.prefix), f"{home} is not what was installed in {sys.prefix}"
for name in ("py.typed", "paper/default.yaml", "page/page.css", "page/page.js", "page/page.html"):
    assert home.joinpath(name).is_file(), f"{name} is not in the package"
assert any(home.joinpath("artifact/data").iterdir()), "artifact/data is not in the package"
assert all(hasattr(ablatrix, name) for name in ablatrix.__all__)
PYTHON
