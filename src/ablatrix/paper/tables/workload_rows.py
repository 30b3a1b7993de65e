"""The source ``workloads``: one row per workload and size, as text where a trial has lists and maps."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key
from ablatrix.paper.tables.source_rows import SourceRows, Words, enter
from ablatrix.paper.tables.word import Cell, both
from ablatrix.plotting.labels import ENGLISH, Labels

_TEXTS = ("inputs", "dynamic", "tasks", "compilers")
"""Columns whose text is put together of words and names."""


def workload_rows(findings: Findings, origin: Sequence[str], labels: Labels = ENGLISH) -> SourceRows:
    """Return a row for each workload and size, from tier tiny to hard.

    ``tasks`` is the number of tasks that the planner made at each level of ``partition``, from the trials with a plan.

    Args:
        findings: What is estimated from the trials.
        origin: Columns that distinguish mixed records or sizes of a workload; they become columns in front.
        labels: The words of the paper's language.
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
    tasks = _tasks(trials, keys, labels)
    rows: list[dict[str, Any]] = [
        {name: _text(row[name]) for name in origin}
        | {
            "workload": row["workload"],
            "tier": row["tier"],
            "parameters": _listed({name.removeprefix("parameter_"): row[name] for name in maps["parameter_"]}),
            "inputs": _said(labels, partial(_inputs, json.loads(row["inputs"] or "[]"))),
            "dynamic": _said(labels, partial(_dynamic, json.loads(row["dynamic"] or "{}"), row, maps["size_"])),
            "tasks": tasks.get(tuple(row[key] for key in keys)),
            "compilers": _said(labels, partial(_compilers, sorted(row["compilers"]))),
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
    words: Words = {}
    for name in _TEXTS:
        for row, text in zip(rows, enter(words, name, [row[name] for row in rows]), strict=True):
            row[name] = text
    return SourceRows(pl.DataFrame(rows, infer_schema_length=None), words)


def _said(labels: Labels, say: "partial[str]") -> Cell | None:
    return both(labels, say) or None


def _tasks(trials: pl.DataFrame, keys: Sequence[str], labels: Labels) -> dict[tuple[Any, ...], Cell]:
    """Return for each workload how many tasks there are at each level of partition, and how many differ."""
    level = "knob_partition"
    if level not in trials.columns:
        trials = trials.select(*keys, "tasks", "distinct_tasks", pl.lit(None, pl.String()).alias(level))
    planned = trials.lazy().filter(pl.col("tasks").is_not_null())
    figures = [pl.col(name).unique().sort() for name in ("tasks", "distinct_tasks")]
    held: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    rows = planned.group_by([*keys, level]).agg(figures).collect().iter_rows()
    for *key, at, tasks, distinct in sorted(rows, key=lambda row: sort_key(row[len(keys)])):
        held.setdefault(tuple(key), []).append((at, tasks, distinct))
    return {key: both(labels, partial(_tasks_text, parts)) for key, parts in held.items()}


def _tasks_text(parts: Sequence[tuple[Any, ...]], labels: Labels) -> str:
    texts = []
    for at, tasks, distinct in parts:
        text = _counts(tasks, labels)
        if distinct != tasks:
            text = labels("distinct_tasks", tasks=text, distinct=_counts(distinct, labels))
        texts.append(text if at is None else f"{labels.level('partition', at)} {text}")
    return labels("semicolon").join(texts)


def _counts(values: Sequence[int], labels: Labels) -> str:
    return f" {labels('or')} ".join(map(str, values))


def _inputs(facts: Sequence[Mapping[str, Any]], labels: Labels) -> str:
    return labels("semicolon").join(
        f"{fact['name']} {'x'.join(map(str, fact['shape'])) or labels('scalar')} {fact['dtype']}" for fact in facts
    )


def _compilers(names: Sequence[str], labels: Labels) -> str:
    return labels("comma").join(map(labels.compiler, names))


def _dynamic(limits: Mapping[str, Sequence[int]], row: Mapping[str, Any], sizes: Sequence[str], labels: Labels) -> str:
    timed = {name.removeprefix("size_"): row[name] for name in sizes}
    return labels("semicolon").join(
        labels("dynamic_within", name=name, low=low, high=high, timed=timed.get(name))
        for name, (low, high) in limits.items()
    )


def _listed(values: Mapping[str, Any]) -> str | None:
    return ", ".join(f"{name}={_text(value)}" for name, value in values.items() if value is not None) or None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
