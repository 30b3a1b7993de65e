"""How many runs repay a more expensive compile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ablatrix.analysis.diagnosis.configurations import UNIT, Settings, Unit, by_block, ratios_of, units
from ablatrix.analysis.groups import PLAN, Instrument
from ablatrix.analysis.reasons import Why, because
from ablatrix.analysis.table import BLOCK
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


def find_break_even(trials: pl.DataFrame, instrument: Instrument | None = None) -> list[BreakEven]:
    """Return the break-even of each configuration but the baseline, by workload and compiler.

    What costs more is decided by the intervals of the two ratios, paired over blocks. The number of runs is
    N = (C1 - C0) / (R0 - R1), C cold and R hot times in ms, 1 the configuration and 0 the baseline; each difference
    is made within a block. Cold and hot trials share no block, so its interval is Fieller's for unpaired samples
    (E. Fieller, "Some problems in interval estimation", JRSS B 16, 1954). Where that set is not an interval of
    positive numbers the case is undecided.

    Args:
        trials: The table of trials.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
    """
    instrument = instrument or Instrument(trials)
    return [found for unit in units(_needed(trials)) for found in _of_unit(unit, instrument)]


def _needed(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that are read: sorting and splitting all columns of a million trials would be slow."""
    read = {
        *UNIT,
        *BLOCK,
        "role",
        "mode",
        "status",
        "position",
        "trial_id",
        "is_baseline",
        COMPILE_METRIC,
        HOT_METRIC,
        PLAN,
    }
    return trials.select(name for name in trials.columns if name in read or name.startswith(("knob_", "baseline_")))


def _of_unit(unit: Unit, instrument: Instrument) -> Iterator[BreakEven]:
    compiles = ratios_of(unit, COMPILE_METRIC, "cold", instrument)
    runs = ratios_of(unit, HOT_METRIC, "hot", instrument)
    for settings, part in unit.trials.items():
        if settings == unit.baseline:
            continue
        compile_ratio, run_ratio = compiles.get(settings), runs.get(settings)
        verdict, reason, count = _judge(unit, part, compile_ratio, run_ratio)
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
        )


def _judge(
    unit: Unit, part: pl.DataFrame, compile_ratio: Ratio | None, run_ratio: Ratio | None
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
    costlier = _differences(unit, part, COMPILE_METRIC, "cold")
    faster = [-value for value in _differences(unit, part, HOT_METRIC, "hot")]
    count = unpaired_mean_ratio(costlier, faster)
    if count.extent is not Extent.BOUNDED or count.value is None or count.low is None or count.low <= 0.0:
        return "undecided", Why.of(because("times_scatter")), None
    return verdict, None, count


def _side(ratio: Ratio) -> Side:
    if ratio.low is None or ratio.high is None:
        return "unclear"
    if ratio.low == ratio.high == 1.0:
        return "same"
    if ratio.low > 1.0:
        return "more"
    return "less" if ratio.high < 1.0 else "unclear"


def _differences(unit: Unit, part: pl.DataFrame, metric: str, mode: str) -> list[float]:
    here, base = by_block(part, metric, mode), by_block(unit.trials[unit.baseline], metric, mode)
    return [here[block] - base[block] for block in sorted(here.keys() & base.keys())]
