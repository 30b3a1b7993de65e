"""Trials -> one row a group: counts by status, medians and means over ok trials, ratios to the baseline."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.groups.ordering import PRIMARY_KNOBS, in_order, sort_key
from ablatrix.analysis.table import BLOCK, CLASS, IS_FAILURE, IS_OK, UNSTEADY, Tidy, has_status
from ablatrix.errors import AnalysisError
from ablatrix.records.metrics import metrics_for
from ablatrix.records.status import Status
from ablatrix.statistics.quantile import quantile_interval
from ablatrix.statistics.ratio import Ratio, paired_ratio

METRICS, RATIO_METRICS = metrics_for("summary"), metrics_for("ratio")
ORIGIN_COLUMNS = (
    "schema_version",
    "study_digest",
    "study_commit",
    "study_dirty",
    "ablatrix_commit",
    "ablatrix_dirty",
    "host",
    "cpu",
    "cores",
)
_LOG, _BASE = " log", " base"  # no column of a record begins with a space


def without_priming_runs(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that tables and figures are about: a primer only fills a cache."""
    return trials.filter(pl.col("role") != "primer")


def mixed_origins(found: Tidy) -> dict[str, list[Any]]:
    """Return what should be one for all trials and is not: column -> its values, sorted.

    These are the schema version, the study, the commits, the machine and the versions of software; and the
    digest of a workload, which must be one for the same name and parameters.
    """
    trials = without_priming_runs(found.trials)
    mixed = {
        name: values
        for name in (*ORIGIN_COLUMNS, *found.columns("version_"))
        if len(values := _distinct(trials[name])) > 1
    }
    sizes = ["workload", *found.columns("parameter_")]
    digests = (
        trials.group_by(sizes).agg(pl.col("workload_digest").unique()).filter(pl.col("workload_digest").list.len() > 1)
    )
    if not digests.is_empty():
        mixed["workload_digest"] = sorted(set(digests["workload_digest"].explode().to_list()))
    return mixed


def refuse_mixed(found: Tidy, allow_mixed: bool) -> list[str]:
    """Return the columns of mixed origin when that is allowed, none when there is no mixture.

    Raises:
        AnalysisError: Origins are mixed and that was not asked for.
    """
    mixed = mixed_origins(found)
    if mixed and not allow_mixed:
        faults = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in mixed.items())
        raise AnalysisError(
            f"the results do not come from one place, so they cannot share rows of a table: {faults}; give "
            "runs of "
            f"one origin, or allow the mixture (--allow-mixed), which makes each of these a column of its own"
        )
    return list(mixed)


def varying_knobs(found: Tidy) -> list[str]:
    """Return the columns of knobs with more than one level: primary ones first, then by name."""
    columns = found.columns("knob_")
    measured = found.trials.select("role", *columns).filter(pl.col("role") == "measured")
    names = [name.removeprefix("knob_") for name in columns]
    return [f"knob_{name}" for name in in_order(names) if len(_distinct(measured[f"knob_{name}"])) > 1]


def primary_knobs(trials: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the primary knobs of each compiler, from the table of trials.

    They are the four that compilers of the catalogue have. A program with knobs of its own has none of these: there it
    is what varies in the stage that the baseline stands in, which is the factorial of the primary knobs.
    """
    names = [name.removeprefix("knob_") for name in trials.columns if name.startswith("knob_")]
    found: dict[str, tuple[str, ...]] = {}
    for (compiler,), part in grouped(trials.filter(pl.col("role") == "measured"), ["compiler"]):
        if any(part[f"knob_{name}"].count() for name in PRIMARY_KNOBS if name in names):
            found[compiler] = PRIMARY_KNOBS
            continue
        stages = part.filter(pl.col("is_baseline"))["stage"].drop_nulls()
        first = part.filter(pl.col("stage") == stages[0]) if len(stages) else part
        found[compiler] = tuple(in_order(one for one in names if first[f"knob_{one}"].drop_nulls().n_unique() > 1))
    return found


def group_columns(found: Tidy, mixed: Sequence[str] = (), by_mode: bool = True) -> list[str]:
    """Return the columns that make a row: origin where mixed, workload, compiler, role, mode, varying knobs."""
    mode = ["mode"] if by_mode else []
    return [*mixed, "workload", *varying_sizes(found), "compiler", "role", *mode, *varying_knobs(found)]


def varying_sizes(found: Tidy) -> list[str]:
    """Return the columns of parameters with more than one value within a workload, which tell its sizes apart."""
    names = [name for name in found.columns("parameter_") if name != "parameter_count"]  # of weights
    if not names:
        return []
    trials = without_priming_runs(found.trials.select("role", "workload", *names))
    counts = trials.group_by("workload").agg(pl.col(name).n_unique() for name in names)
    return [name for name in names if counts[name].max() != 1]


def summarise_groups(trials: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Return one row a group of trials, sorted by the group columns.

    Statistics (``_n``, ``_median`` with its interval by order statistics over trials, ``_mean``, ratios) are over
    ok trials only; failures (``n_failed``) and every other status are counted. A ratio is the trial over the baseline
    of its own block, paired over blocks; below 1 is less than the baseline.
    """
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
    order = sorted(range(len(keys)), key=lambda place: _key_order(keys[place]))
    found, keys = found[order], [keys[place] for place in order]
    counts = [name for name in found.columns if name.startswith("n_")]
    columns = [
        *(_plain(found[name]) for name in groups),
        found["is_baseline"],
        *(found[name].cast(pl.Int64) for name in (*counts[:-1], "checked", "missing", counts[-1])),
    ]
    for metric in METRICS:
        columns += _statistics(found[metric])
    for metric in RATIO_METRICS:
        ratios = ratios_to_baseline(trials, metric, groups)
        columns += _ratio_columns(metric, [ratios.get(key) for key in keys])
    return pl.DataFrame(columns)


def ratios_to_baseline(trials: pl.DataFrame, metric: str, groups: Sequence[str]) -> Mapping[tuple[Any, ...], Ratio]:
    """Return the ratio of each group to the study's baseline, paired over blocks.

    Only ok trials enter, and only blocks in which the baseline is ok. A trial is compared with the baseline
    of its own compiler; the reference with the baseline of its block's compiler. The baseline's own ratio is
    1 without an interval.
    """
    used = list(dict.fromkeys((*groups, *BLOCK, "mode", "compiler", "role", "is_baseline")))
    ok = _measurable(trials, metric).select(*used, pl.col(metric).alias(_LOG)).collect()
    # The library's logarithm, value by value: that of a vector unit may differ in the last place.
    ok = ok.with_columns(pl.Series(_LOG, list(map(math.log, ok[_LOG])), pl.Float64()))
    baseline = pl.col("is_baseline") & (pl.col("role") == "measured")
    bases = _means(ok.filter(baseline), [*BLOCK, "mode", "compiler"], _LOG).rename({_LOG: _BASE})
    # The reference has no compiler of its own in the block; where several share one, none is meant.
    alone = bases.group_by(*BLOCK, "mode").agg(pl.col(_BASE).first(), pl.len()).filter(pl.col("len") == 1)
    reference = pl.col("role") == "reference"
    compared = pl.concat(
        [
            ok.filter(~reference).join(bases, on=[*BLOCK, "mode", "compiler"]),
            ok.filter(reference).join(alone.drop("len"), on=[*BLOCK, "mode"]),
        ]
    ).with_columns(pl.col(_LOG) - pl.col(_BASE))
    of_block = _means(compared, list(dict.fromkeys((*groups, *BLOCK, "mode"))), _LOG)
    logs = of_block.group_by(list(groups)).agg(pl.col(_LOG))
    result = {
        key: paired_ratio(values)
        for key, values in zip(logs.select(groups).iter_rows(), logs[_LOG].to_list(), strict=True)
    }
    blocks = pl.struct(BLOCK).n_unique().alias("blocks")
    own = ok.group_by(list(groups)).agg(baseline.all().alias("own"), blocks).filter("own")
    for *key, count in own.select(*groups, "blocks").iter_rows():
        result[tuple(key)] = Ratio(1.0, None, None, count)
    return result


def grouped(trials: pl.DataFrame, groups: Sequence[str]) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Return the groups of a table in the order of their keys, nulls first, numbers by value."""
    parts = trials.partition_by(list(groups), as_dict=True, maintain_order=True)
    return sorted(parts.items(), key=lambda item: _key_order(item[0]))


def _measurable(trials: pl.DataFrame, metric: str) -> pl.LazyFrame:
    # Lazy: a copy of every column of a million trials would be made for the few that are read.
    return trials.lazy().filter(IS_OK & (pl.col(metric) > 0) & (pl.col("role") != "primer"))


def _means(frame: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Return the mean of a column by keys, each sum rounded once, so that the order of rows has no say."""
    lists = frame.group_by(list(keys)).agg(pl.col(name))
    return lists.with_columns(pl.Series(name, [_mean(values) for values in lists[name].to_list()], pl.Float64()))


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
        pl.Series(f"{name}_mean", [_mean(values) if values else None for values in lists], kind),
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


def _key_order(key: Iterable[Any]) -> tuple[tuple[int, float, str], ...]:
    return tuple(map(sort_key, key))


def _distinct(series: pl.Series) -> list[Any]:
    return sorted(series.drop_nulls().unique().to_list(), key=sort_key)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
