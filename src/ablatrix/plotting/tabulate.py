"""``ablatrix tabulate``: records -> flat table, summary, exclusions and the first figure."""

from pathlib import Path

import polars as pl

from ablatrix.analysis.groups import group_columns, refuse_mixed, summarise_groups, without_priming_runs
from ablatrix.analysis.table import IS_OK, Tidy, write_csv
from ablatrix.plotting.cold_scatter import cold_points, draw_cold_scatter

FIGURE = "cache_miss_vs_compile"
PRIMER = "primer of a warm cache (in ablation.csv, in no statistics)"
PROBE = "probe: an untimed compile (in ablation.csv, in no statistics)"


def tabulate(found: Tidy, out_dir: str | Path, allow_mixed: bool = False) -> list[Path]:
    """Write the tables and the figure of records. The same records give the same bytes.

    Files: ``ablation.csv`` (a line a trial, every status), ``tables/ablation_summary.csv`` (a line a group),
    ``tables/exclusions.csv`` (what no statistic uses, and why) and, where there are cold trials to show,
    ``figures/cache_miss_vs_compile.{pdf,png,svg}``.

    Args:
        found: The table of trials.
        out_dir: Directory to write into, made where needed.
        allow_mixed: Take records of several studies, machines, commits or versions, a column for each difference.

    Returns:
        The files written.

    Raises:
        AnalysisError: Origins are mixed and that was not asked for.
    """
    out = Path(out_dir)
    mixed = refuse_mixed(found, allow_mixed, strata_apart=True)
    if "host" not in mixed and found.trials["host"].n_unique() > 1:
        mixed.append("host")  # medians are of times, of which hosts have their own
    trials = without_priming_runs(found.trials)
    written = [
        write_csv(found.trials, out / "ablation.csv"),
        write_csv(summarise_groups(trials, group_columns(found, mixed)), out / "tables" / "ablation_summary.csv"),
        write_csv(exclusions(found), out / "tables" / "exclusions.csv"),
    ]
    points = cold_points(trials)
    return written if points.is_empty() else written + draw_cold_scatter(points, out / "figures" / FIGURE)


def exclusions(found: Tidy) -> pl.DataFrame:
    """Return what no statistic uses, by reason: excluded records, cache-priming runs and every status but ok."""
    reasons = dict(found.excluded)
    for role, reason in (("primer", PRIMER), ("probe", PROBE)):
        if count := int((found.trials["role"] == role).sum()):
            reasons[reason] = count
    others = without_priming_runs(found.trials).filter(~IS_OK)
    for status, count in others.group_by("status").len().sort("status").iter_rows():
        reasons[f"status {status}"] = count
    schema = {"reason": pl.String(), "records": pl.Int64()}
    return pl.DataFrame({"reason": list(reasons), "records": list(reasons.values())}, schema=schema)
