"""Our times agree with torch's and TVM's own timers on the same executable in the same process.

The benchmark shows it within 3 % on a quiet machine, on a larger program too. The limit here is wider, for machines
that are not quiet, and turns are shorter and more, so that a neighbour meets both timers alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "agreement.py"
REPEATS, TURN_S = "13", "0.02"
WORKLOADS = ("mlp", "attention")
LIMIT = 0.10
TRIES = 3


def compare() -> dict[str, float]:
    command = [sys.executable, str(BENCHMARK), REPEATS, TURN_S, *WORKLOADS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    ratios: dict[str, float] = json.loads(done.stdout.splitlines()[-1])["figures"]["p50_ours_over_theirs"]
    return ratios


def agreed(tries: list[dict[str, float]]) -> set[str]:
    """What has agreed in one of the tries: a neighbour spoils this pair or that, a wrong timer the same in all."""
    return {one for ratios in tries for one, ratio in ratios.items() if abs(ratio - 1) <= LIMIT}


@pytest.mark.long
def test_times_agree_with_torch_timer_and_tvm_time_evaluator() -> None:
    found = [compare()]
    while len(found) < TRIES and len(agreed(found)) < len(found[0]):
        found.append(compare())
    assert {one.rpartition(" ")[2] for one in found[0]} == {"eager", "tvm"}
    assert len(found[0]) == 2 * len(WORKLOADS)
    assert agreed(found) == found[0].keys(), found
