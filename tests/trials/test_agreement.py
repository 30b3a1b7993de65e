"""Our times agree with torch's and TVM's own timers on the same executable in the same process.

The benchmark shows it within 3 % on a quiet machine. The limit here is wider, for machines that are not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "agreement.py"
LIMIT = 0.10
TRIES = 3


def compare() -> dict[str, float]:
    command = [sys.executable, str(BENCHMARK), "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    ratios: dict[str, float] = json.loads(done.stdout.splitlines()[-1])["figures"]["p50_ours_over_theirs"]
    return ratios


def test_times_agree_with_torch_s_timer_and_tvm_s_time_evaluator() -> None:
    found = [compare()]
    while len(found) < TRIES and any(abs(ratio - 1) > LIMIT for ratio in found[-1].values()):
        found.append(compare())
    assert {one.rpartition(" ")[2] for one in found[-1]} == {"eager", "tvm"}
    assert len(found[-1]) == 6
    assert all(abs(ratio - 1) <= LIMIT for ratio in found[-1].values()), found
