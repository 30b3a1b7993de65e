"""How long a study will take, before it is run: rough costs by tier and size, or what was measured so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from ablatrix.records.model import Record
from ablatrix.study.design import Cell, Design, Trial
from ablatrix.study.model import CONFIRMING_BLOCKS
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_cost import foresee
from ablatrix.study.trial_cost import PREPARE_S, expected_s

PAUSE_S = 60.0
"""A gap between two blocks that is longer by this than their own time is a pause of the run, and no cost."""

Unit = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long trials will take, in seconds.

    Attributes:
        prepare, cold, hot: Preparation of workloads, cold trials, and the hot trials of the design.
        expected, limit: Hot trials of the blocks that are added: as many as a narrow interval takes to be confirmed,
            and as many as the study allows.
        following: Stages that follow from results, where each of their knobs does something.
    """

    prepare: float
    cold: float
    hot: float
    expected: float
    limit: float
    following: float = 0.0

    @property
    def total(self) -> float:
        """What is to be expected."""
        return self.prepare + self.cold + self.hot + self.expected + self.following

    @property
    def longest(self) -> float:
        """What it is if every pair needs all blocks that it may have."""
        return self.prepare + self.cold + self.hot + self.limit + self.following


@dataclass(frozen=True)
class MeasuredCosts:
    """What trials took, in seconds of the run: with their part of what lies between trials.

    Attributes:
        units: Mean over the trials of a workload on a compiler in a mode, the reference beside it included.
        cells: Median over the trials of a cell in a mode.
    """

    units: Mapping[Unit, float] = field(default_factory=dict)
    cells: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def of_unit(self, workload: str, compiler: str, mode: str) -> float | None:
        """Return what such a trial took; None where none has run."""
        return self.units.get((workload, compiler, mode))


class StudyCosts:
    """What the trials of one study are expected to take."""

    def __init__(self, resolved: ResolvedStudy, records: Iterable[Record] = ()) -> None:
        """Take costs from records of this study, as far as there are any."""
        self._resolved = resolved
        self._measured = learn_costs(records)

    @property
    def is_measured(self) -> bool:
        """Whether any cost was measured."""
        return bool(self._measured.units)

    def preparation(self, workload: str) -> float:
        """Return what preparing a workload takes, in seconds."""
        return PREPARE_S[self._resolved.catalogue.workload(workload).tier]

    def trial(self, trial: Trial, cell: Cell) -> float:
        """Return what a trial takes, in seconds."""
        known = self._measured.cells.get((cell.cell_id, trial.mode))
        if known is None:
            known = self._measured.of_unit(cell.workload, cell.compiler, trial.mode)
        return self._expected(trial.mode, cell) if known is None else known

    def _expected(self, mode: str, cell: Cell) -> float:
        study, catalogue = self._resolved
        return expected_s(study, catalogue.workload(cell.workload), cell.parameters, mode, reference=not cell.knobs)


def estimate(
    resolved: ResolvedStudy, design: Design, trials: Sequence[Trial], records: Iterable[Record], *, further: bool = True
) -> Estimate:
    """Return how long trials will take: from records where a cell or its like has run before, else by tier and size.

    Args:
        resolved: The study with its catalogue.
        design: Its design.
        trials: Those of the design that are to run.
        records: Of the study so far.
        further: Whether hot blocks may be added.
    """
    costs = StudyCosts(resolved, records)
    cells = {cell.cell_id: cell for cell in design.cells}
    spent = {"cold": 0.0, "hot": 0.0}
    for trial in trials:
        spent[trial.mode] += costs.trial(trial, cells[trial.cell_id])
    hot = resolved.study.protocol.hot
    repeat = spent["hot"] / hot.blocks
    allowed = hot.max_blocks - hot.blocks if further else 0
    return Estimate(
        prepare=sum(costs.preparation(name) for name in {cells[trial.cell_id].workload for trial in trials}),
        cold=spent["cold"],
        hot=spent["hot"],
        expected=repeat * min(allowed, CONFIRMING_BLOCKS),
        limit=repeat * allowed,
        following=sum(one.seconds for one in foresee(resolved)) if further else 0.0,
    )


def learn_costs(records: Iterable[Record]) -> MeasuredCosts:
    """Return what the trials of records took; each has its part of the time until the next block began."""
    blocks: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        if record.role != "probe":  # several ran at once
            blocks.setdefault((record.block_id, record.attempt), []).append(record)
    ordered = sorted(blocks.values(), key=lambda held: min(one.meta.time_utc for one in held))
    spans: dict[Unit, list[float]] = {}
    walls: dict[tuple[str, str], list[float]] = {}
    for number, block in enumerate(ordered):
        own = sum(one.wall_s for one in block)
        begun = min(_time(one) for one in block)
        span = min(map(_time, ordered[number + 1])) - begun if number + 1 < len(ordered) else own
        if not own <= span <= own + PAUSE_S:
            span = own
        compiler = next((one.config.compiler for one in block if one.config.knobs), block[0].config.compiler)
        unit = (block[0].workload.name, compiler, block[0].mode)
        spans.setdefault(unit, []).extend([span / len(block)] * len(block))
        for one in block:
            walls.setdefault((one.cell_id, one.mode), []).append(one.wall_s * (span / own if own else 1.0))
    return MeasuredCosts(
        {unit: sum(held) / len(held) for unit, held in spans.items()},
        {cell: median(held) for cell, held in walls.items()},
    )


def _time(record: Record) -> float:
    return datetime.fromisoformat(record.meta.time_utc).timestamp()
