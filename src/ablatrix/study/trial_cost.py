"""What one trial takes before anything was measured: orders of size, by tier and parameters of its workload."""

import math
from collections.abc import Mapping
from typing import Any

from ablatrix.study.model import Study
from ablatrix.workloads.entry import WorkloadEntry

# Seconds on 2 cores of a small server, of the shipped workloads in their default sizes with TVM: orders of size.
PREPARE_S = {"tiny": 4.0, "medium": 5.0, "hard": 12.0}
COLD_S = {"tiny": 0.25, "medium": 1.0, "hard": 5.0}
HOT_BUILD_S = {"tiny": 0.03, "medium": 0.15, "hard": 1.0}
ITERATION_S = {"tiny": 0.0001, "medium": 0.003, "hard": 0.05}
REFERENCE_S = {"tiny": 0.02, "medium": 0.05, "hard": 0.3}
HANDLING_S = 0.1
"""What a hot trial takes beyond its own time: its process, its pauses, its records."""
UNSCALED = frozenset({"classes", "vocabulary", "heads", "groups", "tokens_bound"})
"""Parameters that hardly change how much there is to compile and to compute."""


def expected_s(
    study: Study, entry: WorkloadEntry, parameters: Mapping[str, Any], mode: str, *, reference: bool = False
) -> float:
    """Return what a trial takes, in seconds.

    Args:
        study: Has the protocol.
        entry: The workload.
        parameters: Its parameters, where they are not the default ones.
        mode: ``cold`` or ``hot``.
        reference: Whether it is one of eager.
    """
    tier, size = entry.tier, _size(entry, parameters)
    if mode == "cold":
        return REFERENCE_S[tier] if reference else COLD_S[tier] * math.sqrt(size)
    hot = study.protocol.hot
    iteration = ITERATION_S[tier] * size
    counted = max(iteration, min(hot.burst_ms / 1e3, hot.burst_iterations * iteration))
    burst = counted + min(hot.rewarm_iterations * iteration, hot.burst_ms / 1e3)
    build = HOT_BUILD_S[tier] * math.sqrt(size)
    return build + max(hot.warm_up_ms / 1e3, iteration) + hot.rounds * burst + HANDLING_S


def _size(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> float:
    """Return how large a workload is, 1 being its default parameters."""
    size = 1.0
    for name, spec in entry.parameters.items():
        given, default = parameters.get(name, spec.default), spec.default
        if name in UNSCALED or not isinstance(given, int | float) or not isinstance(default, int | float):
            continue
        if given > 0 and default > 0:
            size *= given / default
    return size
