"""What should be one for all trials of a table: schema version, study, commits, machine, versions of software."""

from collections.abc import Mapping
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
STRATUM = "stratum"
BUILD_COLUMNS = ("build_name", "build_digest")


def mixed_origins(found: Tidy) -> dict[str, list[Any]]:
    """Return what should be one for all trials and is not: column -> its values, sorted.

    Hosts of one study are none of it: they are blocks (see `ablatrix.analysis.groups.hosts`), as long as they are of
    one stratum. Several strata are named in place of what is one within each.

    These are the schema version, the study, the commits, the machine and the versions of software, which may differ
    between the builds that a study compares, as the digest of each build may not; and the digest of a workload, which
    must be one for the same name and parameters.
    """
    versions, sizes = found.columns("version_"), ["workload", *found.columns("parameter_")]
    of_builds = [*versions, *BUILD_COLUMNS]
    # Only what is read is filtered, not every column.
    chosen = ("role", "workload_digest", *ORIGIN_COLUMNS, *of_builds, *sizes)
    known = (name for name in dict.fromkeys((*chosen, STRATUM)) if name != STRATUM or STRATUM in found.trials.columns)
    trials = without_priming_runs(found.trials.select(known))
    mixed = {name: values for name in ORIGIN_COLUMNS if len(values := distinct(trials[name])) > 1}
    if "study_digest" not in mixed:
        mixed.pop("host", None)
        if STRATUM in trials.columns and trials[STRATUM].null_count() == 0 and trials[STRATUM].n_unique() > 1:
            mixed = {STRATUM: distinct(trials[STRATUM])} | _within_strata(trials, mixed)
    several = trials["build_name"].null_count() < trials.height
    for own in trials.partition_by("build_name") if several else [trials]:
        mixed |= {name: values for name in of_builds if len(values := distinct(own[name])) > 1}
    digests = (
        trials.group_by(sizes).agg(pl.col("workload_digest").unique()).filter(pl.col("workload_digest").list.len() > 1)
    )
    if not digests.is_empty():
        mixed["workload_digest"] = sorted(set(digests["workload_digest"].explode().to_list()))
    return mixed


def _within_strata(trials: pl.DataFrame, mixed: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return what differs between hosts of one stratum, out of what differs between all."""
    own = trials.group_by(STRATUM).agg(pl.col(*mixed).drop_nulls().n_unique()) if mixed else trials
    return {name: values for name, values in mixed.items() if (own[name] > 1).any()}


def refuse_mixed(found: Tidy, allow_mixed: bool, strata_apart: bool = False) -> list[str]:
    """Return the columns of mixed origin when that is allowed, none when there is no mixture.

    Args:
        found: The results.
        allow_mixed: Whether any mixture is asked for.
        strata_apart: Whether what is made of the results tells apart what these columns do, so that strata of hosts
            need not be asked for.

    Raises:
        AnalysisError: Origins are mixed and that was not asked for.
    """
    mixed = mixed_origins(found)
    if list(mixed) == [STRATUM] and not allow_mixed:
        if strata_apart:
            return [STRATUM]
        strata = mixed[STRATUM]
        raise AnalysisError(
            f"the hosts of these results are of {len(strata)} strata ({', '.join(strata)}), whose hardware or software "
            "differs, so they cannot be taken together; give the records of one, such as those that "
            f"jq -c 'select(.meta.place.stratum == \"{strata[0]}\")' results.jsonl prints ('ablatrix effects' has all "
            "of them, apart)"
        )
    if mixed and not allow_mixed:
        faults = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in mixed.items())
        raise AnalysisError(
            f"the results are of several origins, so they cannot share rows of a table: {faults}; give runs of one "
            "origin, or allow the mixture (--allow-mixed), which makes each of these a column of its own"
        )
    # Who asks for a mixture wants to see what differs, hosts too.
    several = allow_mixed and "host" not in mixed and found.trials["host"].n_unique() > 1
    return [*mixed, *(["host"] if several else [])]
