"""Series of a history and their changes of level, with what may have changed them: the machine, or the new build."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ablatrix.analysis.history.bridges import Bridges, bridges_of, told_apart
from ablatrix.analysis.history.mean import Traced, with_means
from ablatrix.analysis.history.measured import HistoryRun, Unit
from ablatrix.analysis.history.values import History, Kind, Point, Series, Shift
from ablatrix.errors import AnalysisError
from ablatrix.statistics.history import LEAST_POINTS, Change, Level, find_changes
from ablatrix.statistics.ratio import Ratio, ratio_of

DEFAULT_LEAST = 0.01
NEAR_HOST = 1
"""A change so many points from one of the host cannot be told from it: its place is known to about a point."""


def find_history(
    runs: Sequence[HistoryRun],
    *,
    head: str | None = None,
    least: float = DEFAULT_LEAST,
    last: int | None = None,
) -> History:
    """Put runs together as series, and find where these change their level.

    Args:
        runs: In any order; they are put in that of time.
        head: The level that is the new build; None for the one that is not the base level, where there is one.
        least: Relative changes of less than this are none.
        last: How many runs the exit code looks back; None for all.

    Raises:
        AnalysisError: No run has the new build beside a bridge.
    """
    ordered = tuple(sorted(runs, key=lambda one: (one.time_utc, one.name)))
    heads = tuple(_head_of(run, head) for run in ordered)
    ordered = told_apart(ordered, heads)
    hosts = [(run.host, run.cpu) for run in ordered]
    changes = tuple(number for number in range(1, len(ordered)) if hosts[number] != hosts[number - 1])
    units = list(dict.fromkeys(unit for run in ordered for unit in run.units))
    traced = [one for unit in units if (one := _traced(ordered, heads, unit)) is not None and one.points]
    series = tuple(_series(one, changes, math.log1p(least)) for one in with_means(traced, len(ordered)))
    if not series:
        why = "; ".join(f"{run.name}: {_why_unused(run, heads[number], head)}" for number, run in enumerate(ordered))
        raise AnalysisError(
            f"no run has a new build beside a bridge ({why}); give runs of a study with two builds, and --head where "
            "there are more"
        )
    used = {point.run for one in series for point in one.points}
    unused = {number: _why_unused(run, heads[number], head) for number, run in enumerate(ordered) if number not in used}
    return History(ordered, heads, series, changes, unused, least, last)


def _head_of(run: HistoryRun, head: str | None) -> str | None:
    if head is not None:
        return head if head in run.levels else None
    others = [level for level in run.levels if level not in run.bases]
    return others[0] if len(others) == 1 else None


def _why_unused(run: HistoryRun, head: str | None, wanted: str | None) -> str:
    if not run.levels:
        return "it has one build"
    if head is None:
        levels = ", ".join(run.levels)
        return f"it has no build '{wanted}', but: {levels}" if wanted else f"it has several: {levels}; name the new one"
    return "nothing was measured of both"


def _traced(runs: Sequence[HistoryRun], heads: Sequence[str | None], unit: Unit) -> Traced | None:
    """Return the points of a unit; None where no run has a bridge."""
    bridges = Bridges.of(runs, unit, heads)
    if bridges is None:
        return None
    points: list[Point] = []
    seams: dict[int, float] = {}
    missing: dict[int, str] = {}
    for number, (run, head) in enumerate(zip(runs, heads, strict=True)):
        found = _point(number, run, head, unit, bridges, points[-1].bridge if points else bridges.first)
        if isinstance(found, str):
            missing[number] = found
            continue
        if points and found.bridge != points[-1].bridge:
            held = (bridges.links[found.bridge].variance, bridges.links[points[-1].bridge].variance)
            seams[number] = math.sqrt(abs(held[0] - held[1]))
        points.append(found)
    return Traced(unit=unit, bridge=bridges.first, points=tuple(points), seams=seams, missing=missing)


def _series(traced: Traced, host_changes: Sequence[int], least: float) -> Series:
    points = traced.points
    seams = {place: traced.seams[one.run] for place, one in enumerate(points) if one.run in traced.seams}
    values, errors = [one.estimate.mean for one in points], [one.estimate.error or 0.0 for one in points]
    changes, levels = find_changes(values, errors, least=least, seams=seams)
    return Series(
        *traced.unit,
        traced.bridge,
        points,
        tuple(_shift(one, points, host_changes) for one in changes),
        tuple(_level(one, points) for one in levels),
        traced.missing,
        len(points) < LEAST_POINTS,
        traced.workloads,
    )


def _point(number: int, run: HistoryRun, head: str | None, unit: Unit, bridges: Bridges, used: str) -> Point | str:
    """Return the point of a run, or why it has none; by the bridge in use where the run has it."""
    measured = run.units.get(unit)
    if measured is None:
        return "not in this run"
    if head is None or head not in measured.levels:
        return measured.missing.get(head or "", "it has no new build")
    names = bridges_of(run, unit, head)
    linked = [name for name in names if name in bridges.links]
    if not linked:
        what = ", ".join(names) or "no bridge"
        return f"{what}: never measured in one run with {bridges.first} or a bridge that was"
    bridge = min(linked, key=lambda name: (name != used, bridges.links[name].variance))
    found = measured.between(head, bridge)
    if found is None or found.error is None:
        return "one block, so that its error is not known"
    moved = replace(found, mean=found.mean + bridges.links[bridge].offset)
    return Point(number, ratio_of(moved), moved, bridge)


def _shift(change: Change, points: Sequence[Point], host_changes: Sequence[int]) -> Shift:
    run = points[change.index].run
    near = points[max(change.index - NEAR_HOST - 1, 0)].run, points[min(change.index + NEAR_HOST, len(points) - 1)].run
    at_host = any(near[0] < one <= near[1] for one in host_changes)
    kind: Kind = "at_host_change" if at_host else "slower" if change.estimate.mean > 0.0 else "faster"
    return Shift(run, points[change.index - 1].run, kind, ratio_of(change.estimate), change.p_value)


def _level(level: Level, points: Sequence[Point]) -> tuple[int, int, Ratio]:
    return points[level.first].run, points[level.end - 1].run, ratio_of(level.estimate)
