"""Trials -> one row a group: counts by status, medians and means over ok trials, ratios to the baseline."""

import statistics
from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.groups.control import Instrument
from ablatrix.analysis.groups.ordering import key_order
from ablatrix.analysis.groups.ratios import ratios_to_baseline
from ablatrix.analysis.table import CLASS, IS_FAILURE, IS_OK, UNSTEADY, has_status
from ablatrix.records.metrics import METRICS as REGISTERED
from ablatrix.records.metrics import metrics_for
from ablatrix.records.status import Status
from ablatrix.statistics.quantile import quantile_interval
from ablatrix.statistics.ratio import Ratio

METRICS, RATIO_METRICS = metrics_for("summary"), metrics_for("ratio")


def summarise_groups(trials: pl.DataFrame, groups: Sequence[str], instrument: Instrument | None = None) -> pl.DataFrame:
    """Return one row a group of trials, sorted by the group columns.

    Statistics (``_n``, ``_median`` with its interval by order statistics over trials, ``_mean``, ratios) are over
    ok trials only; failures (``n_failed``) and every other status are counted. A ratio is the trial over the baseline
    of its own block, paired over blocks; below 1 is less than the baseline. See `ratios_to_baseline`.
    """
    instrument = instrument or Instrument(trials)
    absent = {name for name in METRICS if REGISTERED[name].of_tokens and trials[name].null_count() == trials.height}
    metrics, compared = ([name for name in some if name not in absent] for some in (METRICS, RATIO_METRICS))
    found = trials.group_by(list(groups), maintain_order=True).agg(
        pl.col("is_baseline").all(),
        pl.len().alias("n_trials"),
        IS_OK.sum().alias("n_ok"),
        IS_FAILURE.sum().alias("n_failed"),
        *(has_status(status).sum().alias(f"n_{status}") for status in Status if status is not Status.OK),
        *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in ("checked", "missing")),
        (pl.col(CLASS) == UNSTEADY).sum().alias("n_unsteady"),
        pl.col("checked").null_count().alias("n_without_check"),
        *(pl.col(metric).filter(IS_OK).drop_nulls().sort() for metric in metrics),
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
    for metric in metrics:
        columns += _statistics(found[metric])
    for metric in compared:
        ratios = ratios_to_baseline(trials, metric, groups, instrument)
        columns += _ratio_columns(metric, [ratios.get(key) for key in keys])
    return pl.DataFrame(columns)


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
