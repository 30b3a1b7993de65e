"""What it would take to settle what is open: blocks, from the scatter of those that there are, and their time."""

import math
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from statistics import median

import polars as pl

from ablatrix.analysis.builds.values import Needs
from ablatrix.analysis.effects import Effect
from ablatrix.analysis.table import BLOCK
from ablatrix.statistics.equivalence import blocks_to_settle

Unit = tuple[str, str, str, str]
"""Workload, its digest, compiler, mode."""


class BlockTimes:
    """How long the blocks of each unit took, by the wall clock; made of a table of trials when it is first asked."""

    def __init__(self, trials: pl.DataFrame) -> None:
        """Take the table of trials."""
        self._trials = trials

    def seconds(self, effect: Effect) -> float | None:
        """Return the median over the blocks of an effect's unit; None where records do not tell."""
        return self._by_unit.get((effect.workload, effect.digest, effect.compiler, effect.mode))

    @cached_property
    def _by_unit(self) -> Mapping[Unit, float]:
        held = self._trials.lazy().select(
            *BLOCK, "workload", "workload_digest", "compiler", "mode", "role", "time_utc", "wall_s"
        )
        blocks: dict[tuple[str, str], list[tuple[float, float]]] = {}
        units: dict[tuple[str, str], Unit] = {}
        for run, block, workload, digest, compiler, mode, role, began, wall in held.collect().iter_rows():
            key = (run, block)
            if role == "measured":
                units[key] = (workload, digest, compiler, mode)
            if began is not None and wall is not None:
                blocks.setdefault(key, []).append((datetime.fromisoformat(began).timestamp(), wall))
        found: dict[Unit, list[float]] = {}
        for key, trials in blocks.items():
            if key in units:
                # The trials of a hot block are alive at once, those of a cold one come after each other.
                span = max(start + wall for start, wall in trials) - min(start for start, _ in trials)
                whole = span if units[key][3] == "hot" else math.fsum(wall for _, wall in trials)
                found.setdefault(units[key], []).append(whole)
        return {unit: median(several) for unit, several in found.items()}


def needs_of(effect: Effect, margin: float, tests: int, times: BlockTimes) -> Needs | None:
    """Return what would settle whether an effect differs from 1; None where nothing can be said.

    Args:
        effect: What is open.
        margin: Largest relative difference that counts as none.
        tests: How many effects are judged together.
        times: How long blocks take.
    """
    if effect.estimate is None or effect.estimate.error is None:
        return None
    blocks = blocks_to_settle(effect.estimate, margin, max(tests, 1), allowance=effect.allowance)
    if blocks is None:
        return Needs(blocks=None, further=None, seconds=None)
    # What blocks as many as these would settle more often than not was settled here with bad luck: one more, at least.
    further = max(blocks - effect.estimate.count, 1)
    each = times.seconds(effect)
    return Needs(
        blocks=effect.estimate.count + further, further=further, seconds=None if each is None else each * further
    )
