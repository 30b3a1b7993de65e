"""Records -> one table of trials."""

from ablatrix.analysis.table.choice import LOST, NOT_FINAL, SUPERSEDED, TIMED_OTHER
from ablatrix.analysis.table.columns import COLUMNS, MAPS
from ablatrix.analysis.table.delimited import csv_text, write_csv
from ablatrix.analysis.table.outcomes import (
    HAS_ILL_CONDITIONED,
    IS_FAILURE,
    IS_NOT_RUN,
    IS_OK,
    IS_UNSUPPORTED,
    NOT_JUDGED,
    has_status,
)
from ablatrix.analysis.table.paired import BLOCK
from ablatrix.analysis.table.planned import NO_TEXT, PLANNED, PlannedTrials, count_planned, load_design
from ablatrix.analysis.table.trials_table import (
    LINE_COLUMNS,
    NOT_RECORDED,
    Tidy,
    ordered_by_content,
    tidy,
)
from ablatrix.analysis.table.warm_up import CLASS, UNSTEADY, unsteady_trials

__all__ = [
    "BLOCK",
    "CLASS",
    "COLUMNS",
    "HAS_ILL_CONDITIONED",
    "IS_FAILURE",
    "IS_NOT_RUN",
    "IS_OK",
    "IS_UNSUPPORTED",
    "LINE_COLUMNS",
    "LOST",
    "MAPS",
    "NOT_FINAL",
    "NOT_JUDGED",
    "NOT_RECORDED",
    "NO_TEXT",
    "PLANNED",
    "SUPERSEDED",
    "TIMED_OTHER",
    "UNSTEADY",
    "PlannedTrials",
    "Tidy",
    "count_planned",
    "csv_text",
    "has_status",
    "load_design",
    "ordered_by_content",
    "tidy",
    "unsteady_trials",
    "write_csv",
]
