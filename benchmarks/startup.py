"""What ``ablatrix --help`` costs over a bare interpreter, and which heavy modules it loads (none).

The peer is ``python -c pass`` with the same interpreter, the two in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from time import perf_counter

HEAVY = ("torch", "tvm", "matplotlib", "polars", "transformers", "scipy")
TARGETS = {"extra_s": 0.3, "heavy_modules": 0}


def main(repeats: int) -> None:
    """Time both commands in turn and print the verdict as JSON."""
    bare, helped = [], []
    for _ in range(repeats):
        bare.append(seconds(["-c", "pass"]))
        helped.append(seconds(["-m", "ablatrix", "--help"]))
    probe = (
        "import sys, contextlib; from ablatrix.cli.main import app\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        f"print(sum(name in sys.modules for name in {HEAVY!r}), file=sys.stderr)"
    )
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stderr
    figures = {
        "bare_s": median(bare),
        "help_s": median(helped),
        "extra_s": median(helped) - median(bare),
        "ratio": median(helped) / median(bare),
        "heavy_modules": int(loaded),
    }
    holds = figures["extra_s"] <= TARGETS["extra_s"] and figures["heavy_modules"] == 0
    print(json.dumps({"benchmark": "startup", "figures": figures, "targets": TARGETS, "holds": holds}))


def seconds(arguments: list[str]) -> float:
    """Return the wall time of one interpreter."""
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
