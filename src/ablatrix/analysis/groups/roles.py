"""Which trials tables and figures are about, by the role of a trial."""

import polars as pl


def without_priming_runs(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that tables and figures are about: a cache-priming run only fills a cache.

    Nor are they about untimed compiles (*probes*), which only show what a knob changes in what is built.
    """
    is_other = trials["role"].is_in(["primer", "probe"])
    return trials.filter(~is_other) if is_other.any() else trials  # without one, nothing is copied
