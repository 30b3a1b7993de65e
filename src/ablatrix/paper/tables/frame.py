"""A table's source as a data frame: the rows that its template keeps, with the columns that it needs."""

from collections.abc import Iterable, Sequence

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import knob_order, numbered
from ablatrix.analysis.table import BLOCK, CLASS, IS_OK, has_status
from ablatrix.paper.filters import filtered, require_column
from ablatrix.paper.tables.effect_rows import attribution_rows, effect_rows
from ablatrix.paper.tables.workload_rows import workload_rows
from ablatrix.paper.template.sources import CONFIGURATION, TRIALS
from ablatrix.paper.template.spec import TableSpec
from ablatrix.records.status import Status

_OWN = (
    *("status", "mode", "role", "workload", "workload_digest", "compiler", "is_baseline"),
    *("checked", "missing", CLASS, *BLOCK),
)
BASELINE = "baseline"
_DERIVED = {
    "wrong": has_status(Status.WRONG_OUTPUT).cast(pl.Int64),
    "unchecked": (IS_OK & pl.col("checked").is_null()).cast(pl.Int64),
}


def source_frame(findings: Findings, spec: TableSpec, origin: Sequence[str], columns: Iterable[str]) -> pl.DataFrame:
    """Return the rows of a table's source that its filter keeps.

    Args:
        findings: What is estimated from the trials. Effects are judged over all of them, whatever the filter keeps: a
            family of tests must not shrink with the selection that is shown.
        spec: The template's entry.
        origin: Columns that distinguish mixed records or sizes of a workload.
        columns: Columns that the table shows, groups by or filters by.

    Raises:
        AnalysisError: A column is not in these records.
    """
    subject = f"table {spec.number}"
    if spec.source in TRIALS:
        # Of a million trials, only the columns that are needed are filtered.
        wanted = list(dict.fromkeys((*_OWN, *columns, *spec.filter)))
        made = dict(_DERIVED)
        trials = findings.trials
        if CONFIGURATION in wanted:
            made[CONFIGURATION] = pl.lit(_configurations(trials))
        derived = [name for name in made if name in wanted]
        names = [name for name in wanted if name not in derived]
        for name in names:
            require_column(trials, name, subject)
        frame = trials.select(*names, *(made[name].alias(name) for name in derived))
    else:
        make = {"workloads": workload_rows, "effects": effect_rows, "attribution": attribution_rows}[spec.source]
        frame = make(findings, origin)
        for name in columns:
            require_column(frame, name, subject)
    return filtered(frame, spec.filter, subject)


def _configurations(trials: pl.DataFrame) -> pl.Series:
    """Return the configuration of each trial; the text of each is made once, as a million trials share a few."""
    columns = ["role", *(name for name in trials.columns if name.startswith(("knob_", "baseline_")))]
    found = numbered(trials, columns)
    distinct = trials.select(columns)[found.first]
    return distinct.select(_configuration(columns, knob_order(trials))).to_series()[found.numbers]


def _configuration(columns: Sequence[str], order: Sequence[str]) -> pl.Expr:
    """Return the levels of a measured trial that are not its baseline's, as text; null for others."""
    moved = []
    for knob in order:
        at, base = f"knob_{knob}", f"baseline_{knob}"
        if at in columns and base in columns:
            level = pl.col(at).cast(pl.String)
            is_moved = level != pl.col(base).cast(pl.String)
            moved.append(pl.when(is_moved).then(pl.concat_str(pl.lit(f"{knob}="), level)).otherwise(None))
    text = pl.concat_str(moved, separator=", ", ignore_nulls=True) if moved else pl.lit("")
    named = pl.when(text == "").then(pl.lit(BASELINE)).otherwise(text)
    return pl.when(pl.col("role").cast(pl.String) != "reference").then(named).otherwise(None)
