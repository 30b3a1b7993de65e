"""A table's source as a data frame: the rows that its template keeps, with the columns that it needs."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import knob_order, numbered
from ablatrix.analysis.table import BLOCK, CLASS, IS_OK, has_status
from ablatrix.paper.filters import filtered, require_column
from ablatrix.paper.tables.effect_rows import attribution_rows, effect_rows
from ablatrix.paper.tables.source_rows import SourceRows
from ablatrix.paper.tables.workload_rows import workload_rows
from ablatrix.paper.template.sources import CONFIGURATION, TRIALS
from ablatrix.paper.template.spec import TableSpec
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.records.status import Status

_OWN = (
    *("status", "mode", "role", "workload", "workload_digest", "compiler", "is_baseline"),
    *("checked", "missing", CLASS, *BLOCK),
)
_SHOWN = " shown"  # no column of a record begins with a space
_DERIVED = {
    "wrong": has_status(Status.WRONG_OUTPUT).cast(pl.Int64),
    "unchecked": (IS_OK & pl.col("checked").is_null()).cast(pl.Int64),
}


def source_rows(
    findings: Findings, spec: TableSpec, origin: Sequence[str], columns: Iterable[str], labels: Labels = ENGLISH
) -> SourceRows:
    """Return the rows of a table's source that its filter keeps.

    Args:
        findings: What is estimated from the trials. Effects are judged over all of them, whatever the filter keeps: a
            family of tests must not shrink with the selection that is shown.
        spec: The template's entry.
        origin: Columns that distinguish mixed records or sizes of a workload.
        columns: Columns that the table shows, groups by or filters by.
        labels: The words of the paper's language.

    Raises:
        AnalysisError: A column is not in these records.
    """
    subject = f"table {spec.number}"
    words: Mapping[str, Mapping[str, str]] = {}
    if spec.source in TRIALS:
        # Of a million trials, only the columns that are needed are filtered.
        wanted = list(dict.fromkeys((*_OWN, *columns, *spec.filter)))
        made = dict(_DERIVED)
        trials = findings.trials
        if CONFIGURATION in wanted:
            configurations, said = _configurations(trials, labels)
            made[CONFIGURATION], words = pl.lit(configurations), {CONFIGURATION: said}
        derived = [name for name in made if name in wanted]
        names = [name for name in wanted if name not in derived]
        for name in names:
            require_column(trials, name, subject)
        frame = trials.select(*names, *(made[name].alias(name) for name in derived))
    else:
        make = {
            "workloads": workload_rows,
            "effects": effect_rows,
            "attribution": attribution_rows,
        }[spec.source]
        source = make(findings, origin, labels)
        frame, words = source.frame, source.words
        for name in columns:
            require_column(frame, name, subject)
    return SourceRows(filtered(frame, spec.filter, subject), words)


def _configurations(trials: pl.DataFrame, labels: Labels) -> tuple[pl.Series, dict[str, str]]:
    """Return the configuration of each trial, and how each is printed.

    The text of each is made once: a million trials share a few.
    """
    columns = ["role", *(name for name in trials.columns if name.startswith(("knob_", "baseline_")))]
    found = numbered(trials, columns)
    distinct, order = trials.select(columns)[found.first], knob_order(trials)
    named, shown = _configuration(distinct, order), _configuration(distinct, order, labels)
    pairs = distinct.select(named.alias(CONFIGURATION), shown.alias(_SHOWN))
    return pairs[CONFIGURATION].cast(pl.Categorical())[found.numbers], dict(pairs.drop_nulls().iter_rows())


def _configuration(trials: pl.DataFrame, order: Sequence[str], labels: Labels = ENGLISH) -> pl.Expr:
    """Return the levels of a measured trial that are not its baseline's, as text; null for others."""
    moved = []
    for knob in order:
        at, base = f"knob_{knob}", f"baseline_{knob}"
        if at in trials.columns and base in trials.columns:
            level = pl.col(at).cast(pl.String)
            is_moved = level != pl.col(base).cast(pl.String)
            moved.append(pl.when(is_moved).then(_move(trials, knob, labels)).otherwise(None))
    text = pl.concat_str(moved, separator=", ", ignore_nulls=True) if moved else pl.lit("")
    named = pl.when(text == "").then(pl.lit(labels("baseline"))).otherwise(text)
    return pl.when(pl.col("role").cast(pl.String) != "reference").then(named).otherwise(None)


def _move(trials: pl.DataFrame, knob: str, labels: Labels) -> pl.Expr:
    level = pl.col(f"knob_{knob}").cast(pl.String)
    if labels == ENGLISH:
        return pl.concat_str(pl.lit(f"{knob}="), level)
    levels = trials[f"knob_{knob}"].drop_nulls().unique().cast(pl.String).to_list()
    moves = {one: labels.move(knob, one) for one in levels}
    return level.replace_strict(moves, default=level, return_dtype=pl.String())
