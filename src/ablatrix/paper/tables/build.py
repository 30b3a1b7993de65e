"""A table of the paper: rows of a source, grouped, aggregated, rounded and printed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from ablatrix.analysis.effects import Largest, verdict_word
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key
from ablatrix.analysis.table import NOT_FINAL, NOT_RECORDED, TIMED_OTHER
from ablatrix.paper.tables.cells import NOTHING, Groups, Key
from ablatrix.paper.tables.effect_rows import TOTAL
from ablatrix.paper.tables.frame import source_rows
from ablatrix.paper.tables.largest_rows import CHANGE, largest_rows, rows_left_out
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.source_rows import SourceRows
from ablatrix.paper.tables.word import Cell, Word, both
from ablatrix.paper.template.rules import printed_heading
from ablatrix.paper.template.sources import COLUMNS_OF, CONFIGURATION, KNOBS, SIZES, TRIALS
from ablatrix.paper.template.spec import ColumnSpec, TableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import ENGLISH, Labels

ROW = " row"
_REASONS_SHOWN = 5
_LOST = {NOT_RECORDED: "not_recorded", NOT_FINAL: "not_final", TIMED_OTHER: "timed_other"}
_SAID: Mapping[str, Callable[[Labels, str], str]] = {
    "workload": Labels.workload,
    "compiler": Labels.compiler,
    "knob": lambda labels, name: labels("whole") if name == TOTAL else labels.knob(name),
    "other_knob": Labels.knob,
    "status": Labels.status,
    "verdict": lambda labels, verdict: verdict_word(verdict, labels.language),
    "tier": lambda labels, tier: labels.known(f"tier_{tier}", tier),
    "role": lambda labels, role: labels.known(f"role_{role}", role),
    "mode": lambda labels, mode: labels.known(f"mode_{mode}", mode),
}
"""How values of columns that hold one thing by its name are said."""


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
    sizes = findings.varying_sizes
    words = {KNOBS: [*findings.varying_knobs], SIZES: [name for name in sizes if name not in mixed]}
    shown = [*(ColumnSpec(column=name) for name in mixed), *_expanded_columns(spec.columns, words)]
    groups = list(dict.fromkeys([*mixed, *_expanded(spec.group_by, words)])) if spec.group_by else []
    needed = list(dict.fromkeys([*groups, *(name for one in shown for name in (one.column, *one.filter))]))
    source = source_rows(findings, spec, list(dict.fromkeys([*mixed, *sizes])), needed, labels)
    frame = source.frame
    if not groups:
        frame = frame.with_row_index(ROW)
        groups = [ROW, *dict.fromkeys(column.column for column in shown if column.aggregation == "value")]
    found = Groups(findings, spec, frame, tuple(groups), labels)
    keys: list[Key] = list(found.keys)
    others: list[tuple[Key, Largest[Key]]] = []
    if spec.source == "effects" and CHANGE in groups:
        keys, others = largest_rows(found, shown)
    if spec.source in TRIALS:  # they are in run order, which means nothing to a reader
        keys.sort(key=lambda key: [sort_key(value) for value in key])
    ranks = {f"{name.removeprefix('knob_')}": index for index, name in enumerate(words[KNOBS])}
    order = [(groups.index(name), name == CONFIGURATION) for name in _expanded(spec.sort, words)]
    keys.sort(key=lambda key: [_place(key[at], ranks if is_moves else None) for at, is_moves in order])
    columns = [_in_words(found.column(column), column, source, labels) for column in shown]
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=tuple(both(labels, partial(printed_heading, column)) for column in shown),
        is_number=tuple(_is_number(spec, column) for column in shown),
        cells=tuple(tuple(cells[key] for cells in columns) for key in keys),
        notes=(*_notes(findings, source, labels), *rows_left_out(found, others, labels)),
        labels=labels,
    )


def _in_words(cells: Mapping[Any, Cell], column: ColumnSpec, source: SourceRows, labels: Labels) -> Mapping[Any, Cell]:
    """Return the cells of a column of text with the titles and the words of the paper's language."""
    if column.aggregation not in ("value", "only"):
        return cells
    return {
        key: _worded(cell, column.column, source, labels) if isinstance(cell, str) else cell
        for key, cell in cells.items()
    }


def _worded(text: str, column: str, source: SourceRows, labels: Labels) -> Cell:
    if text == NOTHING:
        return text
    if column in source.words:
        said = source.words[column].get(text, text)
        return text if said == text else Word(text, said)
    if column.startswith("knob_"):
        return both(labels, lambda it: it.level(column.removeprefix("knob_"), text))
    return both(labels, lambda it: _SAID[column](it, text)) if column in _SAID else text


def _is_number(spec: TableSpec, column: ColumnSpec) -> bool:
    of_numbers = column.aggregation == "only" and COLUMNS_OF[spec.source].get(column.column, False)
    return of_numbers or column.aggregation not in ("value", "only")


def _place(value: Any, ranks: dict[str, int] | None) -> tuple[Any, ...]:
    """Return what a row is ordered by; configurations: the baseline, then the fewer knobs are moved the earlier."""
    if ranks is None or value is None:
        return sort_key(value)
    moved = [ranks.get(piece.partition("=")[0], len(ranks)) for piece in str(value).split(", ") if "=" in piece]
    return (len(moved), *moved, str(value))


def _notes(findings: Findings, source: SourceRows, labels: Labels) -> list[str]:
    """Return what the rows do not show: trials that are missing, effects that are not attributable."""
    notes, frame = [], source.frame
    if frame.is_empty():
        notes.append(labels("no_row"))
    excluded = findings.found.excluded
    if missing := [
        f"{excluded[name]} \N{MULTIPLICATION SIGN} {labels(word)}" for name, word in _LOST.items() if name in excluded
    ]:
        notes.append(labels("not_in_any_row", what=labels("semicolon").join(missing)))
    if "not_attributable" in frame.columns:
        lost = frame.filter(pl.col("not_attributable").is_not_null())
        reasons = lost.select("workload", "compiler", "not_attributable").unique(maintain_order=True).rows()
        said = source.words.get("not_attributable", {})
        for workload, compiler, why in reasons[:_REASONS_SHOWN]:
            named = {"workload": labels.workload(workload or ""), "compiler": labels.compiler(compiler)}
            notes.append(labels("not_attributable", **named, why=said.get(why, why)))
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
