"""What was planned, beside what the records hold: planned = ok + failed + unsupported + not run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic_core import from_json

from ablatrix.analysis.table.copies import Copies
from ablatrix.analysis.table.outcomes import IS_FAILURE, IS_NOT_RUN, IS_OK, IS_UNSUPPORTED
from ablatrix.canonical import digest_bytes
from ablatrix.foreign_text import many_values
from ablatrix.records.names import LARGEST_DESIGN
from ablatrix.regular_files import MEBIBYTE, read_regular

KEYS = ("cell_id", "mode", "role")
PLANNED = ("cell_id", "block_id", "mode", "role")
"""What a design says of a trial beside its id."""
NO_TEXT = "\0"
"""Stands where a design says something else than a text: no record has it."""
MOST_OBJECT_BYTES = 704 * MEBIBYTE
"""What the values of a design may take as objects, by an estimate that is seldom too low: 600 MiB for 450,000 trials,
whose text has `LARGEST_DESIGN` bytes. They take half of that."""
_NOT_SAID = object()
_REST = " rest"  # no column of a record begins with a space


@dataclass(frozen=True)
class PlannedTrials:
    """What ``design.json`` says.

    Attributes:
        trials: A row a planned trial, in the order of the run: ``trial_id`` and `PLANNED`, null where the design says
            nothing of it. Of a million trials a map for each takes seconds, and as much memory as half of the table.
        rest: All else that the design says, as plain data.
    """

    trials: pl.DataFrame
    rest: Mapping[str, Any]

    @classmethod
    def of(cls, design: Mapping[str, Any]) -> "PlannedTrials":
        """Return a design, given as plain data of the right shape."""
        trials = design["trials"]
        columns = [pl.Series("trial_id", [trial["trial_id"] for trial in trials], pl.String())]
        for name in PLANNED:
            said = [trial.get(name, _NOT_SAID) for trial in trials]
            texts = said if {*map(type, said)} <= {str} else [_text(one) for one in said]
            columns.append(pl.Series(name, texts, pl.Categorical()))
        return cls(pl.DataFrame(columns), {name: value for name, value in design.items() if name != "trials"})


def load_design(path: Path, copies: Copies | None = None) -> PlannedTrials:
    """Return a design.

    Args:
        path: The file.
        copies: Where a columnar copy of a large one is kept.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a design.
    """
    content = read_regular(path, LARGEST_DESIGN)
    size, digests = len(content), [digest_bytes(content)]
    kept = copies.find(size, lambda: digests) if copies else None
    if kept is not None:
        return PlannedTrials(kept.drop(_REST), from_json(kept[_REST][0]))
    if (excess := many_values(content, MOST_OBJECT_BYTES)) is not None:
        raise ValueError(f"not a design that can be read: {excess}")
    try:
        design = from_json(content)  # a third of the memory that json takes
        del content
        _refuse_other_shapes(design)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a design: {error!r}") from error
    found = PlannedTrials.of(design)
    if copies and found.trials.height:
        rest = pl.Series(_REST, [json.dumps(found.rest)], pl.String()).extend_constant(None, found.trials.height - 1)
        copies.keep(found.trials.with_columns(rest), size, digests)
    return found


def _text(said: Any) -> str | None:
    if said is _NOT_SAID:
        return None
    return said if isinstance(said, str) else NO_TEXT


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


def count_planned(trials: pl.DataFrame, design: PlannedTrials) -> pl.DataFrame:
    """Return what became of the planned trials, a row a cell, mode and role, in the order of the design.

    Args:
        trials: The table of trials (see `tidy`); those that were not planned are ignored.
        design: What was planned.

    Returns:
        ``planned`` = ``ok`` + ``failed`` + ``unsupported`` + ``not_run``. Not run is a trial whose record says so
        (see `ablatrix.records.status`), and one without a final record; ``without_record`` holds the ids of the latter.
    """
    planned, became = design.trials.select("trial_id", *KEYS), trials.select("trial_id", "status")
    if planned["trial_id"].equals(became["trial_id"]):  # most often the records have the plan, in its order
        planned = planned.with_columns(became["status"])
    else:
        planned = planned.join(became.unique("trial_id"), on="trial_id", how="left", maintain_order="left")
    status = pl.col("status")
    return planned.group_by(KEYS, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("planned"),
        IS_OK.sum().cast(pl.Int64).alias("ok"),
        IS_FAILURE.sum().cast(pl.Int64).alias("failed"),
        IS_UNSUPPORTED.sum().cast(pl.Int64).alias("unsupported"),
        (status.is_null() | IS_NOT_RUN).sum().cast(pl.Int64).alias("not_run"),
        pl.col("trial_id").filter(status.is_null()).alias("without_record"),
    )
