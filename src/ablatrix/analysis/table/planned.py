"""What was planned, beside what the records hold: planned = ok + failed + unsupported + not run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic_core import from_json

from ablatrix.analysis.table.outcomes import IS_FAILURE, IS_NOT_RUN, IS_OK, IS_UNSUPPORTED
from ablatrix.records.names import LARGEST_DESIGN
from ablatrix.regular_files import read_regular

KEYS = ("cell_id", "mode", "role")


def load_design(path: Path) -> dict[str, Any]:
    """Return a design as plain data.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a design.
    """
    try:
        design = from_json(read_regular(path, LARGEST_DESIGN))  # a third of the memory that json takes
        _refuse_other_shapes(design)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a design: {error!r}") from error
    return dict(design)


def _refuse_other_shapes(design: Any) -> None:
    """Refuse a design whose parts are not what its readers take them for.

    Raises:
        TypeError, KeyError, ValueError: What is wrong.
    """
    if not isinstance(design, dict):
        raise TypeError("it is no map")
    trials, plugins = design["trials"], design.get("plugins", {})
    _refuse_other_entries("trial", trials, ["trial_id", *(["cell_id"] if "cells" in design else [])])
    if "cells" in design:
        _refuse_other_entries("cell", design["cells"], ["cell_id", "workload", "compiler"])
        cells = {cell["cell_id"] for cell in design["cells"]}
        lost = next((trial for trial in trials if trial["cell_id"] not in cells), None)
        if lost is not None:
            raise ValueError(f"trial {lost['trial_id']} is of a cell that it does not have")
    if not isinstance(plugins, dict) or not {*map(type, plugins.values())} <= {str}:
        raise TypeError("its plugins are no map of digests")


def _refuse_other_entries(kind: str, entries: Any, texts: Sequence[str]) -> None:
    if type(entries) is not list or not {*map(type, entries)} <= {dict}:
        raise TypeError(f"its {kind}s are no list of maps")
    for name in texts:
        if not {type(entry[name]) for entry in entries} <= {str}:
            raise TypeError(f"the {name} of a {kind} is no text")


def count_planned(trials: pl.DataFrame, design: Mapping[str, Any]) -> pl.DataFrame:
    """Return what became of the planned trials, a row a cell, mode and role, in the order of the design.

    Args:
        trials: The table of trials (see `tidy`); those that were not planned are ignored.
        design: What was planned.

    Returns:
        ``planned`` = ``ok`` + ``failed`` + ``unsupported`` + ``not_run``. Not run is a trial whose record says so
        (see `ablatrix.records.status`), and one without a final record; ``without_record`` holds the ids of the latter.
    """
    planned = pl.DataFrame(
        {name: [trial.get(name) for trial in design["trials"]] for name in ("trial_id", *KEYS)},
        schema=dict.fromkeys(("trial_id", *KEYS), pl.String),
    )
    became = trials.select("trial_id", pl.col("status").cast(pl.String)).unique("trial_id")
    status = pl.col("status")
    return (
        planned.join(became, on="trial_id", how="left", maintain_order="left")
        .group_by(KEYS, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("planned"),
            IS_OK.sum().cast(pl.Int64).alias("ok"),
            IS_FAILURE.sum().cast(pl.Int64).alias("failed"),
            IS_UNSUPPORTED.sum().cast(pl.Int64).alias("unsupported"),
            (status.is_null() | IS_NOT_RUN).sum().cast(pl.Int64).alias("not_run"),
            pl.col("trial_id").filter(status.is_null()).alias("without_record"),
        )
    )
