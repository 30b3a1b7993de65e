"""What tells apart the sizes of a workload: where several programs share a name, text, tables and figures add it."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ablatrix.analysis.groups.ordering import grouped

DIGEST_LETTERS = 6
Sizes = Mapping[tuple[str, str], str]
"""Workload and digest -> size."""


def size_texts(trials: pl.DataFrame) -> Sizes:
    """Return the size of each program (``hidden=64``) of the workloads that have several.

    The parameters are those that differ; where these tell nothing, the first characters of the program's digest do.
    """
    parameters = [name for name in trials.columns if name.startswith("parameter_")]
    keys = ["workload", "workload_digest"]
    programs = trials.lazy().select(*keys, *parameters).unique(keys).collect()
    found: dict[tuple[str, str], str] = {}
    for (workload,), own in grouped(programs, ["workload"]):
        if own.height < 2:
            continue
        differing = [name for name in parameters if own[name].n_unique() > 1]
        texts = [_text(row, differing) for row in own.iter_rows(named=True)]
        for row, text in zip(own.iter_rows(named=True), texts, strict=True):
            digest = str(row["workload_digest"])
            shown = text if text and texts.count(text) == 1 else f"{text}, {digest[:DIGEST_LETTERS]}".lstrip(", ")
            found[str(workload), digest] = shown
    return found


def _text(row: dict[str, Any], parameters: list[str]) -> str:
    known = [name for name in parameters if row[name] is not None]
    return ", ".join(f"{name.removeprefix('parameter_')}={row[name]}" for name in known)
