"""Filtering trials by a template's ``filter``."""

import polars as pl

from ablatrix.errors import AnalysisError
from ablatrix.paper.template.spec import Filter


def filtered(trials: pl.DataFrame, keep: Filter, subject: str) -> pl.DataFrame:
    """Return the trials whose columns have one of the values that a template's filter keeps.

    Raises:
        AnalysisError: A column that the trials do not have.
    """
    for column, values in keep.items():
        require_column(trials, column, f"{subject}: filter")
        trials = trials.filter(pl.col(column).cast(pl.String).is_in(values))
    return trials


def require_column(trials: pl.DataFrame, column: str, subject: str) -> None:
    """Refuse a column that the trials do not have.

    Raises:
        AnalysisError: There is no column of that name.
    """
    if column not in trials.columns:
        raise AnalysisError(
            f"{subject}: there is no column '{column}' in these trials; the header of ablation.csv lists the columns"
        )
