"""The environment of a slot's runner: that of its host without what a cluster sets, and with what the run asks for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ablatrix.trials.host import environment_variables

OF_CLUSTER = re.compile(r"(RAY|OMP|GOMP|KMP|MKL|SLURM|SUBMITIT|PMI|PMIX)_.*|CUDA_VISIBLE_DEVICES")
"""What Ray and Slurm set for their own workers: numbers of threads and devices that no study asked for."""


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a runner inherits on a host."""
    return {name: value for name, value in inherited.items() if not OF_CLUSTER.fullmatch(name)}


def compared_variables(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that matter, as a trial in a slot sees them, or as this process would hand them on."""
    return environment_variables(clean_environment(inherited))


def leave_a_cpu() -> list[int]:
    """Leave the first CPU to the cluster's own processes, where there is more than one; return those that are left."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) > 1:
        os.sched_setaffinity(0, allowed[1:])
    return sorted(os.sched_getaffinity(0))


def take_back_niceness() -> str:
    """Give this process the usual priority where a cluster gave its workers a lower one, as Ray does.

    Returns:
        What to tell people where this user may not do that; empty where the priority is the usual one.
    """
    found = os.getpriority(os.PRIO_PROCESS, 0)
    if found <= 0:
        return ""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        return (
            f"measures at niceness {found}, so that any other process there comes first; start Ray with "
            "RAY_worker_niceness=0 in its environment"
        )
    return ""
