"""Which line counts for each trial: the last final attempt. What the others are is counted, and reported.

What follows from the lines of one file alone is found once, when they are parsed, and kept with their columnar copy:
why a line is omitted, and the paired times of those that count.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.table.chunk import FINAL, OFFSET
from ablatrix.analysis.table.outcomes import IS_OK, has_status
from ablatrix.analysis.table.paired import FASTEST, MEDIANS, paired_times
from ablatrix.records.journal import read_encoded
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.records.status import Status

SUPERSEDED = "attempt that a later one replaced"
NOT_FINAL = "trial without a final attempt (interrupted, not run again yet)"
LOST = "attempt that was lost with its host"
REPEATED = "record that stands in another input as well"
TIMED_OTHER = "hot trial that timed another executable than was checked"

OMITTED, ROW = " omitted", " row"  # no column of a record begins with a space
_REASONS = (SUPERSEDED, NOT_FINAL, REPEATED, LOST)
_DIGESTS = ("checked_digest", "timed_digest")
_DIFFERS = pl.col(_DIGESTS[0]) != pl.col(_DIGESTS[1])
_IS_OTHER = ((pl.col("mode") == "hot") & IS_OK & _DIFFERS).fill_null(value=False)


def with_choice(rows: pl.DataFrame, file: Path) -> pl.DataFrame:
    """Return the lines of one file with why each is omitted (null: it counts), and paired times of those that count.

    Raises:
        RecordError: The file cannot be read.
    """
    run = pl.lit(0, pl.Int64()).alias("run")
    keys = rows.select("trial_id", "record_id", "attempt", FINAL, OFFSET).with_columns(run).with_row_index(ROW)
    finals = keys.filter(FINAL).sort("attempt", OFFSET).unique("trial_id", keep="last")
    others = keys.join(finals, on=ROW, how="anti")
    superseded = others.join(finals, on="trial_id", how="semi")
    chosen = _without_repeats(finals, [file])
    reasons = np.full(rows.height, _REASONS.index(NOT_FINAL), np.int8)
    reasons[superseded[ROW].to_numpy()] = _REASONS.index(SUPERSEDED)
    reasons[finals[ROW].to_numpy()] = _REASONS.index(REPEATED)
    lost = rows.select(has_status(Status.NODE_LOST) & ~pl.col(FINAL)).to_series()
    reasons[lost.fill_null(value=False).to_numpy()] = _REASONS.index(LOST)
    counts = np.zeros(rows.height, np.bool_)
    counts[chosen[ROW].to_numpy()] = True
    read = rows.select("block_id", "cell_id", "role", "mode", "status", *_DIGESTS, MEDIANS, FASTEST)
    held = read.with_columns(run).with_row_index(ROW).filter(pl.lit(pl.Series(counts)) & ~_IS_OTHER)
    times = np.full(rows.height, np.nan)
    times[held[ROW].to_numpy()] = paired_times(held).fill_null(np.nan).to_numpy()
    omitted = pl.when(pl.lit(pl.Series(~counts))).then(pl.lit(pl.Series(reasons))).alias(OMITTED)
    return rows.with_columns(omitted, pl.Series(HOT_METRIC, times).fill_nan(None))


def choose(rows: pl.DataFrame, files: Sequence[Path], excluded: Counter[str]) -> pl.DataFrame:
    """Return the rows that count, without hot ok ones that timed another executable than the one that was checked.

    Their times belong to a program whose answers nobody has checked. Every statistic reads `Tidy.trials`, so this is
    the only code that has the rule.

    Args:
        rows: The lines of all files, run by run, as `with_choice` returns them.
        files: By run.
        excluded: Gets how many are omitted, by reason.
    """
    for number, count in rows[OMITTED].drop_nulls().value_counts().iter_rows():
        excluded[_REASONS[number]] += count
    counts = rows[OMITTED].is_null()
    height = int(counts.sum())
    # Most often they are the beginning of the table: then nothing is copied.
    trials = rows.head(height) if counts.head(height).all() else rows.filter(counts)
    kept = _without_repeats_between(trials, files)
    excluded[REPEATED] += trials.height - kept.height
    others = kept.select(_IS_OTHER).to_series()
    excluded[TIMED_OTHER] += int(others.sum())
    chosen = kept.filter(~others) if others.any() else kept
    # A block that lacks a trial now has other paired times.
    return chosen if kept.height == trials.height else chosen.with_columns(paired_times(chosen))


def _without_repeats_between(trials: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
    """Return the rows without records that an earlier run has as well."""
    if len(files) < 2:
        return trials
    keys = trials.select("run", "record_id", OFFSET).with_row_index(ROW)
    kept = _without_repeats(keys, files)
    return trials if kept.height == keys.height else trials[kept[ROW]]


def _without_repeats(finals: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
    """Return the final rows without records that an earlier run, or line, has as well.

    Two runs of one study share ids; only records that are equal in every field are the same.
    """
    doubled = finals.filter(pl.col("record_id").is_duplicated()).sort("record_id", "run", OFFSET)
    repeats: list[int] = []
    kept: list[dict[str, Any]] = []
    before = None
    for record_id, run, offset, row in doubled.select("record_id", "run", OFFSET, ROW).iter_rows():
        if record_id != before:
            kept, before = [], record_id
        with files[run].open("rb") as file:
            file.seek(offset)
            data = read_encoded(file.readline(), str(files[run])).data
        if data in kept:
            repeats.append(row)
        else:
            kept.append(data)
    return finals.filter(~pl.col(ROW).is_in(repeats)) if repeats else finals
