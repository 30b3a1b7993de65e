"""Trials -> one row a group: counts by status, medians and means over ok trials, ratios to the baseline."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import polars as pl

from ablatrix.analysis.paired import BLOCK, HOT_METRIC
from ablatrix.analysis.tidy import Tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Status
from ablatrix.statistics.ratio import Ratio, paired_ratio

PRIMARY_KNOBS = ("partition", "reuse", "memory_plan", "fusion")
METRICS = (
    "compile_first_run_ms",
    HOT_METRIC,
    "run_ms_mean",
    "run_ms_p50",
    "run_ms_p95",
    "compile_cache_miss_delta_first_run",
    "planned_bytes",
    "physical_bytes_est",
    "peak_rss_delta_bytes",
)
RATIO_METRICS = ("compile_first_run_ms", HOT_METRIC, "run_ms_mean", "run_ms_p50")
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


def without_primers(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that tables and figures are about: a primer only fills a cache."""
    return trials.filter(pl.col("role") != "primer")


def mixed_origins(found: Tidy) -> dict[str, list[Any]]:
    """Return what should be one for all trials and is not: column -> its values, sorted.

    These are the schema version, the study, the commits, the machine and the versions of software; and the
    digest of a workload, which must be one for the same name and parameters.
    """
    trials = without_primers(found.trials)
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
    measured = found.trials.filter(pl.col("role") == "measured")
    names = [name.removeprefix("knob_") for name in found.columns("knob_")]
    varying = [name for name in names if len(_distinct(measured[f"knob_{name}"])) > 1]
    primary = [name for name in PRIMARY_KNOBS if name in varying]
    return [f"knob_{name}" for name in (*primary, *sorted(set(varying) - set(primary)))]


def group_columns(found: Tidy, mixed: Sequence[str] = (), by_mode: bool = True) -> list[str]:
    """Return the columns that make a row: origin where mixed, workload, compiler, role, mode, varying knobs."""
    trials = without_primers(found.trials)
    sizes = [
        name
        for name in found.columns("parameter_")
        if trials.group_by("workload").agg(pl.col(name).n_unique())[name].max() != 1
    ]
    mode = ["mode"] if by_mode else []
    return [*mixed, "workload", *sizes, "compiler", "role", *mode, *varying_knobs(found)]


def summarise_groups(trials: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Return one row a group of trials, sorted by the group columns.

    Statistics (``_n``, ``_median``, ``_mean``, ratios) are over ok trials only; failures are counted by
    status. A ratio is the trial over the baseline of its own block, paired over blocks; below 1 is less than
    the baseline.
    """
    ratios = {metric: ratios_to_baseline(trials, metric, groups) for metric in RATIO_METRICS}
    rows = []
    for key, part in grouped(trials, groups):
        ok = part.filter(pl.col("status") == "ok")
        row: dict[str, Any] = dict(zip(groups, key, strict=True))
        row["is_baseline"] = bool(part["is_baseline"].all())
        row |= count_statuses(part["status"].to_list())
        row["checked"], row["missing"] = _sum(part["checked"]), _sum(part["missing"])
        row["n_without_check"] = part["checked"].null_count()
        for metric in METRICS:
            values = ok[metric].drop_nulls().to_list()
            row[f"{metric}_n"] = len(values)
            row[f"{metric}_median"] = float(statistics.median(values)) if values else None
            row[f"{metric}_mean"] = math.fsum(values) / len(values) if values else None
        for metric in RATIO_METRICS:
            ratio = ratios[metric].get(key)
            row[f"{metric}_ratio"] = ratio.value if ratio else None
            row[f"{metric}_ratio_low"] = ratio.low if ratio else None
            row[f"{metric}_ratio_high"] = ratio.high if ratio else None
            row[f"{metric}_ratio_blocks"] = ratio.count if ratio else None
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def count_statuses(statuses: Sequence[str]) -> dict[str, int]:
    """Return how many trials there are, by outcome. Unsupported is no failure."""
    by_status = {f"n_{name}": statuses.count(name) for name in get_args(Status) if name != "ok"}
    ok, unsupported = statuses.count("ok"), by_status["n_unsupported"]
    failed = len(statuses) - ok - unsupported
    return {"n_trials": len(statuses), "n_ok": ok, "n_failed": failed, **by_status}


def ratios_to_baseline(trials: pl.DataFrame, metric: str, groups: Sequence[str]) -> Mapping[tuple[Any, ...], Ratio]:
    """Return the ratio of each group to the study's baseline, paired over blocks.

    Only ok trials enter, and only blocks in which the baseline is ok. A trial is compared with the baseline
    of its own compiler; the reference with the baseline of its block's compiler. The baseline's own ratio is
    1 without an interval.
    """
    ok = _measurable(trials, metric)
    baselines: dict[tuple[Any, ...], dict[str, list[float]]] = {}
    for row in ok.filter(pl.col("is_baseline") & (pl.col("role") == "measured")).iter_rows(named=True):
        block = baselines.setdefault((*(row[name] for name in BLOCK), row["mode"]), {})
        block.setdefault(row["compiler"], []).append(math.log(row[metric]))
    result: dict[tuple[Any, ...], Ratio] = {}
    for key, part in grouped(ok, groups):
        if bool((part["is_baseline"] & (part["role"] == "measured")).all()):
            result[key] = Ratio(1.0, None, None, part.select(BLOCK).n_unique())
            continue
        by_block: dict[tuple[Any, ...], list[float]] = {}
        for row in part.iter_rows(named=True):
            block_key = (*(row[name] for name in BLOCK), row["mode"])
            base = _baseline(baselines.get(block_key, {}), row)
            if base is not None:
                by_block.setdefault(block_key, []).append(math.log(row[metric]) - _mean(base))
        if by_block:
            result[key] = paired_ratio([_mean(by_block[block]) for block in sorted(by_block)])
    return result


def grouped(trials: pl.DataFrame, groups: Sequence[str]) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Return the groups of a table in the order of their keys, nulls first, numbers by value."""
    parts = trials.partition_by(list(groups), as_dict=True, maintain_order=True)
    return sorted(parts.items(), key=lambda item: tuple(sort_key(value) for value in item[0]))


def sort_key(value: Any) -> tuple[int, float, str]:
    """Return a key that orders levels: null, then numbers (also written as text) by value, then words."""
    if value is None:
        return (0, 0.0, "")
    try:
        return (1, float(value), "")
    except ValueError:
        return (2, 0.0, str(value))


def _measurable(trials: pl.DataFrame, metric: str) -> pl.DataFrame:
    return trials.filter((pl.col("status") == "ok") & (pl.col(metric) > 0) & (pl.col("role") != "primer"))


def _baseline(of_block: Mapping[str, list[float]], row: Mapping[str, Any]) -> list[float] | None:
    if row["role"] != "reference":
        return of_block.get(row["compiler"])
    return next(iter(of_block.values())) if len(of_block) == 1 else None


def _distinct(series: pl.Series) -> list[Any]:
    return sorted(series.drop_nulls().unique().to_list(), key=sort_key)


def _sum(series: pl.Series) -> int | None:
    values = series.drop_nulls()
    return int(values.sum()) if len(values) else None


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return math.fsum(held) / len(held)
