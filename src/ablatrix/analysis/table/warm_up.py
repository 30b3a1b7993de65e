"""Which hot trials never became steady: reported wherever their times are shown."""

import polars as pl

from ablatrix.analysis.table.outcomes import IS_OK
from ablatrix.analysis.table.trials_table import Tidy

CLASS = "warm_up_classification"
UNSTEADY = "unsteady"


def unsteady_trials(found: Tidy) -> list[tuple[str, int, int]]:
    """Return (workload, unsteady trials, hot trials with a class) for each workload that has unsteady ones."""
    chosen = found.trials.lazy().filter(IS_OK & pl.col(CLASS).is_not_null())
    hot = chosen.select("workload", CLASS).collect()  # lazy: else every column is copied
    counts = hot.group_by("workload").agg((pl.col(CLASS) == UNSTEADY).sum().alias("unsteady"), pl.len())
    return [row for row in counts.sort("workload").iter_rows() if row[1]]
