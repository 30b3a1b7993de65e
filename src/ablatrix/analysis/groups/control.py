"""The A/A control: a second trial of the baseline in each block, which tests the instrument, not the compiler.

Where the control differs from the baseline, some share of every difference measured there is the instrument's. So the
intervals of that unit are widened by as far as the control may be off; where it holds, nothing is added to them.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.groups.ordering import grouped
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.records.metrics import METRICS
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

UNIT = ("workload", "workload_digest", "compiler")


@dataclass(frozen=True, kw_only=True)
class Control:
    """The A/A control of one workload and compiler, for one metric and mode.

    Attributes:
        digest: Of the workload: the same name can have several sizes.
        ratio: Control over baseline, paired over blocks.
        p_holm: Of the ratio being 1, adjusted over all units (Holm 1979). None with one block; and without any spread
            where the ratio is not 1.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    ratio: Ratio
    p_holm: float | None

    @property
    def is_tested(self) -> bool:
        """Whether there are blocks enough for a test."""
        return self.ratio.count > 1

    @property
    def failed(self) -> bool:
        """Whether the instrument failed: what has no spread and is not 1 is off in every block."""
        return self.is_tested and (self.p_holm is None or self.p_holm <= ALPHA)

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
        failed = [one for one in self.controls(metric, mode) if one.failed]
        own = [one for one in failed if _identity(one) == unit]
        own = own or [one for one in failed if (one.digest, one.compiler) == unit[-2:]]
        return max((one.offset for one in own), default=0.0)


def find_controls(trials: pl.DataFrame, metric: str, mode: str, origin: Sequence[str] = ()) -> list[Control]:
    """Return the A/A control of each workload and compiler, tested over all of them.

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
        & pl.col("is_baseline")
    )
    keys = [*origin, *UNIT]
    ok = trials.lazy().filter(chosen).select(*keys, *BLOCK, "role", metric).collect()  # lazy: else all are copied
    ratios: dict[tuple[Any, ...], Ratio] = {}
    for unit, part in grouped(ok, keys):
        sides = {role: _by_block(part.filter(pl.col("role") == role), metric) for role in ("measured", "twin")}
        shared = sorted(sides["measured"].keys() & sides["twin"].keys())
        pairs = [(_mean(sides["twin"][block]), _mean(sides["measured"][block])) for block in shared]
        if pairs:
            step = step_of(metric, *(min(pair) for pair in pairs))
            ratios[unit] = paired_ratio([twin - base for twin, base in pairs], allowance=Allowance(step=step))
    adjusted = iter(holm([ratio.p_value for ratio in ratios.values() if ratio.p_value is not None]))
    return [
        Control(
            origin=unit[: len(origin)],
            workload=unit[-3],
            digest=unit[-2],
            compiler=unit[-1],
            ratio=ratio,
            p_holm=None if ratio.p_value is None else next(adjusted),
        )
        for unit, ratio in ratios.items()
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
    return math.log1p(known.resolution / math.exp(_mean(logs)))


def _identity(one: Control) -> tuple[Any, ...]:
    return (*one.origin, one.workload, one.digest, one.compiler)


def _by_block(part: pl.DataFrame, metric: str) -> dict[tuple[Any, ...], list[float]]:
    rows = sorted(zip(*(part[name] for name in BLOCK), part[metric], strict=True))
    return {
        block: [math.log(row[-1]) for row in group]
        for block, group in itertools.groupby(rows, key=lambda row: tuple(row[:-1]))
    }


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
