"""Names for the sizes of a workload: figures have a line or a panel for each size."""

from typing import Any

import polars as pl

from ablatrix.analysis.groups import grouped

DIGEST_LETTERS = 6


def named_by_size(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials with ``mlp (hidden=64)`` as the name of a workload that has several programs.

    The parameters shown are those that differ; if none does, the first characters of the program's digest are shown.
    """
    parameters = [name for name in trials.columns if name.startswith("parameter_")]
    sizes = (
        trials.lazy()
        .select("workload", "workload_digest", *parameters)
        .unique(["workload", "workload_digest"])
        .collect()
    )
    labels: dict[str, str] = {}
    for (workload,), own in grouped(sizes, ["workload"]):
        if own.height < 2:
            continue
        differing = [name for name in parameters if own[name].n_unique() > 1]
        texts = [_text(row, differing) for row in own.iter_rows(named=True)]
        for row, text in zip(own.iter_rows(named=True), texts, strict=True):
            digest = str(row["workload_digest"])
            shown = text if text and texts.count(text) == 1 else f"{text}, {digest[:DIGEST_LETTERS]}".lstrip(", ")
            labels[digest] = f"{workload} ({shown})"
    if not labels:
        return trials
    name = (
        pl.col("workload_digest")
        .cast(pl.String)
        .replace_strict(labels, default=pl.col("workload").cast(pl.String), return_dtype=pl.String())
    )
    return trials.with_columns(name.alias("workload"))


def _text(row: dict[str, Any], parameters: list[str]) -> str:
    known = [name for name in parameters if row[name] is not None]
    return ", ".join(f"{name.removeprefix('parameter_')}={row[name]}" for name in known)
