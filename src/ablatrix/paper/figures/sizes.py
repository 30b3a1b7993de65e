"""Names for the sizes of a workload: figures have a line or a panel for each size."""

import polars as pl

from ablatrix.analysis.groups import Sizes
from ablatrix.records.titles import sized

_SEPARATOR = "\n"  # no name has it


def named_by_size(trials: pl.DataFrame, sizes: Sizes) -> pl.DataFrame:
    """Return the trials with ``mlp (hidden=64)`` as the name of a workload that has several programs."""
    if not sizes:
        return trials
    names = {f"{workload}{_SEPARATOR}{digest}": sized(workload, size) for (workload, digest), size in sizes.items()}
    workload, digest = pl.col("workload").cast(pl.String), pl.col("workload_digest").cast(pl.String)
    key = pl.concat_str(workload, digest, separator=_SEPARATOR)
    return trials.with_columns(key.replace_strict(names, default=workload, return_dtype=pl.String()).alias("workload"))
