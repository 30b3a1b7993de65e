"""The source ``workloads``: one row per workload and size, as text where a trial has lists and maps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key


def workload_rows(findings: Findings, origin: Sequence[str]) -> pl.DataFrame:
    """Return a row for each workload and size, from tier tiny to hard.

    ``tasks`` is the number of tasks that the planner made at each level of ``partition``, from the trials with a plan.

    Args:
        findings: What is estimated from the trials.
        origin: Columns that distinguish mixed records or sizes of a workload; they become columns in front.
    """
    trials = findings.trials
    keys = list(dict.fromkeys((*origin, "workload", "workload_digest")))
    maps = {prefix: findings.found.columns(prefix) for prefix in ("parameter_", "size_")}
    maps["parameter_"].remove("parameter_count")  # of weights
    facts = ["tier", "inputs", "dynamic", "parameter_count", *maps["parameter_"], *maps["size_"]]
    groups = trials.lazy().group_by(keys, maintain_order=True)
    found = groups.agg(
        *(pl.col(name).drop_nulls().first().alias(name) for name in facts if name not in keys),
        pl.col("compiler").filter(pl.col("role") == "measured").unique().cast(pl.String).alias("compilers"),
        pl.col("cell_id").filter(pl.col("role") == "measured").n_unique().alias("configurations"),
        pl.struct("run", "block_id").n_unique().alias("blocks"),
        pl.len().alias("trials"),
    ).collect()
    tasks = _tasks(trials, keys)
    rows = [
        {name: _text(row[name]) for name in origin}
        | {
            "workload": row["workload"],
            "tier": row["tier"],
            "parameters": _listed({name.removeprefix("parameter_"): row[name] for name in maps["parameter_"]}),
            "inputs": "; ".join(_input(one) for one in json.loads(row["inputs"] or "[]")) or None,
            "dynamic": _dynamic(json.loads(row["dynamic"] or "{}"), row, maps["size_"]),
            "tasks": tasks.get(tuple(row[key] for key in keys)),
            "compilers": ", ".join(sorted(row["compilers"])) or None,
            "digest": row["workload_digest"],
            "parameter_count": row["parameter_count"],
            "configurations": row["configurations"],
            "blocks": row["blocks"],
            "trials": row["trials"],
        }
        for row in found.iter_rows(named=True)
    ]
    tiers = ("tiny", "medium", "hard")
    rows.sort(key=lambda row: (tiers.index(row["tier"]), row["workload"], [sort_key(row[name]) for name in origin]))
    return pl.DataFrame(rows, infer_schema_length=None)


def _tasks(trials: pl.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], str]:
    """Return for each workload how many tasks there are at each level of partition, and how many differ."""
    level = "knob_partition"
    if level not in trials.columns:
        trials = trials.select(*keys, "tasks", "distinct_tasks", pl.lit(None, pl.String()).alias(level))
    planned = trials.lazy().filter(pl.col("tasks").is_not_null())
    figures = [pl.col(name).unique().sort() for name in ("tasks", "distinct_tasks")]
    texts: dict[tuple[Any, ...], list[str]] = {}
    rows = planned.group_by([*keys, level]).agg(figures).collect().iter_rows()
    for *key, at, tasks, distinct in sorted(rows, key=lambda row: sort_key(row[len(keys)])):
        text = _counts(tasks) + (f" ({_counts(distinct)} distinct)" if distinct != tasks else "")
        texts.setdefault(tuple(key), []).append(text if at is None else f"{at} {text}")
    return {key: "; ".join(parts) for key, parts in texts.items()}


def _counts(values: Sequence[int]) -> str:
    return " or ".join(map(str, values))


def _input(fact: Mapping[str, Any]) -> str:
    return f"{fact['name']} {'x'.join(map(str, fact['shape'])) or 'scalar'} {fact['dtype']}"


def _listed(values: Mapping[str, Any]) -> str | None:
    return ", ".join(f"{name}={_text(value)}" for name, value in values.items() if value is not None) or None


def _dynamic(limits: Mapping[str, Sequence[int]], row: Mapping[str, Any], sizes: Sequence[str]) -> str | None:
    timed = {name.removeprefix("size_"): row[name] for name in sizes}
    return (
        "; ".join(f"{name} {low} to {high}, timed at {timed.get(name)}" for name, (low, high) in limits.items()) or None
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
