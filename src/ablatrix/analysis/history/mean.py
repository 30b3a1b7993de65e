"""The series over workloads: in each run the geometric mean of their ratios to the bridge."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.analysis.history.measured import Unit
from ablatrix.analysis.history.values import MEAN, Point
from ablatrix.statistics.ratio import combined_estimate, ratio_of

ENOUGH = 0.5
"""A workload is in the mean where more than this share of the runs has a point of it."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """The points of a series, before changes are looked for.

    Attributes:
        unit: What it is of.
        bridge: The bridge that all ratios are to.
        points: In the order of runs.
        seams: By number of the run, the error of the link that it and all behind it share.
        missing: Runs without a point, and why.
        workloads: Those that a mean is of.
    """

    unit: Unit
    bridge: str
    points: tuple[Point, ...]
    seams: Mapping[int, float]
    missing: Mapping[int, str]
    workloads: tuple[str, ...] = ()


def with_means(traced: Sequence[Traced], runs: int) -> list[Traced]:
    """Return series by compiler and metric, each time with their mean behind them where it is of several.

    A mean is of the same workloads in every run, since another choice would be another level: of those that more than
    half of the runs with any point have. A run that lacks one of them has no point of the mean.

    Args:
        traced: Series of workloads.
        runs: How many runs there are.
    """
    found: list[Traced] = []
    ordered = sorted(enumerate(traced), key=lambda one: (_first(traced, one[1]), one[0]))
    for _, held in itertools.groupby((one for _, one in ordered), key=lambda one: one.unit[1:]):
        own = list(held)
        found += own
        counts = Counter(point.run for one in own for point in one.points)
        chosen = [one for one in own if len(one.points) > ENOUGH * len(counts)]
        if len(chosen) > 1:
            found.append(_mean(chosen, runs))
    return [one for one in found if one.points]


def _first(traced: Sequence[Traced], one: Traced) -> int:
    """Return where the series of the same compiler and metric begin."""
    return next(place for place, other in enumerate(traced) if other.unit[1:] == one.unit[1:])


def _mean(members: Sequence[Traced], runs: int) -> Traced:
    workloads = tuple(one.unit[0] for one in members)
    by_run = [{point.run: point for point in one.points} for one in members]
    points: list[Point] = []
    missing: dict[int, str] = {}
    for run in range(runs):
        absent = [name for name, held in zip(workloads, by_run, strict=True) if run not in held]
        if absent:
            missing[run] = f"no point of {', '.join(absent)}"
            continue
        own = [held[run] for held in by_run]
        found = combined_estimate([one.estimate for one in own], [1.0 / len(own)] * len(own))
        points.append(Point(run, ratio_of(found), found, _joined(one.bridge for one in own)))
    return Traced(
        unit=(MEAN, *members[0].unit[1:]),
        bridge=_joined(one.bridge for one in members),
        points=tuple(points),
        seams=_seams(members, {one.run for one in points}),
        missing=missing,
        workloads=workloads,
    )


def _seams(members: Sequence[Traced], runs: set[int]) -> dict[int, float]:
    """Return the errors of links as a mean has them; that of a run without a point is of the next one with one."""
    squares: dict[int, float] = {}
    for one in members:
        for run, error in one.seams.items():
            behind = [number for number in runs if number >= run]
            if behind:
                squares[min(behind)] = squares.get(min(behind), 0.0) + (error / len(members)) ** 2
    return {run: math.sqrt(square) for run, square in squares.items()}


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
