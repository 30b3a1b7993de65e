"""Do repeats agree? How narrow the intervals over blocks are, what one block changes, and whether whole runs agree."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ablatrix.analysis.agreement import Agreement, Sides, agreements
from ablatrix.analysis.effects import effects_of_levels
from ablatrix.analysis.estimate import grouped, primary_knobs
from ablatrix.analysis.lattice import Lattice, lattices
from ablatrix.analysis.noise_floor import noise_floors
from ablatrix.records.metrics import METRIC_OF_MODE
from ablatrix.statistics.ratio import Ratio, paired_ratio

HOT_MARGIN = 0.02
COLD_MARGIN = 0.10
HOT_BLOCKS = 5
COLD_BLOCKS = 3

Kind = Literal["effect", "cell"]
Key = tuple[Kind, str]


@dataclass(frozen=True)
class Margins:
    """How wide an interval may be, relative: 0.01 is +-1 %.

    Attributes:
        hot: Of main effects and of cells; None takes the targets that the hot records carry, and `HOT_MARGIN`
            where they carry none.
        cold: Of main effects; None takes `COLD_MARGIN`. The widths of single cells are told and not judged: compile
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
class Repeated:
    """What the repeats say of one main effect, or of one cell's ratio to the baseline.

    Attributes:
        name: ``fusion: off -> on``, or the levels in which a cell differs from the baseline.
        ratio: Over blocks; None when no block tells it.
        half_width: Of its interval, on the logarithm: 0.01 is about 1 %. None with fewer than two blocks.
        margin: What the half-width is held against; None when it is only told.
        least, greatest: The ratio with one block left out, over all blocks that can be left out.
        above_floor: Whether it is farther from 1 than the A/A noise floor; None without a twin.
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
    above_floor: bool | None
    runs: tuple[RunAgreement, ...]
    reason: str | None

    def complaints(self) -> list[str]:
        """Return in words what does not hold, nothing when it is stable."""
        if self.margin is None:
            return []
        if self.ratio is None:
            return [f"{self.kind} {self.name}: {self.reason}"]
        found = []
        if self.half_width is None:
            found.append(f"{self.kind} {self.name}: one block has no interval")
        elif self.half_width > self.margin:
            found.append(f"{self.kind} {self.name}: known to +-{self.half_width:.2%}, wanted +-{self.margin:.2%}")
        for one in self.runs:
            if one.agreement.state in ("apart", "opposite"):
                ratio = one.agreement.ratio
                found.append(
                    f"{self.kind} {self.name}: run {one.run + 1} is {ratio.value:.4f} times run 1 "
                    f"[{ratio.low:.4f}, {ratio.high:.4f}]: {one.agreement.state}"
                )
        return found


@dataclass(frozen=True)
class Stability:
    """The repeats of one workload and compiler in one mode, over its primary matrix.

    Attributes:
        blocks: Repeats that have a value.
        blocks_needed: How many there must be: what hot records carry, else `HOT_BLOCKS`; `COLD_BLOCKS` for cold.
        runs: Inputs that the blocks come from.
        floor: The A/A noise floor, on the logarithm; None where no twin was run.
        floor_within: Whether the floor lets effects as large as the margin of cells be seen.
        effects, cells: Of the primary knobs, and of every configuration but the baseline.
    """

    workload: str
    compiler: str
    mode: str
    metric: str
    blocks: int
    blocks_needed: int
    runs: int
    floor: float | None
    floor_within: bool | None
    effects: tuple[Repeated, ...]
    cells: tuple[Repeated, ...]

    @property
    def holds(self) -> bool:
        """Whether there are enough blocks and they agree."""
        return not self.complaints()

    def complaints(self) -> list[str]:
        """Return in words what does not hold."""
        short = [f"{self.blocks} of at least {self.blocks_needed} blocks"] if self.blocks < self.blocks_needed else []
        told = [*short, *(text for one in (*self.effects, *self.cells) for text in one.complaints())]
        return [f"{self.workload} on {self.compiler}, {self.mode}: {text}" for text in told]

    def widest(self, kind: Kind) -> Repeated | None:
        """Return the effect or cell with the widest interval."""
        known = [one for one in (self.effects if kind == "effect" else self.cells) if one.half_width is not None]
        return max(known, key=lambda one: one.half_width or 0.0, default=None)


def find_stability(trials: pl.DataFrame, margins: Margins | None = None) -> list[Stability]:
    """Return how well the repeats of each workload, compiler and mode agree.

    Judged is the largest stage in which a primary knob varies; later stages vary around it. A width is compared with
    its margin as the runner does when it decides about further blocks.

    Args:
        trials: The table of trials; several inputs are taken as whole runs.
        margins: How wide intervals may be.
    """
    margins = margins or Margins()
    primary = primary_knobs(trials)
    found = []
    for mode, metric in METRIC_OF_MODE.items():
        floors = {(one.workload, one.compiler): one.reach for one in noise_floors(trials, metric, mode)}
        by_run = [_primary(part, metric, mode, primary) for _, part in grouped(trials, ["run"])]
        for unit, lattice in _primary(trials, metric, mode, primary).items():
            wanted, needed = _targets(trials, lattice, margins)
            own = primary[lattice.compiler]
            separate = [_logs(one[unit], own) for one in by_run if unit in one]
            floor = floors.get((lattice.workload, lattice.compiler))
            judged = _judge(lattice, own, wanted, floor, separate)
            limit = wanted["cell"] or wanted["effect"]
            found.append(
                Stability(
                    lattice.workload,
                    lattice.compiler,
                    mode,
                    metric,
                    len(lattice.blocks),
                    needed,
                    len(separate),
                    floor,
                    None if floor is None or limit is None else floor <= limit,
                    tuple(one for one in judged if one.kind == "effect"),
                    tuple(one for one in judged if one.kind == "cell"),
                )
            )
    return found


def _primary(
    trials: pl.DataFrame, metric: str, mode: str, primary: Mapping[str, tuple[str, ...]]
) -> dict[tuple[Any, ...], Lattice]:
    """Return for each unit the first lattice in which a primary knob varies: the largest come first."""
    found: dict[tuple[Any, ...], Lattice] = {}
    for lattice in lattices(trials, metric, mode):
        if set(lattice.comparison.knobs) & set(primary[lattice.compiler]):
            found.setdefault((lattice.workload, lattice.digest, lattice.compiler), lattice)
    return found


def _targets(trials: pl.DataFrame, lattice: Lattice, margins: Margins) -> tuple[dict[Kind, float | None], int]:
    """Return the margin of effects and of cells, and the blocks needed."""
    if lattice.mode == "cold":
        return {"effect": COLD_MARGIN if margins.cold is None else margins.cold, "cell": None}, COLD_BLOCKS
    names = ["stopping_effect_target", "stopping_cell_target", "stopping_least_blocks"]
    asked = trials.filter(
        (pl.col("workload") == lattice.workload)
        & (pl.col("compiler") == lattice.compiler)
        & pl.all_horizontal(pl.col(names).is_not_null())
    ).select(names)
    effect, cell, least = asked.row(-1) if len(asked) else (HOT_MARGIN, HOT_MARGIN, HOT_BLOCKS)
    return {
        "effect": effect if margins.hot is None else margins.hot,
        "cell": cell if margins.hot is None else margins.hot,
    }, least


def _logs(lattice: Lattice, primary: Sequence[str]) -> dict[Key, tuple[tuple[float, ...], str | None]]:
    """Return the log ratio in each block of every main effect of a primary knob and every cell; or why there is none.

    A cell that the compiler does not support in any block is no cell.
    """
    found: dict[Key, tuple[tuple[float, ...], str | None]] = {}
    for effect in effects_of_levels(lattice):
        if effect.knob in primary:
            found["effect", f"{effect.knob}: {effect.base_level} -> {effect.level}"] = (effect.logs, effect.reason)
    base = lattice.comparison.baseline
    for one in lattice.comparison.configurations:
        held = [block for block in lattice.blocks if one in block and base in block]
        reason = lattice.absent.get(one, "the baseline is in no block with it")
        if one != base and (held or not reason.startswith("unsupported")):
            logs = tuple(block[one] - block[base] for block in held)
            found["cell", lattice.comparison.name(one)] = (logs, None if logs else reason)
    return found


def _judge(
    lattice: Lattice,
    primary: Sequence[str],
    wanted: dict[Kind, float | None],
    floor: float | None,
    separate: Sequence[dict[Key, tuple[tuple[float, ...], str | None]]],
) -> list[Repeated]:
    everything = _logs(lattice, primary)
    between = _between_runs(separate, wanted["cell"] or wanted["effect"] or HOT_MARGIN)
    return [
        _repeated(key, logs, reason, wanted[key[0]], floor, tuple(between.get(key, ())))
        for key, (logs, reason) in everything.items()
    ]


def _between_runs(
    separate: Sequence[dict[Key, tuple[tuple[float, ...], str | None]]], margin: float
) -> dict[Key, list[RunAgreement]]:
    """Compare each further run with the first; all comparisons of a unit are one family."""
    if len(separate) < 2:
        return {}
    first = separate[0]
    named = [
        (key, number, Sides(first[key][0], logs))
        for number, run in enumerate(separate[1:], 1)
        for key, (logs, _) in run.items()
        if logs and key in first and first[key][0]
    ]
    found: dict[Key, list[RunAgreement]] = {}
    judged = agreements([sides for _, _, sides in named], margin)
    for (key, number, _), agreement in zip(named, judged, strict=True):
        found.setdefault(key, []).append(RunAgreement(number, agreement))
    return found


def _repeated(
    key: Key,
    logs: Sequence[float],
    reason: str | None,
    margin: float | None,
    floor: float | None,
    runs: tuple[RunAgreement, ...],
) -> Repeated:
    kind, name = key
    if not logs:
        return Repeated(kind, name, None, None, margin, None, None, None, runs, reason)
    ratio = paired_ratio(logs)
    without = [math.exp((math.fsum(logs) - log) / (len(logs) - 1)) for log in logs] if len(logs) > 1 else []
    above = None if floor is None else abs(math.log(ratio.value)) > floor
    least, greatest = min(without, default=None), max(without, default=None)
    return Repeated(kind, name, ratio, ratio.half_width, margin, least, greatest, above, runs, None)
