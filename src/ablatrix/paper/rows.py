"""The rows behind numbers, in an order in which what belongs together stands together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.metrics import METRICS
from ablatrix.analysis.outcome import IS_OK
from ablatrix.analysis.paired import BLOCK

ROW = "row"
OWNER = "block_compiler"
COLUMNS = (
    "run", "record_id", "trial_id", "position", "block_id", "workload", "workload_digest", "compiler", "mode", "role",
    "stage", "status", "is_baseline", "cpu", "cores", "cache_tag", "plan_ms", "import_ms",
    "compile_ms", "link_ms", "load_ms", "run_ms_cold", "expected_cache_misses",
    "samples_counted", "warm_up_classification", "stopping_effect_target", "checked_digest", "timed_digest",
    "artifact_digest", "checked", "missing", "draws", "nonfinite", "max_abs_diff", "max_rel_diff", "rms_ratio",
    "rms_factor", *METRICS,
)  # fmt: skip
PREFIXES = ("knob_", "baseline_", "threads_", "estimator_")

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Rows:
    """The final trials without primers, each with its place in the canonical order.

    Attributes:
        trials: What sentences and estimates read of them, sorted; ``row`` is the place, ``block_compiler`` the
            compiler of a trial's block, which the reference of the block shares.
        ids: The record's id by place; behind ``<run>:`` where there are several inputs, whose ids may be the same.
    """

    trials: pl.DataFrame
    ids: tuple[str, ...]

    def places(self, record_ids: Sequence[str]) -> list[int]:
        """Return where records stand, by their own ids; in several inputs an id may stand more than once."""
        return self.trials.filter(pl.col("record_id").is_in(list(record_ids)))[ROW].to_list()

    def knobs(self) -> list[str]:
        """Return the knobs that any compiler has, by name."""
        return [
            name.removeprefix("knob_")
            for name in self.trials.columns
            if name.startswith("knob_") and f"baseline_{name.removeprefix('knob_')}" in self.trials.columns
        ]


def canonical_rows(findings: Findings) -> Rows:
    """Return the trials in canonical order.

    They are sorted by workload (and its digest), compiler of the block, mode, ok before other statuses, status, role,
    compiler, knobs, and place in the run: the ok trials of a workload on a compiler in one mode, and those of a
    configuration, stand in one stretch.
    """
    chosen = [name for name in findings.trials.columns if name in COLUMNS or name.startswith(PREFIXES)]
    trials = findings.trials.lazy().select(chosen)
    labels = [name for name, kind in trials.collect_schema().items() if kind == pl.Categorical]
    owners = pl.col("compiler").filter(pl.col("role") != "reference").min().over(BLOCK)
    table = (
        trials.with_columns(pl.col(labels).cast(pl.String))
        .with_columns(owners.fill_null(pl.col("compiler")).alias(OWNER), (~IS_OK).alias(" failed"))
        .sort(
            *("workload", "workload_digest", OWNER, "mode", " failed", "status", "role", "compiler"),
            *(name for name in chosen if name.startswith("knob_")),
            *("run", "position", "trial_id", "record_id"),
            nulls_last=False,
        )
        .drop(" failed")
        .with_row_index(ROW)
        .collect()
    )
    named = table["record_id"]
    if table["run"].n_unique() > 1:
        named = table.select(pl.format("{}:{}", "run", "record_id")).to_series()
    return Rows(table, tuple(named.to_list()))


def ranges_of(places: Sequence[int] | pl.Series) -> Ranges:
    """Return places as stretches of neighbours, first and last included."""
    held: NDArray[np.int64] = np.unique(np.asarray(places, dtype=np.int64))
    if not held.size:
        return ()
    breaks = np.flatnonzero(np.diff(held) != 1)
    starts = held[np.concatenate(([0], breaks + 1))].tolist()
    ends = held[np.concatenate((breaks, [held.size - 1]))].tolist()
    return tuple(zip(starts, ends, strict=True))
