"""How many runs repay a more expensive compile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.diagnosis.configurations import Settings, Unit, by_blocks, ratios_of, units
from ablatrix.analysis.groups import Instrument
from ablatrix.analysis.reasons import Why, because
from ablatrix.records.metrics import COLD_METRIC as COMPILE_METRIC
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.statistics.fieller import Extent, MeanRatio, unpaired_mean_ratio
from ablatrix.statistics.ratio import Ratio

Verdict = Literal["pays at once", "repaid", "pays at first", "never pays", "undecided", "not attributable"]
Side = Literal["less", "more", "same", "unclear"]

VERDICTS: dict[tuple[Side, Side], Verdict] = {
    ("less", "less"): "pays at once",
    ("less", "same"): "pays at once",
    ("same", "less"): "pays at once",
    ("more", "less"): "repaid",
    ("less", "more"): "pays at first",
    ("more", "more"): "never pays",
    ("more", "same"): "never pays",
    ("same", "more"): "never pays",
}


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """One configuration against the baseline; where it moves one knob alone, this is the knob's own.

    Attributes:
        moved: Its levels that are not the baseline's.
        verdict: ``repaid``: compiling costs more, each run less, and after ``runs`` it has paid for itself.
            ``pays at first``: compiling costs less, each run more, and from ``runs`` on it costs more in all.
            ``pays at once``, ``never pays``: neither costs more, or neither less. ``undecided``: the intervals do not
            decide. ``not attributable``: there is nothing to compare.
        runs, low, high: Runs and their 95 % interval, for the first two verdicts; else None.
        at_most, at_least: What is still known where one of the two times is unclear, with 95 %: runs after which a
            configuration of faster runs has paid for itself at the latest, or one of slower runs has lost its lead at
            the latest; and before which a more expensive compile has not paid, or a cheaper one keeps its lead.
        compile_ratio: Cold time to the end of the first run over the baseline's.
        run_ratio: Hot time over the baseline's.
        reason: Why it is undecided or not attributable.
    """

    workload: str
    compiler: str
    settings: Settings
    moved: Settings
    verdict: Verdict
    runs: float | None
    low: float | None
    high: float | None
    compile_ratio: Ratio | None
    run_ratio: Ratio | None
    reason: Why | None
    at_most: float | None = None
    at_least: float | None = None


def find_break_even(
    trials: pl.DataFrame, instrument: Instrument | None = None, several: Sequence[Unit] | None = None
) -> list[BreakEven]:
    """Return the break-even of each configuration but the baseline, by workload and compiler.

    What costs more is decided by the intervals of the two ratios, paired over blocks. The number of runs is
    N = (C1 - C0) / (R0 - R1), C cold and R hot times in ms, 1 the configuration and 0 the baseline; each difference
    is made within a block. Cold and hot trials share no block, so its interval is Fieller's for unpaired samples
    (E. Fieller, "Some problems in interval estimation", JRSS B 16, 1954). Where that set is not an interval of
    positive numbers the case is undecided.

    Args:
        trials: The table of trials.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        several: Their configurations, where they are known already.
    """
    instrument = instrument or Instrument(trials)
    several = units(trials) if several is None else several
    compiles = ratios_of(several, COMPILE_METRIC, "cold", instrument)
    runs = ratios_of(several, HOT_METRIC, "hot", instrument)
    return [found for own in zip(several, compiles, runs, strict=True) for found in _of_unit(*own)]


def _of_unit(unit: Unit, compiles: Mapping[Settings, Ratio], runs: Mapping[Settings, Ratio]) -> Iterator[BreakEven]:
    costs = _Costs(unit)
    for settings in unit.rows:
        if settings == unit.baseline:
            continue
        compile_ratio, run_ratio = compiles.get(settings), runs.get(settings)
        verdict, reason, count = _judge(costs, settings, compile_ratio, run_ratio)
        at_most, at_least = None, None
        if verdict == "undecided":
            at_most, at_least = _bounds(costs, settings, compile_ratio, run_ratio)
        yield BreakEven(
            workload=unit.workload,
            compiler=unit.compiler,
            settings=settings,
            moved=tuple(held for held in settings if held not in unit.baseline),
            verdict=verdict,
            runs=None if count is None else count.value,
            low=None if count is None else count.low,
            high=None if count is None else count.high,
            compile_ratio=compile_ratio,
            run_ratio=run_ratio,
            reason=reason,
            at_most=at_most,
            at_least=at_least,
        )


class _Costs:
    """What each configuration of a unit costs more than the baseline, read once for all of them."""

    def __init__(self, unit: Unit) -> None:
        self._columns = {settings: column for column, settings in enumerate(unit.rows)}
        self._baseline = unit.baseline
        self._compiles, self._runs = by_blocks(unit, COMPILE_METRIC, "cold"), by_blocks(unit, HOT_METRIC, "hot")

    def runs(self, settings: Settings) -> MeanRatio:
        """Return the runs that repay a configuration's compile."""
        costlier, slower = (self._differences(values, settings) for values in (self._compiles, self._runs))
        return unpaired_mean_ratio(costlier, [-value for value in slower])

    def _differences(self, values: NDArray[np.float64], settings: Settings) -> list[float]:
        found = values[:, self._columns[settings]] - values[:, self._columns[self._baseline]]
        kept: list[float] = found[~np.isnan(found)].tolist()
        return kept


def _judge(
    costs: _Costs, settings: Settings, compile_ratio: Ratio | None, run_ratio: Ratio | None
) -> tuple[Verdict, Why | None, MeanRatio | None]:
    absent = [
        because("no_block_with_baseline", mode=mode)
        for mode, ratio in (("cold", compile_ratio), ("hot", run_ratio))
        if ratio is None
    ]
    if compile_ratio is None or run_ratio is None:
        return "not attributable", Why.of(*absent), None
    sides = _side(compile_ratio), _side(run_ratio)
    if "unclear" in sides:
        unclear = tuple(name for name, side in zip(("compile", "run"), sides, strict=True) if side == "unclear")
        return "undecided", Why.of(because("times_unclear", times=unclear)), None
    if sides not in VERDICTS:
        return "undecided", Why.of(because("times_equal")), None
    verdict = VERDICTS[sides]
    if verdict not in ("repaid", "pays at first"):
        return verdict, None, None
    count = costs.runs(settings)
    if count.extent is not Extent.BOUNDED or count.value is None or count.low is None or count.low <= 0.0:
        return "undecided", Why.of(because("times_scatter")), None
    return verdict, None, count


def _bounds(
    costs: _Costs, settings: Settings, compile_ratio: Ratio | None, run_ratio: Ratio | None
) -> tuple[float | None, float | None]:
    """Return the most and the fewest runs where one side is clear and the other is not, from the same set of runs."""
    if compile_ratio is None or run_ratio is None:
        return None, None
    sides = _side(compile_ratio), _side(run_ratio)
    if "same" in sides or (sides[0] == "unclear") == (sides[1] == "unclear"):
        return None, None
    count = costs.runs(settings)
    if sides[0] == "unclear" and count.extent is Extent.BOUNDED and count.high is not None and count.high > 0.0:
        return count.high, None
    if sides[1] == "unclear" and count.extent is Extent.EXCLUSIVE and count.high is not None and count.high > 0.0:
        return None, count.high
    return None, None


def _side(ratio: Ratio) -> Side:
    if ratio.low is None or ratio.high is None:
        return "unclear"
    if ratio.low == ratio.high == 1.0:
        return "same"
    if ratio.low > 1.0:
        return "more"
    return "less" if ratio.high < 1.0 else "unclear"
