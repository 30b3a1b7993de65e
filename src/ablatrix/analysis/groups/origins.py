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
BUILD_COLUMNS = ("build_name", "build_digest")


def mixed_origins(found: Tidy) -> dict[str, list[Any]]:
    """Return what should be one for all trials and is not: column -> its values, sorted.

    These are the schema version, the study, the commits, the machine and the versions of software, which may differ
    between the builds that a study compares, as the digest of each build may not; and the digest of a workload, which
    must be one for the same name and parameters.
    """
    versions, sizes = found.columns("version_"), ["workload", *found.columns("parameter_")]
    of_builds = [*versions, *BUILD_COLUMNS]
    # Only what is read is filtered, not every column.
    chosen = ("role", "workload_digest", *ORIGIN_COLUMNS, *of_builds, *sizes)
    trials = without_priming_runs(found.trials.select(*dict.fromkeys(chosen)))
    mixed = {name: values for name in ORIGIN_COLUMNS if len(values := distinct(trials[name])) > 1}
    several = trials["build_name"].null_count() < trials.height
    for own in trials.partition_by("build_name") if several else [trials]:
        mixed |= {name: values for name in of_builds if len(values := distinct(own[name])) > 1}
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
