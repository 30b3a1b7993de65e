"""Trials -> one row a group: counts by status, medians and means over ok trials, ratios to the baseline."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.groups.control import UNIT, Instrument, step_of
from ablatrix.analysis.groups.ordering import key_order
from ablatrix.analysis.table import BLOCK, CLASS, IS_FAILURE, IS_OK, UNSTEADY, has_status
from ablatrix.records.metrics import metrics_for
from ablatrix.records.status import Status
from ablatrix.statistics.quantile import quantile_interval
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

METRICS, RATIO_METRICS = metrics_for("summary"), metrics_for("ratio")
_LOG, _BASE, _BESIDE, _COUNT = " log", " base", " beside", " count"  # no column of a record begins with a space


def summarise_groups(trials: pl.DataFrame, groups: Sequence[str], instrument: Instrument | None = None) -> pl.DataFrame:
    """Return one row a group of trials, sorted by the group columns.

    Statistics (``_n``, ``_median`` with its interval by order statistics over trials, ``_mean``, ratios) are over
    ok trials only; failures (``n_failed``) and every other status are counted. A ratio is the trial over the baseline
    of its own block, paired over blocks; below 1 is less than the baseline. See `ratios_to_baseline`.
    """
    instrument = instrument or Instrument(trials)
    found = trials.group_by(list(groups), maintain_order=True).agg(
        pl.col("is_baseline").all(),
        pl.len().alias("n_trials"),
        IS_OK.sum().alias("n_ok"),
        IS_FAILURE.sum().alias("n_failed"),
        *(has_status(status).sum().alias(f"n_{status}") for status in Status if status is not Status.OK),
        *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in ("checked", "missing")),
        (pl.col(CLASS) == UNSTEADY).sum().alias("n_unsteady"),
        pl.col("checked").null_count().alias("n_without_check"),
        *(pl.col(metric).filter(IS_OK).drop_nulls().sort() for metric in METRICS),
    )
    keys = found.select(groups).rows()
    order = sorted(range(len(keys)), key=lambda index: key_order(keys[index]))
    found, keys = found[order], [keys[index] for index in order]
    counts = [name for name in found.columns if name.startswith("n_")]
    columns = [
        *(_plain(found[name]) for name in groups),
        found["is_baseline"],
        *(found[name].cast(pl.Int64) for name in (*counts[:-1], "checked", "missing", counts[-1])),
    ]
    for metric in METRICS:
        columns += _statistics(found[metric])
    for metric in RATIO_METRICS:
        ratios = ratios_to_baseline(trials, metric, groups, instrument)
        columns += _ratio_columns(metric, [ratios.get(key) for key in keys])
    return pl.DataFrame(columns)


def ratios_to_baseline(
    trials: pl.DataFrame, metric: str, groups: Sequence[str], instrument: Instrument | None = None
) -> Mapping[tuple[Any, ...], Ratio]:
    """Return the ratio of each group to the study's baseline, paired over blocks.

    Only ok trials enter, and only blocks in which the baseline is ok. A trial is compared with the baseline
    of its own compiler; the reference with the baseline of its block's compiler. The baseline's own ratio is
    1 without an interval. Where the A/A control of a unit failed, its intervals are wider by as far as it is off; only
    that of the control itself is not.

    Args:
        trials: The table of trials, or a part of it.
        metric: Column of a positive number.
        groups: Columns that make a group.
        instrument: The controls of the whole results; of ``trials`` by default.
    """
    instrument = instrument or Instrument(trials)
    used = list(dict.fromkeys((*groups, *BLOCK, *UNIT, "mode", "role", "is_baseline")))
    ok = _measurable(trials, metric).select(*used, pl.col(metric).alias(_LOG)).collect()
    # The library's logarithm, value by value: that of a vector unit may differ in the last bit.
    ok = ok.with_columns(pl.Series(_LOG, list(map(math.log, ok[_LOG].to_list())), pl.Float64()))
    baseline = pl.col("is_baseline") & (pl.col("role") == "measured")
    own_block = [*BLOCK, "workload", "workload_digest", "mode"]
    bases = _means(ok.filter(baseline), [*own_block, "compiler"], _LOG).rename({_LOG: _BASE})
    # The reference has no compiler of its own in the block; where several share one, it is compared with none.
    first = [pl.col(_BASE).first(), pl.col("compiler").first().alias(_BESIDE), pl.len()]
    alone = bases.group_by(own_block).agg(first).filter(pl.col("len") == 1)
    reference = pl.col("role") == "reference"
    compared = pl.concat(
        [
            ok.filter(~reference)
            .join(bases, on=[*own_block, "compiler"])
            .with_columns(pl.col("compiler").alias(_BESIDE)),
            ok.filter(reference).join(alone.select(*own_block, _BASE, _BESIDE), on=own_block),
        ]
    ).with_columns(pl.col(_LOG) - pl.col(_BASE))
    allowed = _allowances(compared, metric, groups, instrument)
    of_block = _means(compared, list(dict.fromkeys((*groups, *BLOCK, "mode"))), _LOG)
    logs = of_block.group_by(list(groups)).agg(pl.col(_LOG))
    result = {
        key: paired_ratio(values, allowance=allowed[key])
        for key, values in zip(logs.select(groups).iter_rows(), logs[_LOG].to_list(), strict=True)
    }
    blocks = pl.struct(BLOCK).n_unique().alias("blocks")
    own = ok.group_by(list(groups)).agg(baseline.all().alias("own"), blocks).filter("own")
    for *key, count in own.select(*groups, "blocks").iter_rows():
        result[tuple(key)] = Ratio(1.0, None, None, count)
    return result


def _allowances(
    compared: pl.DataFrame, metric: str, groups: Sequence[str], instrument: Instrument
) -> Mapping[tuple[Any, ...], Allowance]:
    """Return what the ratio of each group must allow for: the most of any unit that is in it."""
    found: dict[tuple[Any, ...], Allowance] = {}
    least = [pl.col(_BASE).mean(), (pl.col(_LOG) + pl.col(_BASE)).mean().alias(_LOG)]
    names = ("workload", "workload_digest", _BESIDE, "mode", "role")
    keys = list(dict.fromkeys((*groups, *names)))
    for row in compared.group_by(keys).agg(least).iter_rows(named=True):
        key, unit = tuple(row[name] for name in groups), tuple(row[name] for name in names[:3])
        offset = 0.0 if row["role"] == "twin" else instrument.offset(metric, row["mode"], unit)
        step = step_of(metric, min(row[_LOG], row[_BASE]))
        held = found.get(key, Allowance())
        found[key] = Allowance(max(held.offset, offset), max(held.step, step))
    return found


def _measurable(trials: pl.DataFrame, metric: str) -> pl.LazyFrame:
    # Lazy: a copy of every column of a million trials would be made for the few that are read.
    return trials.lazy().filter(IS_OK & (pl.col(metric) > 0) & (pl.col("role") != "primer"))


def _means(frame: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Return the mean of a column by keys, each sum rounded once, so that the order of rows does not matter."""
    groups = frame.group_by(list(keys))
    alone = groups.agg(pl.col(name).first(), pl.len().alias(_COUNT))
    if (alone[_COUNT] == 1).all():  # most often: a trial a block and configuration, and no list of one to make a mean of
        return alone.drop(_COUNT)
    lists = groups.agg(pl.col(name))
    return lists.with_columns(
        pl.Series(name, [statistics.fmean(values) for values in lists[name].to_list()], pl.Float64())
    )


def _statistics(ordered: pl.Series) -> list[pl.Series]:
    """Return count, median with its interval over trials, and mean of lists that are sorted and hold no null."""
    name, lists = ordered.name, ordered.to_list()
    kind = pl.Float64()
    # Six trials are the fewest whose smallest and largest enclose the median with 95 %.
    ends = [quantile_interval(values, 0.5) if values else None for values in lists]
    return [
        pl.Series(f"{name}_n", [len(values) for values in lists], pl.Int64()),
        pl.Series(f"{name}_median", [float(statistics.median(values)) if values else None for values in lists], kind),
        pl.Series(f"{name}_median_low", [pair and pair[0] for pair in ends], kind),
        pl.Series(f"{name}_median_high", [pair and pair[1] for pair in ends], kind),
        pl.Series(f"{name}_mean", [statistics.fmean(values) if values else None for values in lists], kind),
    ]


def _ratio_columns(metric: str, ratios: Sequence[Ratio | None]) -> list[pl.Series]:
    parts = {"ratio": "value", "ratio_low": "low", "ratio_high": "high", "ratio_blocks": "count"}
    return [
        pl.Series(
            f"{metric}_{name}",
            [ratio and getattr(ratio, part) for ratio in ratios],
            pl.Int64() if part == "count" else pl.Float64(),
        )
        for name, part in parts.items()
    ]


def _plain(series: pl.Series) -> pl.Series:
    return series.cast(pl.String) if series.dtype == pl.Categorical else series
