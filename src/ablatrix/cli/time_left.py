"""The time that a run will still take: expected costs, corrected by what was measured, preparation apart."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from ablatrix.records.brief import Brief
from ablatrix.study.design import Cell, Trial

Group = tuple[str, str]
FIRM = 8
"""Trials whose measured time outweighs the expected one: below that many the two are mixed."""


class Costs(Protocol):
    """What preparing a workload and running a trial is expected to take, in seconds."""

    def preparation(self, workload: str) -> float:
        """Return what preparing a workload takes."""

    def trial(self, trial: Trial, cell: Cell) -> float:
        """Return what a trial takes, with what it needs of its block."""


@dataclass
class _Unit:
    """What is recorded at once: a cold trial, or the trials of a hot block. Or all such of a group that are left."""

    group: Group
    cost: float = 0.0
    trials: int = 0


class TimeLeft:
    """The time left of one run.

    Each trial begins with an expected cost. Time that passes between two records is that of the trials recorded; how
    much it is of what was expected corrects the trials of the same workload and mode that are left, and those of other
    workloads in the same mode as long as none of theirs is measured. Preparations have costs of their own, so that the
    first trial does not bear them.
    """

    def __init__(self, costs: Costs | None = None, clock: Callable[[], float] = monotonic) -> None:
        """Begin with expected costs; without them nothing is known before the first record."""
        self._costs, self._clock = costs, clock
        self._waiting: dict[str, _Unit] = {}
        self._left: dict[Group, _Unit] = {}  # the same by group: a study of many hosts has ten thousands of units
        self._preparing: dict[str, float] = {}
        self._begun: str | None = None
        self._spent: dict[Group, float] = {}
        self._expected: dict[Group, float] = {}
        self._done: Counter[Group] = Counter()
        self._last = clock()

    def add(self, trials: Sequence[tuple[Trial, Cell]], *, prepared: bool = False) -> None:
        """Add trials to run, and the preparation of their workloads unless they are prepared already."""
        if not self._waiting:
            self._last = self._clock()
        for trial, cell in trials:
            cost = 1.0 if self._costs is None else self._costs.trial(trial, cell)
            key = trial.block_id if trial.mode == "hot" else trial.trial_id
            unit = self._waiting.setdefault(key, _Unit((cell.workload, trial.mode)))
            for one in (unit, self._left.setdefault(unit.group, _Unit(unit.group))):
                one.cost += cost
                one.trials += 1
            if self._costs is not None and not prepared:
                self._preparing.setdefault(cell.workload, self._costs.preparation(cell.workload))

    def prepare(self, workload: str) -> None:
        """Note that the preparation of a workload begins, so that the one before it is done."""
        self._end_preparation()
        self._begun = workload

    def start(self) -> None:
        """Note that trials run, so that every preparation is done."""
        if self._preparing or self._begun is not None:
            self._end_preparation()
            self._preparing.clear()
            self._last = self._clock()

    def count(self, record: Brief) -> None:
        """Count a record: the time since the one before it is the cost of its trial (hot: of its block)."""
        now = self._clock()
        key = record.block_id if record.mode == "hot" else record.trial_id
        unit = self._waiting.pop(key, _Unit((record.workload, record.mode)))
        group = unit.group
        if (left := self._left.get(group)) is not None:
            left.cost -= unit.cost
            left.trials -= unit.trials
            if not left.trials:
                del self._left[group]
        self._spent[group] = self._spent.get(group, 0.0) + now - self._last
        self._expected[group] = self._expected.get(group, 0.0) + unit.cost
        self._done[group] += unit.trials
        self._last = now

    def seconds(self) -> float | None:
        """Return the time left in seconds; None where nothing is known yet."""
        if self._costs is None and not self._done:
            return None
        modes = {mode: self._mode_ratio(mode) for mode in {mode for _, mode in self._left}}
        total = sum(left.cost * self._correction(group, modes[group[1]]) for group, left in self._left.items())
        total += sum(self._preparing.values())
        return total - min(self._clock() - self._last, 0.9 * total)

    def text(self) -> str:
        """Return the time left as people say it; ``?`` where it is not known."""
        seconds = self.seconds()
        return "?" if seconds is None else duration_text(seconds)

    def _end_preparation(self) -> None:
        if self._begun is not None:
            self._preparing.pop(self._begun, None)
            self._begun = None
            self._last = self._clock()

    def _correction(self, group: Group, of_mode: float) -> float:
        """Return how much of the expected time such trials take; ``of_mode``: those of all workloads in the mode."""
        return self._ratio([group], of_mode) if self._done[group] else of_mode

    def _mode_ratio(self, mode: str) -> float:
        same = [group for group in self._done if group[1] == mode]
        return self._ratio(same, self._ratio(list(self._done), 1.0))

    def _ratio(self, groups: Sequence[Group], otherwise: float) -> float:
        """Return spent over expected time of some groups, drawn towards another ratio while few trials are done."""
        count = sum(self._done[group] for group in groups)
        expected = sum(self._expected[group] for group in groups)
        if not count or not expected:
            return otherwise
        measured = sum(self._spent[group] for group in groups) / expected
        if self._costs is None:
            return measured
        weight = min(1.0, count / FIRM)
        return weight * measured + (1 - weight) * otherwise


def duration_text(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 7 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:.0f} min"
    return f"{int(minutes // 60)} h {int(minutes % 60):02d} min"
