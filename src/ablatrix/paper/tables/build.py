"""A table of the paper: rows of a source, grouped, aggregated, rounded and printed."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key, varying_knobs, varying_sizes
from ablatrix.analysis.table import NOT_FINAL, NOT_RECORDED, TIMED_OTHER
from ablatrix.paper.tables.cells import Groups
from ablatrix.paper.tables.frame import BASELINE, source_frame
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.template.rules import printed_heading
from ablatrix.paper.template.sources import COLUMNS_OF, CONFIGURATION, KNOBS, SIZES, TRIALS
from ablatrix.paper.template.spec import ColumnSpec, TableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import ENGLISH, Labels

ROW = " row"
_REASONS_SHOWN = 5


def build_table(
    findings: Findings, spec: TableSpec, mixed: Sequence[str] = (), labels: Labels = ENGLISH
) -> PrintedTable:
    """Return a table of rows as its template specifies it.

    Args:
        findings: What is estimated from the trials.
        spec: The template's entry, which follows the rules of `ablatrix.paper.template.rules`.
        mixed: Columns of mixed origin: each becomes a column in front.
        labels: The words of the paper's language.

    Raises:
        AnalysisError: The template names a column that these records do not have, or a cell would have several values.
    """
    sizes = varying_sizes(findings.found)
    words = {KNOBS: varying_knobs(findings.found), SIZES: [name for name in sizes if name not in mixed]}
    shown = [*(ColumnSpec(column=name) for name in mixed), *_expanded_columns(spec.columns, words)]
    groups = list(dict.fromkeys([*mixed, *_expanded(spec.group_by, words)])) if spec.group_by else []
    needed = list(dict.fromkeys([*groups, *(name for one in shown for name in (one.column, *one.filter))]))
    frame = source_frame(findings, spec, list(dict.fromkeys([*mixed, *sizes])), needed)
    if not groups:
        frame = frame.with_row_index(ROW)
        groups = [ROW, *dict.fromkeys(column.column for column in shown if column.aggregation == "value")]
    found = Groups(findings, spec, frame, tuple(groups))
    keys = list(found.keys)
    if spec.source in TRIALS:  # they are in run order, which means nothing to a reader
        keys.sort(key=lambda key: [sort_key(value) for value in key])
    ranks = {f"{name.removeprefix('knob_')}": index for index, name in enumerate(words[KNOBS])}
    order = [(groups.index(name), name == CONFIGURATION) for name in _expanded(spec.sort, words)]
    keys.sort(key=lambda key: [_place(key[at], ranks if is_moves else None) for at, is_moves in order])
    columns = [_in_language(found.column(column), column, labels) for column in shown]
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        headings=tuple(printed_heading(column, labels) for column in shown),
        is_number=tuple(_is_number(spec, column) for column in shown),
        rows=tuple(tuple(cells[key] for cells in columns) for key in keys),
        notes=tuple(_notes(findings, frame, labels)),
        labels=labels,
    )


def _in_language(cells: Mapping[Any, str], column: ColumnSpec, labels: Labels) -> Mapping[Any, str]:
    """Return the cells of a column, with the word for the baseline in the paper's language."""
    if column.column != CONFIGURATION:
        return cells
    return {key: labels("baseline") if cell == BASELINE else cell for key, cell in cells.items()}


def _is_number(spec: TableSpec, column: ColumnSpec) -> bool:
    of_numbers = column.aggregation == "only" and COLUMNS_OF[spec.source].get(column.column, False)
    return of_numbers or column.aggregation not in ("value", "only")


def _place(value: Any, ranks: dict[str, int] | None) -> tuple[Any, ...]:
    """Return what a row is ordered by; configurations: the baseline, then the fewer knobs are moved the earlier."""
    if ranks is None or value is None:
        return sort_key(value)
    moved = [ranks.get(piece.partition("=")[0], len(ranks)) for piece in str(value).split(", ") if "=" in piece]
    return (len(moved), *moved, str(value))


def _notes(findings: Findings, frame: pl.DataFrame, labels: Labels) -> list[str]:
    """Return what the rows do not show: trials that are missing, effects that are not attributable."""
    notes = []
    if frame.is_empty():
        notes.append(labels("no_row"))
    excluded = findings.found.excluded
    if missing := [f"{excluded[name]} x {name}" for name in (NOT_RECORDED, NOT_FINAL, TIMED_OTHER) if name in excluded]:
        notes.append(labels("not_in_any_row", what="; ".join(missing)))
    if "not_attributable" in frame.columns:
        lost = frame.filter(pl.col("not_attributable").is_not_null())
        reasons = lost.select("workload", "compiler", "not_attributable").unique(maintain_order=True).rows()
        for workload, compiler, why in reasons[:_REASONS_SHOWN]:
            notes.append(labels("not_attributable", workload=workload, compiler=compiler, why=why))
        if len(reasons) > _REASONS_SHOWN:
            notes.append(labels("further_reasons", count=len(reasons) - _REASONS_SHOWN))
    return notes


def _expanded(names: Sequence[str], words: dict[str, list[str]]) -> list[str]:
    return [name for entry in names for name in words.get(entry, [entry])]


def _expanded_columns(columns: Sequence[ColumnSpec], words: dict[str, list[str]]) -> list[ColumnSpec]:
    return [
        one
        for column in columns
        for one in ([ColumnSpec(column=name) for name in words[column.column]] if column.column in words else [column])
    ]
