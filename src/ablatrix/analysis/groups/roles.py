"""Which trials tables and figures are about, by the role of a trial."""

import polars as pl


def without_priming_runs(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that tables and figures are about: a cache-priming run only fills a cache."""
    is_primer = trials["role"] == "primer"
    return trials.filter(~is_primer) if is_primer.any() else trials  # without one, nothing is copied
