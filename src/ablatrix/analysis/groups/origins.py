"""What should be one for all trials of a table: schema version, study, commits, machine, versions of software."""

from typing import Any

import polars as pl

from ablatrix.analysis.groups.ordering import distinct
from ablatrix.analysis.groups.roles import without_priming_runs
from ablatrix.analysis.table import Tidy
from ablatrix.errors import AnalysisError

ORIGIN_COLUMNS = (
    "schema_version",
    "study_digest",
    "study_commit",
    "study_dirty",
    "ablatrix_commit",
    "ablatrix_dirty",
    "host",
    "cpu",
    "cores",
)


def mixed_origins(found: Tidy) -> dict[str, list[Any]]:
    """Return what should be one for all trials and is not: column -> its values, sorted.

    These are the schema version, the study, the commits, the machine and the versions of software; and the
    digest of a workload, which must be one for the same name and parameters.
    """
    versions, sizes = found.columns("version_"), ["workload", *found.columns("parameter_")]
    # Only what is read is filtered, not every column.
    trials = without_priming_runs(found.trials.select("role", "workload_digest", *ORIGIN_COLUMNS, *versions, *sizes))
    mixed = {name: values for name in (*ORIGIN_COLUMNS, *versions) if len(values := distinct(trials[name])) > 1}
    digests = (
        trials.group_by(sizes).agg(pl.col("workload_digest").unique()).filter(pl.col("workload_digest").list.len() > 1)
    )
    if not digests.is_empty():
        mixed["workload_digest"] = sorted(set(digests["workload_digest"].explode().to_list()))
    return mixed


def refuse_mixed(found: Tidy, allow_mixed: bool) -> list[str]:
    """Return the columns of mixed origin when that is allowed, none when there is no mixture.

    Raises:
        AnalysisError: Origins are mixed and that was not asked for.
    """
    mixed = mixed_origins(found)
    if mixed and not allow_mixed:
        faults = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in mixed.items())
        raise AnalysisError(
            f"the results are of several origins, so they cannot share rows of a table: {faults}; give runs of one "
            "origin, or allow the mixture (--allow-mixed), which makes each of these a column of its own"
        )
    return list(mixed)
