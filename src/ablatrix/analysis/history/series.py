"""Series of a history and their changes of level, with what may have changed them: the machine, or the new build."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.history.bridges import Bridges, bridges_of, told_apart
from ablatrix.analysis.history.measured import HistoryRun, Unit
from ablatrix.errors import AnalysisError
from ablatrix.statistics.history import LEAST_POINTS, Change, Level, find_changes
from ablatrix.statistics.ratio import Ratio, ratio_of

DEFAULT_LEAST = 0.01
NEAR_HOST = 1
"""A change so many points from one of the host cannot be told from it: its place is known to about a point."""
Kind = Literal["slower", "faster", "at_host_change"]


@dataclass(frozen=True)
class Point:
    """A run of a series.

    Attributes:
        run: Its number in the history.
        ratio: Of the new build to the first bridge; the interval is that of the run, without the errors of links.
        log, error: Its logarithm and standard error.
        bridge: The bridge that it was measured beside.
    """

    run: int
    ratio: Ratio
    log: float
    error: float
    bridge: str


@dataclass(frozen=True)
class Shift:
    """A change of level.

    Attributes:
        run: Number of the first run behind it.
        before: Number of the last run before it.
        kind: ``at_host_change`` where the machine changed with it, so that it need not come from the build.
        ratio: By what the level was multiplied.
        p_value: Of no change, by itself.
    """

    run: int
    before: int
    kind: Kind
    ratio: Ratio
    p_value: float


@dataclass(frozen=True)
class Series:
    """The history of one workload on one compiler.

    Attributes:
        bridge: The bridge that all ratios are to.
        points: In the order of runs.
        shifts: Changes of level, in order.
        levels: Levels: first and last run, and the ratio to the bridge.
        missing: Runs without a point, and why.
        too_short: Whether there are too few points to look for changes.
    """

    workload: str
    compiler: str
    metric: str
    bridge: str
    points: tuple[Point, ...]
    shifts: tuple[Shift, ...]
    levels: tuple[tuple[int, int, Ratio], ...]
    missing: Mapping[int, str]
    too_short: bool

    @property
    def name(self) -> str:
        """What it is of."""
        return f"{self.workload} on {self.compiler}"


@dataclass(frozen=True)
class History:
    """All series of a history.

    Attributes:
        runs: In the order of time.
        heads: The level that is the new build, for each run; None where there is none.
        host_changes: Numbers of runs on another machine than the run before.
        unused: Runs without any point, and why.
        last: How many runs the exit code looks back; None for all.
    """

    runs: tuple[HistoryRun, ...]
    heads: tuple[str | None, ...]
    series: tuple[Series, ...]
    host_changes: tuple[int, ...]
    unused: Mapping[int, str]
    least: float
    last: int | None = None

    @property
    def alarms(self) -> list[tuple[Series, Shift]]:
        """Series that became slower or larger within the runs looked back at."""
        first = 0 if self.last is None else len(self.runs) - self.last
        return [
            (one, shift) for one in self.series for shift in one.shifts if shift.kind == "slower" and shift.run >= first
        ]

    @property
    def lost(self) -> list[Series]:
        """Series that have no point in the newest run."""
        return [one for one in self.series if len(self.runs) - 1 in one.missing]

    @property
    def holds(self) -> bool:
        """Whether nothing became slower, and the newest run has all points."""
        return not self.alarms and not self.lost


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
    found = [_series(ordered, heads, unit, changes, math.log1p(least)) for unit in units]
    series = tuple(one for one in found if one is not None and one.points)
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


def _series(
    runs: Sequence[HistoryRun], heads: Sequence[str | None], unit: Unit, host_changes: Sequence[int], least: float
) -> Series | None:
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
            seams[len(points)] = math.sqrt(abs(held[0] - held[1]))
        points.append(found)
    changes, levels = find_changes([one.log for one in points], [one.error for one in points], least=least, seams=seams)
    return Series(
        *unit,
        bridges.first,
        tuple(points),
        tuple(_shift(one, points, host_changes) for one in changes),
        tuple(_level(one, points) for one in levels),
        missing,
        len(points) < LEAST_POINTS,
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
    return Point(number, ratio_of(moved), moved.mean, found.error, bridge)


def _shift(change: Change, points: Sequence[Point], host_changes: Sequence[int]) -> Shift:
    run = points[change.index].run
    near = points[max(change.index - NEAR_HOST - 1, 0)].run, points[min(change.index + NEAR_HOST, len(points) - 1)].run
    at_host = any(near[0] < one <= near[1] for one in host_changes)
    kind: Kind = "at_host_change" if at_host else "slower" if change.estimate.mean > 0.0 else "faster"
    return Shift(run, points[change.index - 1].run, kind, ratio_of(change.estimate), change.p_value)


def _level(level: Level, points: Sequence[Point]) -> tuple[int, int, Ratio]:
    return points[level.first].run, points[level.end - 1].run, ratio_of(level.estimate)


def kind_text(shift: Shift, metric: str) -> str:
    """Return what a change of level is, in a word or a few."""
    if shift.kind == "at_host_change":
        return "with the machine, and not told apart from it"
    return METRICS[metric].more if shift.kind == "slower" else METRICS[metric].less
