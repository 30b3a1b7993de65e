"""How long a study will take, before it is run: rough costs by tier, or what was measured so far."""

from collections.abc import Mapping, Sequence
from statistics import median

from ablatrix.records.model import Record
from ablatrix.study.design import Cell, Design, Trial
from ablatrix.study.resolve import ResolvedStudy

# Seconds on 2 cores of a small server, from runs of the shipped studies; sizes differ, so these are orders of size.
PREPARE_S = {"tiny": 4.0, "medium": 5.0, "hard": 12.0}
COLD_S = {"tiny": 0.8, "medium": 2.0, "hard": 7.0}
HOT_BUILD_S = {"tiny": 0.4, "medium": 0.6, "hard": 1.5}
ITERATION_S = {"tiny": 0.0005, "medium": 0.003, "hard": 0.03}


def estimate_seconds(
    resolved: ResolvedStudy, design: Design, trials: Sequence[Trial], known: Mapping[str, Record] | None = None
) -> float:
    """Return the seconds that trials will take: measured ones where a cell has run before, else by tier."""
    cells = {cell.cell_id: cell for cell in design.cells}
    measured = _measured(known or {})
    workloads = {cells[trial.cell_id].workload for trial in trials}
    total = sum(PREPARE_S[resolved.catalogue.workload(name).tier] for name in workloads)
    for trial in trials:
        seconds = measured.get((trial.cell_id, trial.mode))
        total += _expected(resolved, trial, cells[trial.cell_id]) if seconds is None else seconds
    return total


def _measured(known: Mapping[str, Record]) -> dict[tuple[str, str], float]:
    walls: dict[tuple[str, str], list[float]] = {}
    for record in known.values():
        walls.setdefault((record.cell_id, record.mode), []).append(record.wall_s)
    return {key: median(values) for key, values in walls.items()}


def _expected(resolved: ResolvedStudy, trial: Trial, cell: Cell) -> float:
    tier = resolved.catalogue.workload(cell.workload).tier
    if trial.mode == "cold":
        return COLD_S[tier] if cell.knobs else HOT_BUILD_S[tier]
    hot = resolved.study.protocol.hot
    burst = max(ITERATION_S[tier], hot.burst_ms / 1e3) + hot.rewarm_iterations * ITERATION_S[tier]
    return HOT_BUILD_S[tier] + hot.warm_up_ms / 1e3 + hot.rounds * burst
