"""How fast the machine is: products of matrices and memory, measured in a process of its own; and its counters."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.interpreter import interpreter
from ablatrix.records.explanation import MachinePeak

PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
LARGEST = 2
"""Of ``perf_event_paranoid``: above it a user may count nothing of own processes."""
TIMEOUT_S = 120.0


def measure_peak(threads: int) -> MachinePeak:
    """Measure the machine on as many threads as a run has, in about two seconds.

    Raises:
        TrialError: It could not be measured.
    """
    command = interpreter("-m", "ablatrix.explain.peak_process", str(threads))
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise TrialError(f"the speed of this machine could not be measured: {last}")
    return MachinePeak.model_validate_json(done.stdout)


def counters_missing() -> str:
    """Return why there are no hardware counters beside the groups."""
    if shutil.which("perf") is None:
        return "no hardware counters: 'perf' is not installed"
    try:
        level = int(PARANOID.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "no hardware counters: the kernel has no perf_event_paranoid, so it counts nothing for users"
    if level > LARGEST:
        return f"no hardware counters: perf_event_paranoid is {level}, and users may count up to {LARGEST}"
    return "no hardware counters by group: 'perf stat' counts a whole process, not a kernel in it"
