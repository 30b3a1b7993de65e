"""The A/A control: a second trial of the baseline in each block, which tests the instrument, not the compiler.

Where the control differs from the baseline, some share of every difference measured there is the instrument's. So the
intervals of that unit are widened by as far as the control may be off; where it holds, nothing is added to them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups.hosts import host_columns, host_numbers, repeating
from ablatrix.analysis.groups.numbering import means_by, numbered
from ablatrix.analysis.groups.ordering import key_order
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.records.metrics import METRICS
from ablatrix.statistics.multiplicity import holm
from ablatrix.statistics.ratio import Allowance, Ratio, mean_ratio, paired_ratio

UNIT = ("workload", "workload_digest", "compiler")
CONTROL_LEVEL = 0.01
"""Level of the tests of the instrument. A false alarm takes the power of every verdict of a run, so it has to be rarer
than the false verdict of a single effect."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """The A/A control of one workload and compiler, for one metric and mode.

    Attributes:
        digest: Of the workload: the same name can have several sizes.
        ratio: Control over baseline, paired over blocks.
        p_holm: Of the ratio being 1, adjusted over all units and their mean (Holm 1979). None with one block; and
            without any spread where the ratio is not 1.
        together: The geometric mean of the controls that do not fail by themselves (Bonferroni); None where there are
            fewer than two.
        p_together: Of that mean being 1, adjusted likewise. An offset that all units share may be too small to be seen
            in any of them.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    ratio: Ratio
    p_holm: float | None
    together: Ratio | None = None
    p_together: float | None = None

    @property
    def is_tested(self) -> bool:
        """Whether there are blocks enough for a test."""
        return self.ratio.count > 1

    @property
    def failed(self) -> bool:
        """Whether the instrument failed here, or in all units together."""
        return self.is_tested and (self.failed_alone or self.failed_together)

    @property
    def failed_alone(self) -> bool:
        """Whether this unit shows it by itself: what has no spread and is not 1 is off in every block."""
        return self.is_tested and (self.p_holm is None or self.p_holm <= CONTROL_LEVEL)

    @property
    def failed_together(self) -> bool:
        """Whether the mean over the units shows it."""
        return self.p_together is not None and self.p_together <= CONTROL_LEVEL

    @property
    def reach(self) -> float:
        """How far the instrument may be off, on the logarithm: the farther end of the interval; 0 without one."""
        if self.ratio.low is None or self.ratio.high is None:
            return 0.0
        return max(-math.log(self.ratio.low), math.log(self.ratio.high))

    @property
    def offset(self) -> float:
        """What intervals of the unit allow for: the reach of a control that failed."""
        return self.reach if self.failed else 0.0


class Instrument:
    """The A/A controls of results, tested together, each metric and mode once.

    Made from whole results: of a part of them the family of tests would be smaller, and the same interval another one.
    """

    def __init__(self, trials: pl.DataFrame, origin: Sequence[str] = ()) -> None:
        """Take the table of trials, and the columns that distinguish mixed records."""
        self._trials = trials
        self._origin = tuple(origin)
        self._kept: dict[tuple[str, str], tuple[Control, ...]] = {}
        self._failed: dict[tuple[str, str], list[Control]] = {}

    def controls(self, metric: str, mode: str) -> tuple[Control, ...]:
        """Return the control of each unit that has one in a block with an ok baseline; see `find_controls`."""
        if (metric, mode) not in self._kept:
            self._kept[metric, mode] = tuple(find_controls(self._trials, metric, mode, self._origin))
        return self._kept[metric, mode]

    def offset(self, metric: str, mode: str, unit: tuple[Any, ...]) -> float:
        """Return how far the instrument is off in a unit, on the logarithm; 0 where its control holds, or is missing.

        Args:
            metric: Name of what is compared.
            mode: ``cold`` or ``hot``.
            unit: Values of the columns that distinguish mixed records, if any; workload, its digest, compiler. Where
                the workload goes by another name, as in tables that name its sizes, its digest decides.
        """
        if (metric, mode) not in self._failed:
            self._failed[metric, mode] = [one for one in self.controls(metric, mode) if one.failed]
        failed = self._failed[metric, mode]
        own = [one for one in failed if _identity(one) == unit]
        own = own or [one for one in failed if (one.digest, one.compiler) == unit[-2:]]
        return max((one.offset for one in own), default=0.0)


def find_controls(trials: pl.DataFrame, metric: str, mode: str, origin: Sequence[str] = ()) -> list[Control]:
    """Return the A/A control of each workload and compiler, tested over all of them.

    Of a compiler that was run as several builds, each of which has a control, it is the mean over them in each block
    that has all: what the instrument does to effects that are means over builds.

    Args:
        trials: The table of trials, twins of the baseline included.
        metric: Column of a positive number.
        mode: ``cold`` or ``hot``.
        origin: Columns that distinguish mixed records.
    """
    chosen = (
        IS_OK
        & (pl.col("mode") == mode)
        & (pl.col(metric) > 0)
        & pl.col("role").is_in(["measured", "twin"])
        & pl.col("cell_id").is_in(controlled_cells(trials).implode())
    )
    keys = [*origin, *UNIT, "cell_id"]
    hosts = host_columns(trials, keys[:-1])
    # Lazy: else all are copied.
    ok = trials.lazy().filter(chosen).select(*keys, *BLOCK, "role", metric, *hosts).collect()
    values = np.fromiter(map(math.log, ok[metric].to_list()), np.float64, ok.height)  # libm's, on every processor alike
    cells, block = numbered(ok, keys), numbered(ok, BLOCK)
    repeats = repeating(numbered(ok, keys[:-1]).numbers, block, host_numbers(ok.select(hosts)))
    of_block = np.zeros(block.count, np.int64)
    of_block[block.numbers] = repeats.numbers
    is_twin = (ok["role"] == "twin").to_numpy()
    # A mean a cell, side and block, in this order.
    sides, means = means_by((cells.numbers * 2 + is_twin) * block.count + block.numbers, values)
    ends = np.searchsorted(sides, np.arange(2 * cells.count + 1) * block.count).tolist()
    named = ok.select(keys)[cells.first].rows()
    held: dict[tuple[Any, ...], list[_OfCell]] = {}
    for number in sorted(range(cells.count), key=lambda one: key_order(named[one])):
        start, middle, end = ends[2 * number : 2 * number + 3]
        base, twin = slice(start, middle), slice(middle, end)
        shared, at_base, at_twin = np.intersect1d(
            sides[base] % block.count, sides[twin] % block.count, assume_unique=True, return_indices=True
        )
        if at_base.size:
            of_base, of_twin = means[base][at_base], means[twin][at_twin]
            one = _OfCell(shared, of_twin - of_base, np.minimum(of_base, of_twin))
            held.setdefault(named[number][:-1], []).append(one)
    logs = {unit: _over_cells(of_unit, of_block) for unit, of_unit in held.items()}
    steps = {unit: step_of(metric, *(log for one in own for log in one.least.tolist())) for unit, own in held.items()}
    return judge_controls({unit: own for unit, own in logs.items() if own}, steps)


def controlled_cells(trials: pl.DataFrame) -> pl.Series:
    """Return the ids of the configurations that have a control: the baseline, and that of each further build."""
    return trials.lazy().filter(pl.col("role") == "twin").select("cell_id").unique().collect()["cell_id"]


def has_control_of_each_build(trials: pl.DataFrame) -> bool:
    """Return whether a compiler was run as several builds, the baseline of each of which has a control."""
    twins = trials.lazy().filter(pl.col("role") == "twin")
    return bool(
        twins.group_by(UNIT).agg(pl.col("cell_id").n_unique()).select((pl.col("cell_id") > 1).any()).collect().item()
    )


@dataclass(frozen=True)
class _OfCell:
    """The controls of one configuration: its blocks, log ratios, and the logarithm of the smaller of both values."""

    blocks: NDArray[np.int64]
    logs: NDArray[np.float64]
    least: NDArray[np.float64]


def _over_cells(held: Sequence[_OfCell], repeat_of: NDArray[np.int64]) -> list[float]:
    """Return the mean over the configurations of a unit in each block that has them all; over several hosts, on each.

    Args:
        held: The configurations.
        repeat_of: For each number of a block, that of what repeats the study: the block itself, or its host.
    """
    shared = held[0].blocks
    for one in held[1:]:
        shared = np.intersect1d(shared, one.blocks, assume_unique=True)
    own = [one.logs[np.isin(one.blocks, shared)] for one in held]
    _, over_repeats = means_by(repeat_of[shared], np.mean(own, axis=0))
    return [float(value) for value in over_repeats]


def judge_controls(
    logs: Mapping[tuple[Any, ...], Sequence[float]], steps: Mapping[tuple[Any, ...], float]
) -> list[Control]:
    """Return the controls, tested as one family: each unit, and the mean over all that do not fail by themselves.

    Args:
        logs: By unit (values of columns that distinguish mixed records, workload, digest, compiler): the log ratio of
            control to baseline in each block, or on each host.
        steps: By unit, the smallest difference that the metric can show, on the logarithm; 0 where it is not here.
    """
    allowed = {unit: Allowance(step=steps.get(unit, 0.0)) for unit in logs}
    ratios = {unit: paired_ratio(own, allowance=allowed[unit]) for unit, own in logs.items()}
    tested = [unit for unit, own in logs.items() if len(own) > 1]
    # A unit that fails by itself says nothing of the others.
    alone = CONTROL_LEVEL / (len(tested) + 1)
    pooled = [unit for unit in tested if (p_value := ratios[unit].p_value) is not None and p_value > alone]
    together = None
    if len(pooled) > 1:
        together = mean_ratio([logs[unit] for unit in pooled], allowances=[allowed[unit] for unit in pooled])
    p_values = [ratio.p_value for ratio in (*ratios.values(), *filter(None, [together]))]
    adjusted = iter(holm([value for value in p_values if value is not None]))
    p_holm = [None if value is None else next(adjusted) for value in p_values]
    return [
        Control(
            origin=unit[:-3],
            workload=unit[-3],
            digest=unit[-2],
            compiler=unit[-1],
            ratio=ratio,
            p_holm=own,
            together=together,
            p_together=p_holm[-1] if together is not None else None,
        )
        for (unit, ratio), own in zip(ratios.items(), p_holm, strict=False)
    ]


def step_of(metric: str, *logs: float) -> float:
    """Return the smallest difference that a metric can show beside values, on the logarithm; 0 for most metrics.

    Args:
        metric: Name of what is compared.
        logs: Logarithms of values; their mean is taken.
    """
    known = METRICS.get(metric)
    if known is None or not known.resolution or not logs:
        return 0.0
    return math.log1p(known.resolution / math.exp(fmean(logs)))


def _identity(one: Control) -> tuple[Any, ...]:
    return (*one.origin, one.workload, one.digest, one.compiler)
