"""What a history consists of: runs, series of ratios to a bridge, and their changes of level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.history.measured import HistoryRun
from ablatrix.statistics.ratio import Estimate, Ratio

MEAN = "geometric mean"
"""What stands for the workload of a series over several; no workload has such a name."""
Kind = Literal["slower", "faster", "at_host_change"]


@dataclass(frozen=True)
class Point:
    """A run of a series.

    Attributes:
        run: Its number in the history.
        ratio: Of the new build to the first bridge; the interval is that of the run, without the errors of links.
        estimate: Its logarithm, with the standard error of the run.
        bridge: The bridge that it was measured beside.
    """

    run: int
    ratio: Ratio
    estimate: Estimate
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
    """The history of one workload on one compiler, or of the geometric mean of several.

    Attributes:
        workload: Its name; of a mean `MEAN`.
        bridge: The bridge that all ratios are to.
        points: In the order of runs.
        shifts: Changes of level, in order.
        levels: Levels: first and last run, and the ratio to the bridge.
        missing: Runs without a point, and why.
        too_short: Whether there are too few points to look for changes.
        workloads: Those that a mean is of; empty of one workload's.
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
    workloads: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is of."""
        of = f" of {len(self.workloads)} workloads" if self.workloads else ""
        return f"{self.workload}{of} on {self.compiler}"


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
        """Series of one workload that have no point in the newest run."""
        return [one for one in self.series if not one.workloads and len(self.runs) - 1 in one.missing]

    @property
    def holds(self) -> bool:
        """Whether nothing became slower, and the newest run has all points."""
        return not self.alarms and not self.lost


def kind_text(shift: Shift, metric: str) -> str:
    """Return what a change of level is, in a word or a few."""
    if shift.kind == "at_host_change":
        return "with the machine, and not told apart from it"
    return METRICS[metric].more if shift.kind == "slower" else METRICS[metric].less
