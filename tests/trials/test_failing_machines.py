"""Each condition of ``benchmarks/failing_machines.py``: nothing is lost or final, no traceback, no process left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "failing_machines.py"
SHORT = "files limited"
"""Which the suite runs; the others take a quarter of a minute each."""
NAMES = (
    "worker stopped", "runner stopped", "clock jumps", "disk full", "disk read-only", SHORT, "size limited",
    "memory limited", "no root", "few processes", "long name", "stdout closed", "stderr closed", "stdin closed",
    "no HOME", "locale C", "20 columns", "Ctrl-C twice", "hang-up", "Ctrl-Z", "records removed",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.compiler
@pytest.mark.parametrize(
    "name", [name if name == SHORT else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
def test_failing_machine_loses_nothing_and_the_same_command_goes_on(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), name], capture_output=True, text=True, timeout=600, check=False
    )
    if "not tried: " in done.stdout:
        pytest.skip(done.stdout.splitlines()[0])
    assert json.loads(done.stdout.splitlines()[-1])["figures"] == {"conditions": 1, "faults": 0}, done.stdout
    assert done.returncode == 0, done.stderr
