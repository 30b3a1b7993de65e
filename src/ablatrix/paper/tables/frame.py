"""A table's source as a data frame: the rows that its template keeps, with the columns that it needs."""

from collections.abc import Iterable, Sequence

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import BLOCK, CLASS, IS_OK, has_status
from ablatrix.paper.filters import filtered, require_column
from ablatrix.paper.tables.effect_rows import attribution_rows, effect_rows
from ablatrix.paper.tables.workload_rows import workload_rows
from ablatrix.paper.template.sources import TRIALS
from ablatrix.paper.template.spec import TableSpec
from ablatrix.records.status import Status

_OWN = (
    *("status", "mode", "role", "workload", "workload_digest", "compiler", "is_baseline"),
    *("checked", "missing", CLASS, *BLOCK),
)
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
        derived = [name for name in _DERIVED if name in columns]
        names = list(dict.fromkeys((*_OWN, *columns, *spec.filter)))
        for name in names:
            if name not in derived:
                require_column(findings.trials, name, subject)
        needed = findings.trials.select(name for name in names if name not in derived)
        frame = needed.with_columns(_DERIVED[name].alias(name) for name in derived)
    else:
        make = {"workloads": workload_rows, "effects": effect_rows, "attribution": attribution_rows}[spec.source]
        frame = make(findings, origin)
        for name in columns:
            require_column(frame, name, subject)
    return filtered(frame, spec.filter, subject)
