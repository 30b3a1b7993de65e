"""Are a model's weights shared by the workers of a hot block, or does each have its own?

    python benchmarks/live_weights.py --hidden 5120

`ablatrix run` measures a block with the reference and two configurations, and one with the reference and six, of `mlp`
with two layers. While all workers of a block are alive, the memory of all processes is added up, shared pages once
(proportional set sizes): what each further worker takes is told as a part of the weights. The last line on stdout is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

COMPILERS = ("tvm", "inductor", "onnxruntime", "xla", "openvino")
STUDY = """\
name: weights
workloads: [{{name: mlp, parameters: {{layers: 2, hidden: {hidden}, batch: 1}}}}]
compilers: [{compiler}]
modes: [hot]
stages: [{{name: primary, factorial: {factorial}}}]
checks: {{input_sets: 1}}
protocol: {{hot: {{blocks: 1, max_blocks: 1, rounds: 60, burst_ms: 50, timeout_s: 900}}}}
"""
MOST = 0.2
"""Of the weights, what a further worker may take."""
FACTORIALS = {2: "{fusion: [off, on]}", 6: "{fusion: [off, on], partition: [whole, regions, operators]}"}
"""Workers of a block besides the reference."""


def main() -> None:
    """Print what a further worker takes, for each compiler."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=5120)
    parser.add_argument("--compiler", action="append", choices=COMPILERS)
    given = parser.parse_args()
    weights = 2 * 4 * given.hidden * given.hidden
    held = {}
    for compiler in given.compiler or COMPILERS:
        few, many = (_memory(compiler, given.hidden, count) for count in FACTORIALS)
        share = (many - few) / (max(FACTORIALS) - min(FACTORIALS)) / weights
        held[compiler] = {"few_mib": few / 2**20, "many_mib": many / 2**20, "further_worker_of_weights": share}
        print(f"{compiler}: {held[compiler]}", file=sys.stderr)
    figures = {"weights_mib": weights / 2**20, **held}
    holds = all(one["further_worker_of_weights"] <= MOST for one in held.values())
    print(json.dumps({"benchmark": "live_weights", "figures": figures, "targets": {"further": MOST}, "holds": holds}))


def _memory(compiler: str, hidden: int, count: int) -> int:
    """Return the bytes of all processes of a run while the workers of its block are alive."""
    with tempfile.TemporaryDirectory(prefix="live-weights-") as folder:
        study = Path(folder) / "study.yaml"
        study.write_text(STUDY.format(hidden=hidden, compiler=compiler, factorial=FACTORIALS[count]), encoding="utf-8")
        command = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(Path(folder) / "results")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
            samples = _samples(psutil.Process(run.pid), run)
        if run.returncode:
            raise SystemExit(f"{compiler}: the run ended with exit code {run.returncode}")
    most = max(processes for processes, _ in samples)
    return int(statistics.median(taken for processes, taken in samples if processes == most))


def _samples(root: psutil.Process, run: subprocess.Popen[bytes]) -> list[tuple[int, int]]:
    """Return the number of processes and their memory, several times a second until a run ends."""
    found: list[tuple[int, int]] = []
    while run.poll() is None:
        try:
            tree = [root, *root.children(recursive=True)]
            found.append((len(tree), sum(_shared_once(tree))))
        except psutil.Error:  # one ended while it was looked at
            pass
        time.sleep(0.2)
    return found


def _shared_once(tree: Sequence[psutil.Process]) -> list[int]:
    return [one.memory_full_info().pss for one in tree]


if __name__ == "__main__":
    main()
