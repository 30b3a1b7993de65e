"""The best configuration of each workload and compiler, and which are not distinguishable from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.effects.readings import Readings, TrialLayout
from ablatrix.analysis.groups import Instrument
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.statistics.best import compare_with_best


@dataclass(frozen=True, kw_only=True)
class Best:
    """The configuration with the lowest mean of logarithms over blocks, among those that have a value in every block.

    Attributes:
        levels: Its levels, of all knobs of the compiler.
        ties: The others that may be the best (`ablatrix.statistics.best`), the lowest first. None with one block: it is
            not tested.
        compared: How many configurations were compared, itself included.
        blocks: Repeats.
        among: The configurations that were compared, by their levels.
        stage: The confirmation in whose own blocks they were compared; None in those that stages share.
    """

    workload: str
    digest: str
    compiler: str
    levels: KnobLevels
    ties: tuple[KnobLevels, ...] | None
    compared: int
    blocks: int
    among: tuple[KnobLevels, ...] = ()
    stage: str | None = None


def find_best(
    trials: pl.DataFrame,
    metric: str,
    mode: str,
    instrument: Instrument | None = None,
    layout: TrialLayout | None = None,
) -> list[Best]:
    """Return the best configuration of each workload and compiler; none where no configuration is in every block.

    Of the stages that share blocks, else of a confirmation.

    Args:
        trials: The table of trials.
        metric: Column of a positive number; less is better.
        mode: ``cold`` or ``hot``.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        layout: Of ``trials``, where it is known already.
    """
    instrument = instrument or Instrument(trials)
    found: dict[tuple[Any, ...], Best] = {}
    for unit, held in (layout or TrialLayout(trials)).readings(metric, mode):
        filled = held.logs[~np.isnan(held.logs).all(axis=1)]
        whole = np.flatnonzero(~np.isnan(filled).any(axis=0)).tolist() if filled.size else []
        names = list(held.measured)
        if whole and unit not in found and not _is_screening(held):
            levels = [KnobLevels(dict(zip(held.knobs, map(str, names[column]), strict=True))) for column in whole]
            offset = instrument.offset(metric, mode, unit)
            apart = next((stage for stage, plan in held.plans.items() if plan.chosen is not None), None)
            found[unit] = replace(_best(unit, levels, filled[:, whole].T, offset), stage=apart)
    return list(found.values())


def _is_screening(held: Readings) -> bool:
    """Return whether values are those of a screening: its configurations stand for knobs and not for themselves."""
    return any(plan.kind == "screen" for plan in held.plans.values())


def _best(unit: tuple[Any, ...], levels: Sequence[KnobLevels], logs: np.ndarray[Any, Any], offset: float) -> Best:
    order = sorted(range(len(levels)), key=lambda index: (float(logs[index].mean()), index))
    ties: tuple[KnobLevels, ...] | None = None
    if len(levels) == 1:
        ties = ()
    elif logs.shape[1] > 1:
        against = compare_with_best(logs, offset=offset)
        ties = tuple(levels[index] for index in order[1:] if against[index].may_be_best)
    workload, digest, compiler = unit
    return Best(
        workload=workload,
        digest=digest,
        compiler=compiler,
        levels=levels[order[0]],
        ties=ties,
        compared=len(levels),
        blocks=logs.shape[1],
        among=tuple(levels),
    )
