"""Do repeats agree? How narrow the intervals over blocks are, what one block changes, and whether whole runs agree."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from ablatrix.analysis.diagnosis import Setting, Settings, described
from ablatrix.analysis.effects import FactorialGrid, effects_of_levels
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Control, grouped
from ablatrix.analysis.reasons import Reason, Why, because
from ablatrix.analysis.runs.agreement import Agreement, Sides, agreements
from ablatrix.analysis.table import Tidy
from ablatrix.records.metrics import METRIC_OF_MODE
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

HOT_MARGIN = 0.02
COLD_MARGIN = 0.10
HOT_BLOCKS = 5
COLD_BLOCKS = 3

Kind = Literal["effect", "cell"]


@dataclass(frozen=True)
class Margins:
    """How wide an interval may be, relative: 0.01 is +-1 %.

    Attributes:
        hot: Of main effects and of cells; None takes the targets that the hot records carry, and `HOT_MARGIN`
            where they carry none.
        cold: Of main effects; None takes `COLD_MARGIN`. The widths of single cells are reported and not judged: compile
            times scatter, and a cell is one process in each of few blocks.
    """

    hot: float | None = None
    cold: float | None = None


@dataclass(frozen=True)
class RunAgreement:
    """Whether a whole run agrees with the first one; runs are numbered by their contents."""

    run: int
    agreement: Agreement


@dataclass(frozen=True)
class Subject:
    """What a ratio is of: the same in every run.

    Attributes:
        moved: The knob of an effect at its level, or the levels in which a cell differs from the baseline.
        base_level: Of an effect.
    """

    kind: Kind
    moved: Settings
    base_level: str | None = None

    @property
    def name(self) -> str:
        """How tables and messages name it."""
        if self.kind == "effect":
            return f"{self.moved[0].knob}: {self.base_level} -> {self.moved[0].level}"
        return described(self.moved)


@dataclass(frozen=True)
class _Found:
    """The log ratio in each block, and how far the instrument is off; where there is none, the reason."""

    logs: tuple[float, ...]
    offset: float
    reason: Why | None


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """What the repeats say about one main effect, or of one cell's ratio to the baseline.

    Attributes:
        name: ``fusion: off -> on``, or the levels in which a cell differs from the baseline.
        ratio: Over blocks; None when no block has it.
        half_width: Of its interval, on the logarithm: 0.01 is about 1 %. None with fewer than two blocks.
        margin: The largest half-width that is accepted; None when it is only reported.
        least, greatest: The smallest and largest ratio when one block is left out (jackknife).
        runs: Further whole runs against the first.
        reason: Why there is no ratio.
    """

    kind: Kind
    name: str
    ratio: Ratio | None
    half_width: float | None
    margin: float | None
    least: float | None
    greatest: float | None
    runs: tuple[RunAgreement, ...]
    reason: Why | None

    def complaints(self) -> list[Reason]:
        """Return what does not hold, nothing when it is stable."""
        if self.margin is None:
            return []
        named = {"kind": self.kind, "name": self.name}
        if self.ratio is None:
            return [because("not_known", **named, why=self.reason)]
        found = []
        if self.half_width is None:
            found.append(because("not_known", **named, why=Why.of(because("one_block"))))
        elif self.half_width > self.margin:
            found.append(because("too_wide", **named, half_width=self.half_width, margin=self.margin))
        for one in self.runs:
            if one.agreement.state in ("apart", "opposite"):
                ratio = one.agreement.ratio
                facts = {"run": one.run + 1, "ratio": ratio.value, "low": ratio.low, "high": ratio.high}
                found.append(because("runs_differ", **named, **facts, state=one.agreement.state))
        return found


@dataclass(frozen=True, kw_only=True)
class Stability:
    """The repeats of one workload and compiler in one mode, over its primary matrix.

    Attributes:
        blocks: Repeats that have a value.
        blocks_needed: How many there must be: what hot records carry, else `HOT_BLOCKS`; `COLD_BLOCKS` for cold.
        runs: Inputs that the blocks come from.
        control: The A/A control of the unit; None where none was run. Where it failed, intervals are wider by it.
        effects, cells: Of the primary knobs, and of every configuration but the baseline.
    """

    workload: str
    compiler: str
    mode: str
    metric: str
    blocks: int
    blocks_needed: int
    runs: int
    control: Control | None
    effects: tuple[Repeated, ...]
    cells: tuple[Repeated, ...]

    @property
    def holds(self) -> bool:
        """Whether there are enough blocks and they agree."""
        return not self.complaints()

    def complaints(self) -> list[Reason]:
        """Return what does not hold."""
        found = [fault for one in (*self.effects, *self.cells) for fault in one.complaints()]
        if self.blocks < self.blocks_needed:
            found.insert(0, because("few_blocks", blocks=self.blocks, least=self.blocks_needed))
        unit = {"workload": self.workload, "compiler": self.compiler, "mode": self.mode}
        return [because("of_unit", **unit, why=Why.of(one)) for one in found]

    def widest(self, kind: Kind) -> Repeated | None:
        """Return the effect or cell with the widest interval."""
        known = [one for one in (self.effects if kind == "effect" else self.cells) if one.half_width is not None]
        return max(known, key=lambda one: one.half_width or 0.0, default=None)


def find_stability(
    trials: pl.DataFrame, margins: Margins | None = None, findings: Findings | None = None
) -> list[Stability]:
    """Return how well the repeats of each workload, compiler and mode agree.

    Judged is the largest stage in which a primary knob varies; later stages vary around it. A width is compared with
    its margin as the runner does when it decides about further blocks.

    Args:
        trials: The table of trials; several inputs are taken as whole runs.
        margins: How wide intervals may be.
        findings: What is estimated from these trials, where it is known already.
    """
    margins = margins or Margins()
    findings = findings or Findings(Tidy(trials, {}, ()))
    runs = [Findings(findings.of(part)) for _, part in grouped(trials, ["run"])] if _has_several(trials) else [findings]
    primary, asked = findings.primary_knobs, _asked(trials)
    found = []
    for mode, metric in METRIC_OF_MODE.items():
        controls = {(one.workload, one.digest, one.compiler): one for one in findings.controls(metric, mode)}
        whole, *by_run = (_primary(one, metric, mode, primary) for one in (findings, *runs))
        for unit, grid in whole.items():
            wanted, needed = _targets(asked, grid, margins)
            own = primary[grid.compiler]
            separate = [_logs(one[unit], own) for one in by_run if unit in one]
            judged = _judge(grid, own, wanted, separate)
            found.append(
                Stability(
                    workload=grid.workload,
                    compiler=grid.compiler,
                    mode=mode,
                    metric=metric,
                    blocks=len(grid.blocks),
                    blocks_needed=needed,
                    runs=len(separate),
                    control=controls.get(unit),
                    effects=tuple(one for one in judged if one.kind == "effect"),
                    cells=tuple(one for one in judged if one.kind == "cell"),
                )
            )
    return found


def _has_several(trials: pl.DataFrame) -> bool:
    return trials["run"].n_unique() > 1


def _primary(
    findings: Findings, metric: str, mode: str, primary: Mapping[str, tuple[str, ...]]
) -> dict[tuple[Any, ...], FactorialGrid]:
    """Return for each unit the first grid in which a primary knob varies: the largest come first."""
    found: dict[tuple[Any, ...], FactorialGrid] = {}
    for grid in findings.factorial_grids(metric, mode):
        if set(grid.comparison.knobs) & set(primary[grid.compiler]):
            found.setdefault((grid.workload, grid.digest, grid.compiler), grid)
    return found


def _asked(trials: pl.DataFrame) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return the margins of effects and of cells and the blocks that the last hot record of each unit asks for."""
    names = ["stopping_effect_target", "stopping_cell_target", "stopping_least_blocks"]
    known = pl.all_horizontal(pl.col(names).is_not_null())
    last = trials.lazy().filter(known).group_by("workload", "compiler").agg(pl.col(names).last()).collect()
    return {(workload, compiler): (effect, cell, least) for workload, compiler, effect, cell, least in last.iter_rows()}


def _targets(
    asked: Mapping[tuple[str, str], tuple[float, float, int]], grid: FactorialGrid, margins: Margins
) -> tuple[dict[Kind, float | None], int]:
    """Return the margin of effects and of cells, and the blocks needed."""
    if grid.mode == "cold":
        return {"effect": COLD_MARGIN if margins.cold is None else margins.cold, "cell": None}, COLD_BLOCKS
    effect, cell, least = asked.get((grid.workload, grid.compiler), (HOT_MARGIN, HOT_MARGIN, HOT_BLOCKS))
    return {
        "effect": effect if margins.hot is None else margins.hot,
        "cell": cell if margins.hot is None else margins.hot,
    }, least


def _logs(grid: FactorialGrid, primary: Sequence[str]) -> dict[Subject, _Found]:
    """Return the log ratio in each block of every main effect of a primary knob and every cell; or why there is none.

    A cell that lacks blocks for no other reason than that the compiler does not support it is not counted.
    """
    found: dict[Subject, _Found] = {}
    for effect in effects_of_levels(grid):
        if effect.knob in primary:
            subject = Subject("effect", (Setting(str(effect.knob), effect.level),), effect.base_level)
            found[subject] = _Found(effect.logs, grid.offset, effect.reason)
    base = grid.comparison.baseline
    for one in grid.comparison.configurations:
        held = grid.columns[one] - grid.columns[base]
        logs = tuple(held[~np.isnan(held)].tolist())
        absence = grid.absent.get(one)
        if one != base and (logs or absence is None or not absence.only_unsupported):
            named = zip(grid.comparison.knobs, one, base, strict=True)
            subject = Subject("cell", tuple(Setting(knob, str(level)) for knob, level, at in named if level != at))
            why = None if logs else Why.of(absence or because("baseline_apart"))
            found[subject] = _Found(logs, grid.offset, why)
    return found


def _judge(
    grid: FactorialGrid,
    primary: Sequence[str],
    wanted: dict[Kind, float | None],
    separate: Sequence[Mapping[Subject, _Found]],
) -> list[Repeated]:
    everything = _logs(grid, primary)
    between = _between_runs(separate, wanted["cell"] or wanted["effect"] or HOT_MARGIN)
    return [
        _repeated(subject, found, wanted[subject.kind], tuple(between.get(subject, ())))
        for subject, found in everything.items()
    ]


def _between_runs(separate: Sequence[Mapping[Subject, _Found]], margin: float) -> dict[Subject, list[RunAgreement]]:
    """Compare each further run with the first; all comparisons of a unit are one family."""
    if len(separate) < 2:
        return {}
    first = separate[0]
    named = [
        (subject, number, _both(first[subject], held))
        for number, run in enumerate(separate[1:], 1)
        for subject, held in run.items()
        if held.logs and subject in first and first[subject].logs
    ]
    found: dict[Subject, list[RunAgreement]] = {}
    judged = agreements([sides for _, _, sides in named], margin)
    for (subject, number, _), agreement in zip(named, judged, strict=True):
        found.setdefault(subject, []).append(RunAgreement(number, agreement))
    return found


def _both(one: _Found, other: _Found) -> Sides:
    return Sides(one.logs, other.logs, allowance=Allowance(one.offset + other.offset))


def _repeated(
    subject: Subject,
    held: _Found,
    margin: float | None,
    runs: tuple[RunAgreement, ...],
) -> Repeated:
    logs = held.logs
    ratio = paired_ratio(logs, allowance=Allowance(held.offset)) if logs else None
    without = _without_one(logs) if len(logs) > 1 else (None, None)
    return Repeated(
        kind=subject.kind,
        name=subject.name,
        ratio=ratio,
        half_width=ratio.half_width if ratio else None,
        margin=margin,
        least=without[0],
        greatest=without[1],
        runs=runs,
        reason=held.reason,
    )


def _without_one(logs: Sequence[float]) -> tuple[float, float]:
    """Return the smallest and the largest ratio that leaving out one block gives."""
    whole, rest = math.fsum(logs), len(logs) - 1
    return math.exp((whole - max(logs)) / rest), math.exp((whole - min(logs)) / rest)
